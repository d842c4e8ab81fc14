"""Checks of the exercises of chapter 1."""

import numpy as np

from helpers.exercises.expect import Answer, expect


def _mask_share(answer: Answer) -> None:
    masks = np.zeros((3, 10, 20), bool)
    masks[1, :5] = True
    masks[2, 0, 0] = True
    expect(answer(masks), [0.0, 50.0, 0.5], "an empty, a half and a one-pixel mask of 10×20")


def _count_regions(answer: Answer) -> None:
    masks = np.zeros((3, 6, 6), bool)
    masks[1, 0, 0] = masks[1, 5, 5] = True
    masks[2, 1, 1] = masks[2, 2, 2] = masks[2, 5, 0] = True
    expect(answer(masks), [0, 2, 2], "no spot, two spots, and two pixels touching at a corner")


def _majority_accuracy(answer: Answer) -> None:
    expect(answer(np.array([0, 1, 1, 1])), 0.75, "labels 0, 1, 1, 1")
    expect(answer(np.array([0] * 999 + [1])), 0.999, "one defect in a thousand")


def _auroc_by_pairs(answer: Answer) -> None:
    labels = np.array([1, 0, 0, 1, 0])
    expect(answer(labels, np.array([4.0, 1.0, 2.0, 5.0, 3.0])), 1.0, "defects above all good")
    expect(answer(labels, np.array([2.5, 1.0, 2.0, 5.0, 3.0])), 5 / 6, "one swapped pair of six")
    expect(answer(labels, np.array([3.0, 1.0, 2.0, 5.0, 3.0])), 5.5 / 6, "one tie among six pairs")
    expect(answer(labels, np.ones(5)), 0.5, "five equal scores")


CHECKS = (_mask_share, _count_regions, _majority_accuracy, _auroc_by_pairs)
