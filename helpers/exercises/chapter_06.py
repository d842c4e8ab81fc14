"""Checks of the exercises of chapter 6."""

from collections.abc import Callable

import numpy as np

from helpers.exercises.expect import expect


def _mean_and_spread(answer: Callable) -> None:
    expect(answer([0.8]), (0.8, 0.0), "one seed: no spread to tell")
    expect(answer([0.7, 0.8, 0.9]), (0.8, 0.1), "0.7, 0.8, 0.9")


def _missed_by_all(answer: Callable) -> None:
    scores = {"a": np.array([1.0, 5, 2]), "b": np.array([10.0, 10, 90])}
    thresholds = {"a": 3.0, "b": 50.0}
    expect(answer(scores, thresholds), [True, False, False], "two methods, three images")
    expect(answer({"a": scores["a"]}, thresholds), [True, False, True], "method a alone")


def _resampled_gain(answer: Callable) -> None:
    labels = np.array([0, 0, 1, 1])
    one, other = np.array([0.0, 2, 1, 3]), np.array([0.0, 1, 2, 3])
    expect(answer(labels, one, other, np.arange(4)), -0.25, "every image once")
    expect(answer(labels, one, other, np.array([1, 1, 2, 3])), -0.5, "images 1, 1, 2, 3")


CHECKS = {
    "6.1": _mean_and_spread,
    "6.2": _missed_by_all,
    "6.3": _resampled_gain,
}
