"""Checks of the exercises of chapter 3."""

import numpy as np

from helpers.exercises.expect import Answer, expect


def _trainable_weights(answer: Answer) -> None:
    sizes = {"encoder": 700, "squeeze": 20, "decoder": 300}
    expect(answer(sizes, ["encoder"]), 320, "700 + 20 + 300 weights, the encoder frozen")
    expect(answer(sizes, []), 1020, "the same, nothing frozen")
    expect(answer(sizes, list(sizes)), 0, "the same, everything frozen")


def _standardise(answer: Answer) -> None:
    features = np.zeros((2, 2, 1, 2))
    features[:, 0, 0] = [[1, 3], [5, 7]]
    wanted = np.zeros_like(features)
    wanted[:, 0, 0] = (np.array([[1, 3], [5, 7]]) - 4) / np.sqrt(5)
    expect(answer(features), wanted, "a channel of 1, 3, 5, 7 and one that never varies")


def _receptive_field(answer: Answer) -> None:
    expect(answer([]), 1, "no layer")
    expect(answer([(3, 1), (3, 1)]), 5, "two 3×3 convolutions")
    expect(answer([(7, 2), (3, 2)]), 11, "7×7 with stride 2, then 3×3 with stride 2")
    expect(answer([(7, 2), (3, 2), (3, 1)]), 19, "the same and a 3×3 convolution")


def _weights_saved(answer: Answer) -> None:
    expect(answer(96, 24, 3), 96 * 24 * 9 - (96 * 9 + 96 * 24), "96 channels to 24, 3×3 kernels")
    expect(answer(10, 20, 5), 4550, "10 channels to 20, 5×5 kernels")
    expect(answer(8, 4, 1), -8, "8 channels to 4, 1×1 kernels: more weights, not fewer")


CHECKS = (_trainable_weights, _standardise, _receptive_field, _weights_saved)
