"""Checks of the exercises of chapter 7."""

from collections.abc import Callable

import numpy as np

from helpers.exercises.expect import expect


def _tail(answer: Callable) -> None:
    expect(answer(100, 3, 100), [100, 10, 1], "100 images, 3 classes, factor 100")
    expect(answer(391, 5, 10), [391, 220, 124, 70, 39], "391 images, 5 classes, factor 10")


def _balanced(answer: Callable) -> None:
    labels = np.array([0, 0, 0, 0, 2, 2, 5])
    answers = np.array([0, 0, 0, 2, 2, 5, 0])
    expect(answer(labels, answers), (0.75 + 0.5 + 0) / 3, "recalls of 3/4, 1/2 and 0")
    expect(answer(labels, labels), 1.0, "all answers right")


def _adjusted(answer: Callable) -> None:
    probabilities = np.array([[0.9, 0.1], [0.5, 0.5]])
    wanted = [[0.5, 0.5], [0.1, 0.9]]
    expect(answer(probabilities, [90, 10]), wanted, "probabilities .9, .1 and .5, .5, 90 and 10")
    expect(answer(probabilities, [7, 7]), probabilities, "the same, equal counts")


CHECKS = {
    "7.1": _tail,
    "7.2": _balanced,
    "7.3": _adjusted,
}
