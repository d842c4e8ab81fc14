"""Checks of the exercises of chapter 5."""

import numpy as np

from helpers.exercises.expect import Answer, expect


def _window_ssim(answer: Answer) -> None:
    rng = np.random.default_rng(0)
    one, other = rng.random((2, 5, 5))
    expect(answer(one, one), 1.0, "a window and itself")
    expect(answer(np.zeros((3, 3)), np.ones((3, 3))), 1e-4 / 1.0001, "black and white")
    c1, c2 = 0.01**2, 0.03**2
    both = ((one - one.mean()) * (other - other.mean())).mean()
    wanted = (2 * one.mean() * other.mean() + c1) / (one.mean() ** 2 + other.mean() ** 2 + c1)
    wanted *= (2 * both + c2) / (one.var() + other.var() + c2)
    expect(answer(one, other), wanted, "two windows of noise")


def _average_pool(answer: Answer) -> None:
    image = np.arange(16.0).reshape(1, 4, 4)
    expect(answer(image), [[[2.5, 4.5], [10.5, 12.5]]], "0 … 15 in four rows")
    expect(answer(np.ones((3, 8, 4))), np.ones((3, 4, 2)), "ones of 8×4")


def _step_channels(answer: Answer) -> None:
    expect(answer([16, 32, 64], []), [16, 32, 64], "no skips")
    expect(answer([16, 32, 64], [0]), [32, 32, 64], "a skip at the finest stage")
    expect(answer([16, 32, 64], [0, 1]), [32, 64, 64], "skips at two stages")


CHECKS = (_window_ssim, _average_pool, _step_channels)
