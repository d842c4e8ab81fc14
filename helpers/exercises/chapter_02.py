"""Checks of the exercises of chapter 2."""

from math import comb

import numpy as np

from helpers.exercises.expect import Answer, WrongError, expect

# As the chapter shuffles them: of the day that is well, with dust, a dead column, a dim lamp, lost
# focus.
DAYS = "".join("ABCDE"[place] for place in np.random.default_rng(3).permutation(5).argsort())


def _days(answer: Answer) -> None:
    found = answer()
    if found is None:
        raise WrongError("Your function returns nothing.")
    if sorted(found) != sorted(DAYS):
        raise WrongError(f"The answer should be the letters A to E, each once; yours is {found!r}.")
    right = sum(one == other for one, other in zip(found, DAYS, strict=True))
    if right < len(DAYS):
        raise WrongError(f"{right} of the {len(DAYS)} days are right.")


def _has_changed(answer: Answer) -> None:
    expect(answer(5, 100, 0.05), False, "5 alarms of 100 at a rate of 5 in 100: as expected")
    expect(answer(14, 100, 0.05), True, "14 alarms of 100 at a rate of 5 in 100")
    expect(answer(0, 10, 0.5), False, "no alarm at all")
    for alarms in (3, 4, 5):
        tail = sum(comb(20, k) * 0.05**k * 0.95 ** (20 - k) for k in range(alarms, 21))
        expect(answer(alarms, 20, 0.05), tail < 0.01, f"{alarms} alarms of 20 at 5 in 100")


def _least_held_out(answer: Answer) -> None:
    expect(answer(0.05), 19, "a rate of 1 in 20")
    expect(answer(0.01), 99, "a rate of 1 in 100")
    expect(answer(0.3), 3, "a rate of 3 in 10")


CHECKS = (_days, _has_changed, _least_held_out)
