"""Checks of the exercises of chapter 11."""

import numpy as np

from helpers.exercises.expect import Answer, expect


def _broken(answer: Answer) -> None:
    shift = (lambda x: x + 3.0, lambda z: z - 3.0)
    double = (lambda x: 2.0 * x, lambda z: z / 2.0)
    square = (np.square, np.sqrt)  # comes back from what is not negative
    negative = (np.negative, np.negative)
    x = np.array([1.0, 2.0])
    forgot = (lambda x: x * np.e + 1.0, lambda z: z / np.e - 1.0)  # divides before it subtracts
    expect(answer([shift, double, forgot, shift], x), 2, "a shift, a doubling and a wrong inverse")
    expect(answer([negative, square, forgot], x), 1, "a square that meets negative numbers")
    expect(answer([square, negative, forgot], x), 2, "a square that meets positive numbers")


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


def _stopped(answer: Answer) -> None:
    good = np.arange(101.0)
    new = np.array([-5.0, 1.0, 50.0, 99.0, 120.0])
    expect(answer(good, new, 0.1), [True, True, False, True, True], "good ones 0 to 100, a tenth")
    expect(answer(good, new, 0.01), [True, False, False, False, True], "the same, a hundredth")
    expect(answer(-good, -new, 0.1), [True, True, False, True, True], "good ones −100 to 0")


CHECKS = (_broken, _volume_change, _stopped)
