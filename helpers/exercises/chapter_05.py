"""Checks of the exercises of chapter 5."""

import numpy as np

from helpers.exercises.expect import Answer, WrongError, expect


def _diagnose(answer: Answer) -> None:
    before = np.random.default_rng(0).uniform(0.3, 0.6, (16, 16))
    after = {
        # Light laid over a picture costs no contrast.
        "exposure": before + 0.6,
        "haze": before.mean() + 0.3 * (before - before.mean()),
        "moved": np.roll(before, 3, axis=1),
    }
    for wanted, picture in after.items():
        found = answer(before, picture)
        if found is None:
            raise WrongError("Your function returns nothing.")
        if found != wanted:
            raise WrongError(f"The fault should be {wanted!r}, yours is {found!r}.")


def _copies(answer: Answer) -> None:
    nut = np.random.default_rng(0).uniform(0, 0.3, (3, 16, 16))
    before = nut.copy()
    cases = {
        "a network that hands its input through": (lambda picture: picture, True),
        "one that repairs everything": (lambda picture: before.copy(), False),
        "one that leaves a fifth": (lambda picture: before + 0.2 * (picture - before), False),
        "one that leaves four fifths": (lambda picture: before + 0.8 * (picture - before), True),
    }
    for case, (repair, wanted) in cases.items():
        expect(answer(repair, nut), wanted, case)
    expect(nut, before, "the nut that was passed in, which must not change")


def _choose(answer: Answer) -> None:
    damaged = np.array([False, False, False, True, True, True])
    seen, flat = np.array([0.0, 1, 2, 3, 4, 5]), np.array([2.0, 3, 1, 2, 3, 1])
    expect(answer(flat, seen, damaged), 0, "damage that colour alone tells")
    expect(answer(100 * seen, -flat, damaged), 0.1, "damage that a little structure tells")
    expect(answer(seen, 10 * flat, damaged), 1, "damage that structure alone tells")


CHECKS = (_diagnose, _copies, _choose)
