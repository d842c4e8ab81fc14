"""Checks of the exercises of chapter 12."""

import numpy as np

from helpers.exercises.expect import Answer, expect


def _at_border(answer: Answer) -> None:
    maps = np.zeros((4, 6, 8))
    maps[0, 0, 4] = maps[1, 3, 7] = maps[2, 3, 4] = maps[3, 1, 3] = 1
    expect(answer(maps, 1), 0.5, "four maps, two of them highest in the outermost patches")
    expect(answer(maps, 2), 0.75, "the same four maps, and a width of 2")
    expect(answer(maps[2:3], 1), 0, "a map that is highest in its middle")


def _keep(answer: Answer) -> None:
    expect(answer([0.9, 0.2, 0.0], [4.0, 3.0, 0.0]), 1, "students of which the last is a copy")
    expect(answer([0.0, 0.5], [0.0, 1.0]), 1, "a copy of the teacher, and a student")
    expect(answer([0.1, 0.2, 0.3], [0.4, 1.0, 0.9]), 1, "the lowest loss, and a better ratio")


def _normalised(answer: Answer) -> None:
    good = np.linspace(0, 1, 1001)
    expect(answer(np.array([0.9, 0.995, 1.85]), good), [0, 0.1, 1], "good values from 0 to 1")
    expect(answer(10 * np.array([0.9, 0.995]), 10 * good), [0, 0.1], "the same, ten times as large")


CHECKS = (_at_border, _keep, _normalised)
