"""Boxes: what they refuse, and where they come from."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.annotations.objects import annotate
from helpers.annotations.regions import EVERY_REGION, RegionRules
from helpers.data.category import Category, crop_centre
from helpers.detection.boxes import (
    as_one_class,
    boxes_from_maps,
    evaluate_boxes,
    make_boxes,
    true_boxes,
)


def category(masks, defects):
    masks = np.asarray(masks, bool)
    count, side = len(masks), masks.shape[-1]
    defects = np.array(defects)
    return Category(
        name="café parts",
        train=np.zeros((1, 3, side, side), np.uint8),
        test=np.zeros((count, 3, side, side), np.uint8),
        labels=(defects != "good").astype(np.int64),
        defects=defects,
        masks=masks,
        source="own pictures",
        fingerprint="0",
        train_files=("train/good/0.png",),
        test_files=tuple(f"test/{d}/{i}.png" for i, d in enumerate(defects)),
    )


def mask(*places, side=16):
    marked = np.zeros((side, side), bool)
    for rows, columns in places:
        marked[rows, columns] = True
    return marked


def test_a_mask_becomes_its_box():
    one = category([mask((slice(2, 5), slice(3, 9)))], ["crack"])
    (boxes,) = true_boxes(annotate(one))
    assert boxes.corners.tolist() == [[3, 2, 9, 5]]
    assert boxes.coco() == [[3, 2, 6, 3]]


def test_one_pixel_the_border_and_a_hole():
    ring = mask((slice(4, 9), slice(4, 9)))
    ring[6, 6] = False
    masks = [mask((0, 0)), mask((slice(10, 16), slice(12, 16))), ring]
    found = true_boxes(annotate(category(masks, ["a", "b", "c"])))
    assert [b.corners.tolist() for b in found] == [
        [[0, 0, 1, 1]],
        [[12, 10, 16, 16]],
        [[4, 4, 9, 9]],  # the hole makes no second box
    ]


def test_an_empty_mask_of_a_defect_is_refused_by_name():
    with pytest.raises(ValueError, match=r"test/crack/0\.png is called 'crack', but its mask"):
        annotate(category([mask()], ["crack"]))


def test_class_names_with_blanks_and_accents_are_kept():
    masks = [mask((1, 1)), mask((2, 2))]
    annotations = annotate(category(masks, ["fêlure fine", "trou d'épingle"]))
    assert annotations.classes == ("fêlure fine", "trou d'épingle")
    assert evaluate_boxes(annotations, true_boxes(annotations))["AP50"] == pytest.approx(1)


def test_the_truth_scores_one_and_nothing_scores_zero():
    annotations = annotate(category([mask((slice(2, 9), slice(2, 9))), mask()], ["a", "good"]))
    assert evaluate_boxes(annotations, true_boxes(annotations))["AP"] == pytest.approx(1)
    assert evaluate_boxes(annotations, [make_boxes([])] * 2)["AP"] == 0
    with pytest.raises(ValueError, match="1 pictures have found boxes, 2 are annotated"):
        evaluate_boxes(annotations, [make_boxes([])])


def test_all_classes_become_one():
    annotations = as_one_class(annotate(category([mask((1, 1)), mask((2, 2))], ["a", "b"])))
    assert annotations.classes == ("defect",)
    assert [b.labels.tolist() for b in true_boxes(annotations)] == [[0], [0]]


def test_the_centre_keeps_what_is_there():
    whole = category([mask((slice(4, 9), slice(4, 9)))], ["a"])
    inner = crop_centre(whole, 0.125)
    assert inner.test.shape == (1, 3, 12, 12)
    assert true_boxes(annotate(inner))[0].corners.tolist() == [[2, 2, 7, 7]]
    assert crop_centre(whole, 0).masks.shape == whole.masks.shape


def test_the_centre_refuses_to_cut_a_defect():
    with pytest.raises(ValueError, match=r"test/a/0\.png has a defect in the margin of 2 pixels"):
        crop_centre(category([mask((0, 5))], ["a"]))
    with pytest.raises(ValueError, match="margin must be"):
        crop_centre(category([mask((5, 5))], ["a"]), 0.5)


def test_pictures_that_would_lose_damage_can_be_left_out():
    masks = [mask((5, 5)), mask((0, 5)), mask((6, 6))]
    inner = crop_centre(category(masks, ["a", "b", "c"]), 0.125, leave_out=True)
    assert inner.defects.tolist() == ["a", "c"]
    assert [int(m.sum()) for m in inner.masks] == [1, 1]
    assert len(inner.test_files) == len(inner.labels) == 2


def test_a_map_becomes_boxes():
    values = np.zeros((1, 16, 16), np.float32)
    values[0, 2:4, 3:6], values[0, 3, 4] = 2, 5
    values[0, 10, 10] = 3
    (boxes,) = boxes_from_maps(values, 1.0, EVERY_REGION)
    assert boxes.corners.tolist() == [[3, 2, 6, 4], [10, 10, 11, 11]]
    assert boxes.scores.tolist() == [5, 3]
    (joined,) = boxes_from_maps(values, 1.0, RegionRules(join_within=9))
    assert joined.corners.tolist() == [[3, 2, 11, 11]]
    assert not len(boxes_from_maps(values, 9.0, EVERY_REGION)[0])


def test_boxes_that_are_none_are_refused():
    with pytest.raises(ValueError, match="has no area"):
        make_boxes([[5, 5, 5, 9]])
    with pytest.raises(ValueError, match="not finite"):
        make_boxes([[0, 0, np.nan, 9]])
    with pytest.raises(ValueError, match="got shapes"):
        replace(make_boxes([[0, 0, 1, 1]]), labels=np.zeros(2, np.int64))


def test_boxes_of_a_class():
    boxes = make_boxes([[0, 0, 1, 1], [2, 2, 4, 4]], [0, 1], [0.2, 0.7])
    assert boxes.of_class(1).scores.tolist() == pytest.approx([0.7])
    assert len(boxes.keep(boxes.scores > 0.9)) == 0
