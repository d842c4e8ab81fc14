"""Checks of the exercises of chapter 16."""

from helpers.exercises.expect import Answer, WrongError, expect

FAULTS = {
    "none": ([0.9, 0.6], [True, True], [False, False]),
    "background": ([0.05, 0.0, 0.8, 0.3], [True, False, True, True], [False] * 4),
    "place": ([0.3, 0.2, 0.05, 0.7], [False, True, False, True], [True, False, False, False]),
    "class": ([0.8, 0.7, 0.6, 0.9], [False, False, True, True], [True, False, True, False]),
    "twice": ([0.8, 0.7, 0.3, 0.9], [True, True, True, True], [True, True, True, False]),
}


def _most_slip(answer: Answer) -> None:
    expect(answer(12, 0.5), 4.0, "a box 12 pixels wide and an IoU of 0.5")
    expect(answer(30, 0.25), 18.0, "a box 30 pixels wide and an IoU of 0.25")


def _stride_for(answer: Answer) -> None:
    strides = [4, 8, 16]
    for sides, wanted in {(6, 20): 4, (50, 10): 8, (31, 33): 8, (70, 70): 16, (400, 4): 16}.items():
        expect(answer(*sides, strides), wanted, f"a box of {sides[0]} × {sides[1]} pixels")
    expect(answer(100, 100, [8, 32]), 32, "strides 8 and 32 and a box of 100 × 100 pixels")


def _ailment(answer: Answer) -> None:
    for wanted, given in FAULTS.items():
        found = answer(*given)
        if found is None:
            raise WrongError("Your function returns nothing.")
        if found != wanted:
            raise WrongError(
                f"For overlaps {given[0]} the fault is '{wanted}', yours is '{found}'."
            )


CHECKS = (_most_slip, _stride_for, _ailment)
