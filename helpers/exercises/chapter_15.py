"""Checks of the exercises of chapter 15."""

import numpy as np

from helpers.exercises.expect import Answer, expect


def _box_of(answer: Answer) -> None:
    mask = np.zeros((6, 8), bool)
    mask[2, 3] = mask[4, 5] = True
    expect(answer(mask), (3, 2, 3, 3), "pixels at row 2, column 3 and row 4, column 5")
    mask[:] = False
    mask[5, 7] = True
    expect(answer(mask), (7, 5, 1, 1), "one pixel in the lower right corner")


def _to_yolo(answer: Answer) -> None:
    expect(answer((0, 0, 200, 100), 200, 100), (0.5, 0.5, 1, 1), "a box that fills the picture")
    expect(
        answer((50, 10, 20, 40), 200, 100), (0.3, 0.3, 0.1, 0.4), "the box (50, 10, 20, 40) on a "
        "picture of 200 × 100 pixels"
    )  # fmt: skip


def _run_lengths_of(answer: Answer) -> None:
    mask = np.array([[0, 1, 1], [0, 0, 1]], bool)
    expect(answer(mask), [2, 1, 1, 2], "the mask [[0, 1, 1], [0, 0, 1]]")
    expect(answer(~mask), [0, 2, 1, 1, 2], "its opposite, which starts with a marked pixel")


def _area_of(answer: Answer) -> None:
    square = np.array([[2, 1], [5, 1], [5, 4], [2, 4]])
    expect(answer(square), 9.0, "a square with sides of 3")
    expect(answer(square[::-1]), 9.0, "the same square, turned around")
    expect(answer(np.array([[0, 0], [4, 0], [0, 3]])), 6.0, "a triangle with legs 4 and 3")


CHECKS = (_box_of, _to_yolo, _run_lengths_of, _area_of)
