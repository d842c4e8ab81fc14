"""Checks of the exercises of chapter 4."""

import numpy as np

from helpers.exercises.expect import Answer, WrongError, expect


def _pretext(answer: Answer) -> None:
    for height, width, wanted in ((16, 16, "neither"), (40, 40, "patch"), (3, 20, "scar")):
        mask = np.zeros((128, 128), bool)
        mask[:height, :width] = True
        found = answer(mask)
        if found is None:
            raise WrongError("Your function returns nothing.")
        if found != wanted:
            raise WrongError(
                f"Damage of {height}×{width} pixels in 128×128 is {mask.mean():.2%} of the "
                f"picture: the answer should be {wanted!r}, yours is {found!r}."
            )


def _with_and_without(answer: Answer) -> None:
    good = np.array([[2.0, 0], [-2, 0], [0, 1], [0, -1]])
    # Of five points the mean is (0.4, 0), and the variance along x is 2.24: 1.6² / 2.24.
    expect(answer(good, np.array([2.0, 0])), [2, 8 / 7], "a nut at (2, 0)")
    without, within = answer(good, np.array([1000.0, 0]))
    expect(without, 500_000, "a nut far away, left out")
    if not within < len(good):
        raise WrongError("A point that helped to fit the Gaussian is never farther than N.")


def _distrusted(answer: Answer) -> None:
    maps = np.array([[[9.0, 1], [1, 1]], [[1, 9], [1, 1]], [[2, 2], [2, 2]]])
    masks = np.zeros((3, 2, 2), bool)
    masks[:, 0, 0] = True
    expect(answer(maps, masks), [False, True, True], "maps that are high inside, outside, nowhere")
    wide = masks.copy()
    wide[:, 0, 1] = True
    expect(answer(maps, wide), [False, False, True], "masks of two pixels")


CHECKS = (_pretext, _with_and_without, _distrusted)
