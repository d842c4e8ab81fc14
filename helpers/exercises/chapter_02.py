"""Checks of the exercises of chapter 2."""

import numpy as np

from helpers.exercises.expect import Answer, expect


def _top_mean(answer: Answer) -> None:
    maps = np.array([[[3.0, 0.0], [2.0, 1.0]], [[4.0, 7.0], [5.0, 6.0]]])
    expect(answer(maps, 1.0), [1.5, 5.5], "share 1, the mean")
    expect(answer(maps, 0.25), [3.0, 7.0], "share 1/4 of four pixels, the maximum")
    expect(answer(maps, 0.5), [2.5, 6.5], "share 1/2")
    expect(answer(maps, 0.01), [3.0, 7.0], "a share of less than a pixel: one pixel, at least")


def _compression_ratio(answer: Answer) -> None:
    expect(answer(128, 4, 32), 24.0, "side 128, 4 halvings, 32 channels")
    expect(answer(256, 0, 3), 1.0, "no halving and 3 channels: nothing is compressed")


def _good_threshold(answer: Answer) -> None:
    scores = np.array([5.0, 1.0, 4.0, 2.0, 3.0, 9.0, 8.0, 7.0, 6.0])
    expect(answer(scores, 0.1), 9.0, "scores 1…9 and a rate of 1 in 10")
    expect(answer(scores, 0.3), 7.0, "scores 1…9 and a rate of 3 in 10")
    expect(answer(scores, 0.15), 9.0, "scores 1…9 and a rate of 15 in 100")
    expect(answer(scores, 0.05), 9.0, "scores 1…9 and a rate they are too few for")


CHECKS = (_top_mean, _compression_ratio, _good_threshold)
