"""Checks of the exercises of chapter 11."""

import numpy as np

from helpers.exercises.expect import Answer, expect


def _inverse(answer: Answer) -> None:
    out, stretch, shift = np.array([13.0, 5.0]), np.log([2.0, 0.5]), np.array([5.0, -1.0])
    expect(answer(out, stretch, shift), [4.0, 12.0], "outputs 13 and 5")
    expect(answer(shift, stretch, shift), [0.0, 0.0], "outputs equal to the shift")


def _volume_change(answer: Answer) -> None:
    def shear(point: np.ndarray) -> np.ndarray:
        return np.array([point[0], 3 * point[1] + point[0] ** 2])

    def mirror(point: np.ndarray) -> np.ndarray:
        return np.array([2 * point[1], point[0]])

    for f, point, wanted, case in (
        (shear, [1.0, -2.0], 3.0, "(x, y) to (x, 3y + x²)"),
        (mirror, [0.5, 0.5], 2.0, "(x, y) to (2y, x)"),
    ):
        found = answer(f, np.array(point))
        expect(None if found is None else np.round(found, 4), wanted, case)


def _log_density(answer: Answer) -> None:
    normal = -0.5 * np.log(2 * np.pi)
    points, log_stretches = np.zeros((1, 3)), np.zeros(1)
    expect(answer(points, log_stretches), [3 * normal], "the centre, nothing stretched")
    points, log_stretches = np.array([[1.0, 2.0], [0.0, -2.0]]), np.array([0.5, -1.0])
    expected = [2 * normal - 2.5 + 0.5, 2 * normal - 2 - 1]
    expect(answer(points, log_stretches), expected, "two points, log-stretches 1/2 and -1")


CHECKS = (_inverse, _volume_change, _log_density)
