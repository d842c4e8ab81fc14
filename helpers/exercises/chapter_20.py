"""Checks of the exercises of chapter 20."""

import numpy as np

from helpers.exercises.expect import Answer, expect


def _p_value(answer: Answer) -> None:
    known = np.array([1.0, 2.0, 2.0, 3.0])
    for score, wanted in ((4.0, 1 / 5), (2.0, 4 / 5), (2.5, 2 / 5), (0.0, 1.0)):
        expect(answer(known, score), wanted, f"known scores 1, 2, 2, 3 and a new one of {score:g}")


def _clipped(answer: Answer) -> None:
    activations = np.array([[-1.0, 0.0, 2.0], [4.0, 5.0, 1.0]])
    expect(answer(activations, 0.0, 4.0), 2 / 6, "activations −1, 0, 2, 4, 5, 1 between 0 and 4")
    expect(answer(activations, -1.0, 5.0), 0.0, "the same, between −1 and 5")


def _soonest(answer: Answer) -> None:
    expect(answer(0.01), 15, "an alarm at 100")
    expect(answer(0.5), 4, "an alarm at 2")


def _promised(answer: Answer) -> None:
    sizes = [2.0, 3.0, 4.0, 5.0, 6.0]
    expect(answer(sizes, [0.2, 0.92, 0.8, 0.9, 0.95]), 5.0, "0.2, 0.92, 0.8, 0.9, 0.95 at 2 to 6")
    expect(answer(sizes, [0.95] * 5), 2.0, "0.95 at all sizes")
    low = [0.2, 0.92, 0.95, 0.95, 0.6]
    found = answer(sizes, low)
    expect(bool(found is not None and np.isnan(found)), True, "0.6 at the largest, is it nan,")


CHECKS = (_p_value, _clipped, _soonest, _promised)
