"""Checks of the exercises of chapter 9."""

import numpy as np

from helpers.exercises.expect import Answer, expect


def _mean_distance(answer: Answer) -> None:
    memory = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 2.0], [30.0, 40.0]])
    queries = np.array([[0.0, 0.0], [0.0, 1.0]])
    expect(answer(queries, memory, 1), [0.0, 1.0], "two queries and the nearest entry")
    far = np.hypot(3, 3)
    expect(answer(queries, memory, 3), [7 / 3, (2 + far) / 3], "the same and three entries")


def _negative_log_likelihood(answer: Answer) -> None:
    values = np.array([0.0, 1.0, -3.0])
    wanted = values**2 / 2 + np.log(2 * np.pi) / 2
    expect(answer(values, 0.0, 1.0), wanted, "0, 1, −3 with mean 0 and deviation 1")
    wide = (values - 1) ** 2 / 8 + np.log(2) + np.log(2 * np.pi) / 2
    expect(answer(values, 1.0, 2.0), wide, "the same with mean 1 and deviation 2")


def _share_below(answer: Answer) -> None:
    good = np.array([4.0, 1.0, 3.0, 2.0])
    expect(answer(np.array([0.0, 2.5, 9.0]), good), [0, 0.5, 1], "0, 2.5, 9 and good scores 1…4")
    expect(answer(np.array([2.0]), good), [0.25], "2, which one good score lies below")


CHECKS = (_mean_distance, _negative_log_likelihood, _share_below)
