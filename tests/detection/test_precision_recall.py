"""AP by hand, at its limits, and against pycocotools."""

import numpy as np
import pytest

from helpers.annotations.objects import AnnotatedImage, Annotation, AnnotationSet
from helpers.annotations.regions import Region
from helpers.detection.boxes import evaluate_boxes, make_boxes, true_boxes
from helpers.detection.precision_recall import (
    ap_per_class,
    box_average_precision,
    class_precision_recall,
    iou_matrix,
    match_boxes,
    precision_recall,
)

A, B = [0, 0, 10, 10], [20, 0, 30, 10]


def test_iou_by_hand():
    # 10 × 10 moved by 5: 50 shared of 150.
    found = iou_matrix([A], [A, [5, 0, 15, 10], [10, 0, 20, 10], [2, 2, 4, 4]])
    assert np.allclose(found, [[1, 1 / 3, 0, 0.04]])


def test_iou_is_symmetric():
    rng = np.random.default_rng(0)
    boxes = rng.uniform(0, 50, (20, 2, 2)).cumsum(1).reshape(20, 4)
    assert np.allclose(iou_matrix(boxes, boxes), iou_matrix(boxes, boxes).T)
    assert np.allclose(np.diag(iou_matrix(boxes, boxes)), 1)


def test_the_surest_box_chooses_first_and_each_true_box_once():
    found = make_boxes([A, A, B], scores=[0.6, 0.9, 0.3])
    assert match_boxes(make_boxes([A, B]), found).tolist() == [-1, 0, 1]


def test_a_box_takes_the_best_that_is_free():
    true = make_boxes([A, [2, 0, 12, 10]])
    found = make_boxes([A, [0, 0, 10, 10]], scores=[0.9, 0.8])
    # The second finds its favourite taken, and the other at an IoU of 2/3.
    assert match_boxes(true, found).tolist() == [0, 1]
    assert match_boxes(true, found, 0.7).tolist() == [0, -1]


def test_nothing_true_or_nothing_found():
    assert match_boxes(make_boxes([]), make_boxes([A])).tolist() == [-1]
    assert match_boxes(make_boxes([A]), make_boxes([])).tolist() == []


@pytest.mark.parametrize("bad", [0, -1, 1.2])
def test_the_iou_threshold_is_a_share(bad):
    with pytest.raises(ValueError, match="iou_threshold"):
        match_boxes(make_boxes([A]), make_boxes([A]), bad)


def test_precision_and_recall_by_hand():
    curve = precision_recall([0.5, 0.9, 0.7, 0.3], [True, True, False, True], 4)
    assert curve.right.tolist() == [True, False, True, True]
    assert np.allclose(curve.precision, [1, 1 / 2, 2 / 3, 3 / 4])
    assert np.allclose(curve.recall, [1 / 4, 1 / 4, 2 / 4, 3 / 4])
    assert np.allclose(curve.envelope, [1, 3 / 4, 3 / 4, 3 / 4])


def test_average_precision_by_hand():
    curve = precision_recall([0.9, 0.7, 0.5, 0.3], [True, False, True, True], 4)
    assert box_average_precision(curve, "area") == pytest.approx(1 / 4 + 3 / 4 / 4 * 2)
    # 0, .1, .2 lie on the first step, .3 … .7 on the second.
    assert box_average_precision(curve, "voc2007") == pytest.approx((3 + 5 * 0.75) / 11)
    # 0 … .25: 26 levels; .26 … .75: 50.
    assert box_average_precision(curve, "coco") == pytest.approx((26 + 50 * 0.75) / 101)


def test_a_recall_of_just_a_level_reaches_it():
    """Chapter 16's list: 3 of 5 objects are found at a recall of 0.6, with precision 3 / 4."""
    right = [True, True, False, True, False, False, True, False]
    curve = precision_recall([0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3], right, 5)
    assert box_average_precision(curve, "voc2007") == pytest.approx(
        (5 + 2 * 3 / 4 + 2 * 4 / 7) / 11
    )
    assert box_average_precision(curve, "area") == pytest.approx((2 + 3 / 4 + 4 / 7) / 5)


@pytest.mark.parametrize("method", ["coco", "voc2007", "area"])
def test_limits(method):
    perfect = precision_recall([0.9, 0.8], [True, True], 2)
    assert box_average_precision(perfect, method) == 1
    assert box_average_precision(precision_recall([0.9], [False], 2), method) == 0
    assert box_average_precision(precision_recall([], [], 2), method) == 0


def test_a_wrong_box_below_all_right_ones_costs_nothing():
    few = precision_recall([0.9, 0.8], [True, True], 3)
    more = precision_recall([0.9, 0.8, 0.1], [True, True, False], 3)
    assert box_average_precision(few) == box_average_precision(more)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="no true box"):
        precision_recall([0.5], [False], 0)
    with pytest.raises(ValueError, match="at most 1 can be right"):
        precision_recall([0.5, 0.4], [True, True], 1)
    with pytest.raises(ValueError, match="method must be one of"):
        box_average_precision(precision_recall([0.5], [True], 1), "mean")
    with pytest.raises(ValueError, match="2 pictures have true boxes, 1 found"):
        class_precision_recall([make_boxes([A])] * 2, [make_boxes([A])], 0)


def scene(seed):
    """Return pictures with random objects of three classes, and guesses at them."""
    rng = np.random.default_rng(seed)
    images, found = [], []
    for number in range(12):
        objects, guesses = [], []
        for _ in range(rng.integers(0, 4)):
            left, top = rng.integers(0, 60, 2).tolist()
            across, down = rng.integers(6, 30, 2)
            label = int(rng.integers(3))
            objects.append(Annotation(label, Region(left, top, np.ones((down, across), bool))))
            for _ in range(rng.integers(0, 3)):
                corners = np.array([left, top, left + across, top + down]) + rng.normal(0, 2, 4)
                guesses.append((corners, label if rng.random() < 0.8 else int(rng.integers(3))))
        for _ in range(rng.integers(0, 3)):
            x, y = rng.uniform(0, 60, 2)
            guesses.append((np.array([x, y, x + 20, y + 15]), int(rng.integers(3))))
        images.append(AnnotatedImage(f"{number}.png", 100, 100, tuple(objects)))
        # Rounded, so that several share a score.
        scores = rng.random(len(guesses)).round(1)
        found.append(make_boxes([c for c, _ in guesses], [k for _, k in guesses], scores))
    return AnnotationSet("boxes", ("a", "b", "c"), tuple(images)), found


@pytest.mark.parametrize("seed", range(6))
def test_it_agrees_with_pycocotools(seed):
    annotations, found = scene(seed)
    official = evaluate_boxes(annotations, found)
    for name, least in (("AP50", 0.5), ("AP75", 0.75)):
        ours = ap_per_class(true_boxes(annotations), found, annotations.classes, least)
        assert np.mean(list(ours.values())) == pytest.approx(official[name], abs=1e-9)
