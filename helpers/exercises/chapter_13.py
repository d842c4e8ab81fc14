"""Checks of the exercises of chapter 13."""

import numpy as np

from helpers.exercises.expect import Answer, expect


def _picture_error(answer: Answer) -> None:
    expect(answer(0.1, 0.6), 0.1 * 0.8 / 0.6, "an error of 0.1 and a signal of 0.6")
    expect(answer(0.1, 1.0), 0, "an error of 0.1 and a picture without noise")
    expect(answer(np.array([1.0, 2.0]), 0.8), [0.75, 1.5], "errors of 1 and 2, a signal of 0.8")


def _choose(answer: Answer) -> None:
    good = np.array([[1.0, 2, 3, 4], [0.1, 0.2, 0.3, 0.4], [5, 6, 7, 8]])
    damaged = np.array([[2.5, 3.5], [0.35, 0.5], [6.5, 9]])
    expect(answer(good, damaged), 1, "three starts, of which the second has the lowest scores")
    expect(answer(good[[0, 2]], damaged[[0, 2]]), 1, "the first and the third of these")
    expect(answer(-good, -damaged), 0, "the same scores with their signs turned")


def _variety(answer: Answer) -> None:
    real = np.zeros((4, 3, 2, 2))
    real[:2] = 1.0
    expect(answer(real, real), 1, "pictures beside themselves")
    expect(answer(real[:1].repeat(4, 0), real), 0, "one picture four times")
    expect(answer(0.5 + 0.2 * real, real), 0.2, "pictures of a fifth of the contrast")


CHECKS = (_picture_error, _choose, _variety)
