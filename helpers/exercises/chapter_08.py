"""Checks of the exercises of chapter 8."""

from collections.abc import Callable

import numpy as np

from helpers.exercises.expect import expect


def _class_draws(answer: Callable) -> None:
    labels = np.array([0, 0, 0, 1])
    expect(answer(labels), [1 / 6, 1 / 6, 1 / 6, 1 / 2], "labels 0, 0, 0, 1")
    expect(answer(np.array([2, 1, 0])), [1 / 3] * 3, "three classes of one image")


def _mixture(answer: Callable) -> None:
    one, two = np.zeros((2, 3)), np.ones((2, 3))
    expect(answer(one, two, 0.25), np.full((2, 3), 0.25), "black and white, a share of 1/4")
    expect(answer(two, two * 3, 0.5), np.full((2, 3), 2.0), "values 1 and 3, a share of 1/2")


def _calibration(answer: Callable) -> None:
    confidence = np.array([0.9, 0.9, 0.9, 0.9, 0.6, 0.6])
    right = np.array([1, 1, 1, 0, 0, 0])
    expect(answer(confidence, right, 2), abs(0.8 - 0.5), "six answers, two ranges")
    expect(answer(confidence, right, 10), (4 * 0.15 + 2 * 0.6) / 6, "the same in ten ranges")


CHECKS = {
    "8.1": _class_draws,
    "8.2": _mixture,
    "8.3": _calibration,
}
