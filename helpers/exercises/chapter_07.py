"""Checks of the exercises of chapter 7."""

import numpy as np

from helpers.exercises.expect import Answer, expect


def _long_tail_counts(answer: Answer) -> None:
    expect(answer(100, 3, 100), [100, 10, 1], "100 images, 3 classes, factor 100")
    expect(answer(391, 5, 10), [391, 220, 124, 70, 39], "391 images, 5 classes, factor 10")


def _mean_recall(answer: Answer) -> None:
    labels = np.array([0, 0, 0, 0, 2, 2, 5])
    answers = np.array([0, 0, 0, 2, 2, 5, 0])
    expect(answer(labels, answers), (0.75 + 0.5 + 0) / 3, "recalls of 3/4, 1/2 and 0")
    expect(answer(labels, labels), 1.0, "all answers right")


def _adjusted_probabilities(answer: Answer) -> None:
    probabilities = np.array([[0.9, 0.1], [0.5, 0.5]])
    wanted = [[0.5, 0.5], [0.1, 0.9]]
    expect(answer(probabilities, [90, 10]), wanted, "probabilities .9, .1 and .5, .5, 90 and 10")
    expect(answer(probabilities, [7, 7]), probabilities, "the same, equal counts")


CHECKS = (_long_tail_counts, _mean_recall, _adjusted_probabilities)
