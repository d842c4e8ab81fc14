"""Checks of the exercises of chapter 3."""

import numpy as np

from helpers.exercises.expect import Answer, WrongError, expect


def _shift(answer: Answer) -> None:
    theirs = np.random.default_rng(0).normal(size=(4, 9, 9))
    for move in ((0, 0), (1, 1), (-2, 1)):
        ours = np.roll(theirs, (-move[0], -move[1]), axis=(1, 2)) + 0.01
        expect(answer(ours, theirs), move, f"maps that are to be rolled by {move}")


def _controls(answer: Answer) -> None:
    runs = [
        {"weights": weights, "network": network, "size": size}
        for weights, network, size in (
            ("imagenet", "Lite0", 224),
            ("random", "Lite0", 224),
            ("formula", "ResNet18", 224),
            ("random", "ResNet18", 224),
            ("imagenet", "Lite0", 128),
        )
    ]
    wanted = {"weights": [(0, 1), (2, 3)], "network": [(1, 3)], "size": [(0, 4)]}
    for setting, pairs in wanted.items():
        found = answer(runs, setting)
        if found is None:
            raise WrongError("Your function returns nothing.")
        if sorted(map(tuple, found)) != pairs:
            raise WrongError(f"For the {setting} the pairs should be {pairs}, yours are {found}.")


def _receptive_field(answer: Answer) -> None:
    expect(answer([]), 1, "no layer")
    expect(answer([(3, 1), (3, 1)]), 5, "two 3×3 convolutions")
    expect(answer([(7, 2), (3, 2)]), 11, "7×7 with stride 2, then 3×3 with stride 2")
    expect(answer([(7, 2), (3, 2), (3, 1)]), 19, "the same and a 3×3 convolution")


def _weights_saved(answer: Answer) -> None:
    expect(answer(96, 24, 3), 96 * 24 * 9 - (96 * 9 + 96 * 24), "96 channels to 24, 3×3 kernels")
    expect(answer(10, 20, 5), 4550, "10 channels to 20, 5×5 kernels")
    expect(answer(8, 4, 1), -8, "8 channels to 4, 1×1 kernels: more weights, not fewer")


CHECKS = (_shift, _controls, _receptive_field, _weights_saved)
