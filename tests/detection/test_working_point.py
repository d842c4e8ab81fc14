"""Boxes at equal false alarms: a case by hand."""

import numpy as np
import pytest

from helpers.detection.boxes import make_boxes
from helpers.detection.working_point import highest_scores, working_point_of_boxes

NONE = make_boxes([])
TRUE = [make_boxes([[0, 0, 10, 10], [20, 0, 30, 10]]), make_boxes([[0, 0, 4, 4]]), NONE, NONE]
GOOD = np.linspace(0, 0.5, 19)


def test_a_case_by_hand():
    found = [
        make_boxes([[0, 0, 10, 5], [20, 0, 30, 10]], [3, 0], [0.9, 0.4]),
        make_boxes([[3, 3, 9, 9]], [0], [0.8]),
        make_boxes([[0, 0, 5, 5]], [0], [0.5]),
        make_boxes([[0, 0, 5, 5]], [0], [0.6]),
    ]
    point = working_point_of_boxes(found, TRUE, GOOD)
    assert point.threshold.value == 0.5
    assert point.labels.tolist() == [1, 1, 0, 0]
    assert point.alarms.tolist() == [True, True, False, True]
    assert point.met.tolist() == [True, False, False, False], "an IoU of 1/51 meets nothing"
    assert point.overlap.tolist() == pytest.approx([0.25, 1 / 51, 1, 0])
    assert point.dice is None
    assert "Dice" not in point.row()


def test_a_picture_without_a_box_has_the_lowest_score():
    sure = make_boxes([[0, 0, 1, 1], [0, 0, 2, 2]], [0, 1], [0.25, 0.5])
    assert highest_scores([NONE, sure]) == [0, 0.5]
    point = working_point_of_boxes([NONE] * 4, TRUE, highest_scores([NONE] * 19))
    assert not point.alarms.any()
    assert point.row()["IoU"] == 0
