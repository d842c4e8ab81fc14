"""Checks of the exercises of chapter 14."""

import numpy as np

from helpers.exercises.expect import Answer, expect


def _undominated_mask(answer: Answer) -> None:
    cost, quality = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.7, 0.8, 0.75, 0.9])
    expect(answer(cost, quality), [1, 1, 0, 1], "costs 1…4 and qualities .7, .8, .75, .9")
    expect(answer(cost[::-1], quality), [0, 0, 0, 1], "the same qualities, costs 4…1")


def _share_interval(answer: Answer) -> None:
    expect(answer(0, 40), [0, 0.0876216], "0 of 40")
    expect(answer(2, 40), [0.0138207, 0.1650388], "2 of 40")
    expect(answer(20, 40), [0.3519953, 0.6480047], "20 of 40")


def _cost_of_a_part(answer: Answer) -> None:
    expect(answer(0.05, 0.2, 0.01, 1, 100), 0.05 * 0.99 + 0.2 * 0.01 * 100, "one part in a hundred")
    expect(answer(0.0, 1.0, 0.5, 1, 3), 1.5, "half the parts defective, all of them passed")


CHECKS = (_undominated_mask, _share_interval, _cost_of_a_part)
