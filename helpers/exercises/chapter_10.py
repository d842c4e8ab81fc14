"""Checks of the exercises of chapter 10."""

import numpy as np

from helpers.exercises.expect import Answer, expect


def _intruder(answer: Answer) -> None:
    line = np.array([[0.0], [1.0], [0.1], [1.1], [9.0], [0.2]])
    expect(answer(line, np.array([3, 3, 4, 4, 5, 5])), 5, "six patches on a line, three pictures")
    # The two patches of the damage are near to each other, and to no other picture.
    twice = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 0.1], [3.0, 2.0], [7.0, 7.0], [7.0, 7.1]])
    expect(answer(twice, np.array([0, 0, 1, 1, 2, 2])), 2, "damage of two patches in one picture")
    # One unusual patch is enough, though most of its picture's are usual.
    few = np.array([[0.0], [1.0], [3.0], [4.0], [0.0], [0.0], [0.0], [8.0]])
    expect(answer(few, np.array([0, 0, 1, 1, 2, 2, 2, 2])), 2, "a picture with one unusual patch")


def _can_swap(answer: Answer) -> None:
    expect(answer(1.0, 0.95, 9), True, "1 and 0.95 with nine neighbours")
    expect(answer(1.0, 0.85, 9), False, "1 and 0.85 with nine neighbours")
    expect(answer(4.0, 2.5, 2), True, "4 and 2.5 with two neighbours")
    expect(answer(1.0, 0.95, 50), False, "1 and 0.95 with fifty neighbours")


def _choose_temperature(answer: Answer) -> None:
    wrong, candidates = np.array([0.7, 0.5, 0.0]), (0.02, 0.1, 0.2, 1.0)
    expect(answer(wrong, 0.85, candidates), 0.1, "0.7, 0.5 and 0, a share of 0.85")
    expect(answer(wrong, 0.95, candidates), 0.02, "0.7, 0.5 and 0, a share of 0.95")
    expect(answer(wrong[::-1], 0.4, candidates), 1.0, "0, 0.5 and 0.7, a share of 0.4")


CHECKS = (_intruder, _can_swap, _choose_temperature)
