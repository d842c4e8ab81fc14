"""Checks of the exercises of chapter 17."""

import numpy as np

from helpers.exercises.expect import Answer, WrongError, expect


def _mask(top: int, left: int, height: int = 9, width: int = 9) -> np.ndarray:
    mask = np.zeros((24, 32), bool)
    mask[top : top + height, left : left + width] = True
    return mask


def _fault_of(answer: Answer) -> None:
    truth = _mask(8, 10)
    drawn = {
        "right": (truth,),
        "too wide": (_mask(7, 9, 11, 11), _mask(8, 10, 9, 12)),
        "too narrow": (_mask(9, 11, 7, 7), _mask(10, 12, 5, 5)),
        "misses a part": (_mask(8, 10, 9, 5), _mask(8, 10, 9, 6)),
        "moved": (_mask(8, 13), _mask(0, 0)),
    }
    for wanted, masks in drawn.items():
        for mask in masks:
            found = answer(mask, truth)
            if found is None:
                raise WrongError("Your function returns nothing.")
            if found != wanted:
                raise WrongError(f"For a mask that is '{wanted}' yours is '{found}'.")


def _thinnest(answer: Answer) -> None:
    expect(answer(0.5), 2.0, "an IoU of 0.5")
    expect(answer(0.75), 6.0, "an IoU of 0.75")


def _disagree(answer: Answer) -> None:
    truths = np.array([_mask(4, 4), _mask(8, 8)])
    large = np.array([_mask(3, 3, 11, 11), _mask(7, 7, 11, 11)])

    def shared(mask: np.ndarray, truth: np.ndarray) -> float:
        return (mask & truth).sum() / truth.sum()

    def exact(mask: np.ndarray, truth: np.ndarray) -> float:
        return (mask == truth).mean()

    small = np.array([_mask(5, 5, 8, 8), _mask(8, 8, 9, 8)])
    expect(answer(large, small, truths, (shared, exact)), True, "one mask too large, one too small")
    expect(answer(small, large, truths, (shared, exact)), True, "the same, exchanged")
    expect(answer(truths, small, truths, (shared, exact)), False, "the truth against a part of it")


def _point_inside(answer: Answer) -> None:
    ring = _mask(3, 4, 15, 19)
    ring[6:15, 7:16] = False
    # The right side is the thickest: 7 columns, of which the fourth lies deepest.
    x, y = np.array(_given(answer(ring)), int)
    expect((x, ring[y, x]), (19, True), "x, and whether it is marked, of a ring thick on the right")
    edge = _mask(0, 0, 5, 3)
    expect(_given(answer(edge))[0], 1, "x for a mask in the corner of the picture")


def _given(found: object) -> object:
    if found is None:
        raise WrongError("Your function returns nothing.")
    return found


CHECKS = (_fault_of, _thinnest, _disagree, _point_inside)
