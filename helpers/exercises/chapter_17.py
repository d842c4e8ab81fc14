"""Checks of the exercises of chapter 17."""

import numpy as np

from helpers.exercises.expect import Answer, expect


def _square(top: int, left: int) -> np.ndarray:
    mask = np.zeros((6, 8), bool)
    mask[top : top + 3, left : left + 3] = True
    return mask


def _iou_of(answer: Answer) -> None:
    a, empty = _square(1, 1), np.zeros((6, 8), bool)
    expect(answer(a, _square(1, 2)), 0.5, "two squares of 9 pixels that share 6")
    expect(answer(a, a), 1.0, "a mask and itself")
    expect(answer(a, empty), 0.0, "a mask and an empty one")
    expect(answer(empty, empty), 1.0, "two empty masks")


def _dice_from(answer: Answer) -> None:
    expect(answer(0.5), 2 / 3, "an IoU of 0.5")
    expect(answer(np.array([0.0, 0.25, 1.0])), [0, 0.4, 1], "IoUs of 0, 0.25 and 1")


def _peak_of(answer: Answer) -> None:
    scores = np.zeros((5, 9))
    scores[3, 7] = 2
    scores[1, 1] = 1
    expect(answer(scores), (7, 3), "a map with its peak in row 3, column 7")


def _boundary_of(answer: Answer) -> None:
    ring = _square(1, 1)
    ring[2, 2] = False
    expect(answer(_square(1, 1)), ring, "a square of 3 × 3 pixels")
    expect(answer(np.ones((1, 4), bool)), np.ones((1, 4), bool), "a mask that fills its picture")


CHECKS = (_iou_of, _dice_from, _peak_of, _boundary_of)
