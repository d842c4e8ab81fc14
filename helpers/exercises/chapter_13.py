"""Checks of the exercises of chapter 13."""

from collections.abc import Callable

import numpy as np

from helpers.exercises.expect import expect


def _diffuse(answer: Callable) -> None:
    picture, noise = np.array([1.0, -0.5]), np.array([0.0, 1.0])
    expect(answer(picture, noise, 1.0), picture, "a signal of 1")
    expect(answer(picture, noise, 0.0), noise, "a signal of 0")
    expect(answer(picture, noise, 0.6), [0.6, 0.5], "a signal of 0.6")


def _ddim_step(answer: Callable) -> None:
    picture, noise = np.array([0.5, -1.0]), np.array([1.0, 2.0])
    noisy = 0.6 * picture + 0.8 * noise
    expect(answer(noisy, picture, 0.6, 1.0), picture, "a right idea and the last step")
    expect(answer(noisy, picture, 0.6, 0.8), 0.8 * picture + 0.6 * noise, "weights 0.6, then 0.8")
    expect(answer(noisy, 0 * picture, 0.6, 0.0), noisy / 0.8, "an idea of grey, back to noise")


def _generator_loss(answer: Callable) -> None:
    expect(answer(np.zeros(3)), np.log(2), "three shrugs")
    expect(answer(np.array([0.0, 1.0])), (np.log(2) + np.log1p(np.exp(-1))) / 2, "0 and 1")


CHECKS = {
    "13.1": _diffuse,
    "13.2": _ddim_step,
    "13.3": _generator_loss,
}
