"""Checks of the exercises of chapter 16."""

import numpy as np

from helpers.exercises.expect import Answer, expect


def _iou_of(answer: Answer) -> None:
    expect(answer((0, 0, 10, 10), (5, 0, 15, 10)), 1 / 3, "a box and itself, moved by half")
    expect(answer((0, 0, 10, 10), (2, 2, 4, 4)), 0.04, "a small box within a large one")
    # Both sides apart: two negative lengths must not make a positive area.
    expect(answer((0, 0, 2, 2), (5, 5, 9, 9)), 0.0, "two boxes that lie apart")


def _non_maximum_suppression(answer: Answer) -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10], [2, 0, 12, 10]], float)
    scores = np.array([0.6, 0.9, 0.3, 0.8])
    expect(answer(boxes, scores, 0.5), [1, 2], "three boxes on one object and one apart")
    # The third overlaps the first by 2/3 and the most confident by 9/11.
    expect(answer(boxes, scores, 0.9), [1, 3, 0, 2], "the same boxes with a limit of 0.9")
    chain = np.array([[0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]], float)
    expect(
        answer(chain, np.array([0.9, 0.8, 0.7]), 0.4), [0, 2], "a chain: a removed box removes none"
    )


def _average_precision_of(answer: Answer) -> None:
    expect(answer([True, False, True, True], 4), 1 / 4 + 2 * 3 / 16, "right, wrong, right, right")
    expect(answer([True, True], 2), 1.0, "nothing but right boxes")
    expect(answer([False, False], 3), 0.0, "nothing but wrong boxes")


CHECKS = (_iou_of, _non_maximum_suppression, _average_precision_of)
