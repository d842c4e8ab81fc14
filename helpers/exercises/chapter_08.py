"""Checks of the exercises of chapter 8."""

import numpy as np

from helpers.exercises.expect import Answer, expect


def _class_balanced_probabilities(answer: Answer) -> None:
    labels = np.array([0, 0, 0, 1])
    expect(answer(labels), [1 / 6, 1 / 6, 1 / 6, 1 / 2], "labels 0, 0, 0, 1")
    expect(answer(np.array([2, 1, 0])), [1 / 3] * 3, "three classes of one image")


def _mixture_of(answer: Answer) -> None:
    one, two = np.zeros((2, 3)), np.ones((2, 3))
    expect(answer(one, two, 0.25), np.full((2, 3), 0.25), "black and white, a share of 1/4")
    expect(answer(two, two * 3, 0.5), np.full((2, 3), 2.0), "values 1 and 3, a share of 1/2")


def _calibration_error(answer: Answer) -> None:
    confidence = np.array([0.9, 0.9, 0.9, 0.9, 0.6, 0.6])
    right = np.array([1, 1, 1, 0, 0, 0])
    expect(answer(confidence, right, 2), abs(0.8 - 0.5), "six answers, two ranges")
    expect(answer(confidence, right, 10), (4 * 0.15 + 2 * 0.6) / 6, "the same in ten ranges")


CHECKS = (_class_balanced_probabilities, _mixture_of, _calibration_error)
