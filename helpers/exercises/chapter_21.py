"""Checks of the exercises of chapter 21."""

import numpy as np

from helpers.exercises.expect import Answer, expect


def _slipped(answer: Answer) -> None:
    rng = np.random.default_rng(0)
    usual = rng.normal(size=(3, 4, 9))
    for number in (2, 0, -3):
        today = np.roll(usual, number, axis=2) + rng.normal(scale=0.1, size=usual.shape)
        expect(answer(usual, today, 3), number, f"features moved by {number} patches")
    expect(
        answer(usual, np.roll(usual, 1, axis=1) / 9 + usual, 2),
        0,
        "features that changed and did not move",
    )


def _noise_for(answer: Answer) -> None:
    corners = np.array([[0.0, 0.0, 0.0, 0.0], [2.0, 0.0, 0.0, 0.0], [2.0, 2.0, 0.0, 0.0]])
    expect(answer(corners), 1.0, "three corners of a square of side 2, in four dimensions")
    line = np.array([[0.0], [1.0], [3.0], [10.0], [20.0]])
    expect(answer(line), 2.0, "the numbers 0, 1, 3, 10 and 20")


def _photos_to_ask(answer: Answer) -> None:
    curve = {1: [0.5, 0.9], 2: [0.8, 0.7], 4: [0.9, 0.85], 8: [0.95, 0.9]}
    expect(answer(curve, 0.85), 4, "draws of 1 to 8 photos, the worst of 4 reaching 0.85")
    expect(answer(curve, 0.6), 2, "the same, with a target of 0.6")
    expect(answer(curve, 0.92), -1, "a target that no worst draw reaches")
    uneven = {1: [0.9], 2: [0.6], 4: [0.95]}
    expect(answer(uneven, 0.8), 4, "one photo that was lucky")


def _can_hide(answer: Answer) -> None:
    expect(answer(101, 31, 0.3), True, "31 of 101 pictures, of which 30 are asked")
    expect(answer(101, 30, 0.3), False, "30 of 101 pictures, of which 30 are asked")
    expect(answer(3, 2, 0.01), True, "2 of 3 pictures, of which one is asked")
    expect(answer(3, 1, 0.01), False, "a single scratched picture")


CHECKS = (_slipped, _noise_for, _photos_to_ask, _can_hide)
