"""Checks of the exercises of chapter 6."""

import numpy as np

from helpers.exercises.expect import Answer, expect


def _mean_and_deviation(answer: Answer) -> None:
    expect(answer([0.8]), (0.8, 0.0), "one seed: no spread to tell")
    expect(answer([0.7, 0.8, 0.9]), (0.8, 0.1), "0.7, 0.8, 0.9")


def _missed_by_all(answer: Answer) -> None:
    scores = {"a": np.array([1.0, 5, 2]), "b": np.array([10.0, 10, 90])}
    thresholds = {"a": 3.0, "b": 50.0}
    expect(answer(scores, thresholds), [True, False, False], "two methods, three images")
    expect(answer({"a": scores["a"]}, thresholds), [True, False, True], "method a alone")


def _resampled_gain(answer: Answer) -> None:
    labels = np.array([0, 0, 1, 1])
    one, other = np.array([0.0, 2, 1, 3]), np.array([0.0, 1, 2, 3])
    expect(answer(labels, one, other, np.arange(4)), -0.25, "every image once")
    expect(answer(labels, one, other, np.array([1, 1, 2, 3])), -0.5, "images 1, 1, 2, 3")


CHECKS = (_mean_and_deviation, _missed_by_all, _resampled_gain)
