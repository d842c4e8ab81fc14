"""Checks of the exercises of chapter 4."""

import numpy as np

from helpers.exercises.expect import Answer, expect


def _cut_and_paste(answer: Answer) -> None:
    image = np.arange(48.0).reshape(3, 4, 4)
    before, wanted = image.copy(), image.copy()
    wanted[:, 2:4, 1:4] = image[:, 0:2, 0:3]
    expect(answer(image, (0, 0), (2, 1), (2, 3)), wanted, "2×3 pixels from (0, 0) to (2, 1)")
    expect(image, before, "the image that was passed in, which must not change")


def _mahalanobis(answer: Answer) -> None:
    points = np.array([[3.0, 1], [1, 3], [1, 1]])
    mean, covariance = np.array([1.0, 1]), np.array([[4.0, 0], [0, 1]])
    expect(answer(points, mean, covariance), [1, 4, 0], "variances 4 and 1")
    tilted = np.array([[2.0, 1], [1, 2]])
    expect(answer(points, mean, tilted), [8 / 3, 8 / 3, 0], "variances 2 and a covariance of 1")


def _grad_cam(answer: Answer) -> None:
    features = np.array([[[1.0, 2], [3, 4]], [[4, 3], [2, 1]]])
    expect(answer(features, np.array([2, 1])), [[6, 7], [8, 9]], "slopes 2 and 1")
    expect(answer(features, np.array([1, -1])), [[0, 0], [1, 3]], "slopes 1 and −1")


CHECKS = (_cut_and_paste, _mahalanobis, _grad_cam)
