"""Checks of the exercises of chapter 10."""

import numpy as np

from helpers.exercises.expect import Answer, expect


def _coreset(answer: Answer) -> None:
    line = np.array([[0.0], [1.0], [2.0], [7.0], [10.0]])
    expect(answer(line, 1), [0], "one of five points on a line")
    expect(answer(line, 3), [0, 4, 3], "three of the points 0, 1, 2, 7 and 10")
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [3.0, 3.0], [0.0, 2.0]])
    expect(answer(corners, 4), [0, 2, 3, 1], "four points in a plane")


def _reweighted(answer: Answer) -> None:
    expect(answer(2.0, np.array([2.0, 2.0])), 1.0, "two neighbours at the same distance of 2")
    expect(answer(0.0, np.array([0.0, 3.0])), 0.0, "a patch that is in the memory")
    share = 1 / (1 + np.exp(1.0) + np.exp(2.0))
    expect(answer(1.0, np.array([1.0, 2.0, 3.0])), 1 - share, "distances 1, 2 and 3")


def _info_nce(answer: Answer) -> None:
    equal = np.full(7, 0.3)
    expect(answer(0.3, equal, 0.1), np.log(8), "eight answers that are equally similar")
    expected = -np.log(np.exp(2) / (np.exp(2) + 1 + np.exp(-1)))
    expect(answer(1.0, np.array([0.0, -0.5]), 0.5), expected, "similarities 1, 0 and −0.5")


CHECKS = (_coreset, _reweighted, _info_nce)
