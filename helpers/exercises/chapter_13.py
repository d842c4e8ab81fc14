"""Checks of the exercises of chapter 13."""

import numpy as np

from helpers.exercises.expect import Answer, expect


def _diffuse(answer: Answer) -> None:
    picture, noise = np.array([1.0, -0.5]), np.array([0.0, 1.0])
    expect(answer(picture, noise, 1.0), picture, "a signal of 1")
    expect(answer(picture, noise, 0.0), noise, "a signal of 0")
    expect(answer(picture, noise, 0.6), [0.6, 0.5], "a signal of 0.6")


def _ddim_step(answer: Answer) -> None:
    picture, noise = np.array([0.5, -1.0]), np.array([1.0, 2.0])
    noisy = 0.6 * picture + 0.8 * noise
    expect(answer(noisy, picture, 0.6, 1.0), picture, "a right prediction and the last step")
    expect(answer(noisy, picture, 0.6, 0.8), 0.8 * picture + 0.6 * noise, "weights 0.6, then 0.8")
    expect(answer(noisy, 0 * picture, 0.6, 0.0), noisy / 0.8, "a prediction of grey, back to noise")


def _generator_loss(answer: Answer) -> None:
    expect(answer(np.zeros(3)), np.log(2), "three logits of 0")
    expect(answer(np.array([0.0, 1.0])), (np.log(2) + np.log1p(np.exp(-1))) / 2, "logits 0 and 1")


CHECKS = (_diffuse, _ddim_step, _generator_loss)
