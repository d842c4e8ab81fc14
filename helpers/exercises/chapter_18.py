"""Checks of the exercises of chapter 18."""

import numpy as np

from helpers.exercises.expect import Answer, expect


def _mesh(answer: Answer) -> None:
    u, v = np.meshgrid([0.0, 0.05, 0.5, 0.95, 3.0], [0.5, 2.02])
    wanted = [[1, 1, 0, 1, 1], [1, 1, 1, 1, 1]]
    expect(answer(u, v, 0.2), wanted, "u of 0, 0.05, 0.5, 0.95, 3 and v of 0.5 and 2.02, width 0.2")
    expect(answer(u, v, 0.06), [[1, 0, 0, 0, 1], [1, 1, 1, 1, 1]], "the same, width 0.06")


def _nearest_distance(answer: Answer) -> None:
    memory = np.array([[0.0, 0.0], [3.0, 4.0], [-6.0, 8.0]])
    queries = np.array([[0.0, 1.0], [3.0, 4.0], [0.0, 100.0], [6.0, 8.0]])
    wanted = [1.0, 0.0, np.hypot(6, 92), 5.0]
    expect(answer(queries, memory), wanted, "four queries and a memory of three points")
    expect(answer(queries[:1], memory[1:]), [np.hypot(3, 3)], "one query and two points")


def _patch_means(answer: Answer) -> None:
    change = np.zeros((4, 6))
    change[0, 0] = 1.0
    change[2:, 4:] = 0.5
    expect(answer(change, 2), [[0.25, 0, 0], [0, 0, 0.5]], "a change of 4×6 pixels, cells of 2×2")
    expect(answer(np.arange(4.0).reshape(2, 2), 1), [[0, 1], [2, 3]], "cells of one pixel")


CHECKS = (_mesh, _nearest_distance, _patch_means)
