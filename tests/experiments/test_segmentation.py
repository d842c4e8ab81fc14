"""Labelled nuts with masks, and the records of trainings with few of them."""

from dataclasses import asdict

import numpy as np
import pytest

from helpers.data.labelled import KINDS, Masked, first_of_each, masked_pool, masked_test
from helpers.data.load import generate_category
from helpers.errors import DataError
from helpers.experiments.segmentation import (
    LABELS,
    MOST,
    MaskCase,
    curve,
    judge,
    kinds_left_out,
    load,
    load_runs,
    save,
)
from helpers.segmentation.segmenter import SegmenterSettings

COUNTS = {"train/good": 2, "test/good": 2} | {f"test/{kind}": 2 for kind in KINDS}


@pytest.fixture
def category(data_folder):
    return generate_category(32, COUNTS)


def test_the_pool_has_other_nuts_than_the_category_and_a_larger_one_adds_to_it(category):
    small = masked_pool(category, dict.fromkeys(KINDS, 1))
    large = masked_pool(category, dict.fromkeys(KINDS, 2))
    assert repr(large) == "2 crack, 2 cut, 2 hole, 2 print"
    first = first_of_each(large, dict.fromkeys(KINDS, 1))
    assert np.array_equal(first.images, small.images)
    assert np.array_equal(first.masks, small.masks)
    tested = {picture.tobytes() for picture in category.test}
    assert not any(picture.tobytes() in tested for picture in large.images)
    other = masked_pool(category, dict.fromkeys(KINDS, 1), seed=1)
    assert not np.array_equal(other.images, small.images)


def test_good_pictures_come_with_empty_masks(category):
    known = masked_pool(category, dict.fromkeys(KINDS, 1)).with_good(category.train)
    assert known.defects.tolist() == ["good", "good", *KINDS]
    assert known.masks.any((1, 2)).tolist() == [False] * 2 + [True] * 4


def test_a_kind_can_be_left_out(category):
    pool = masked_pool(category, dict.fromkeys(KINDS, 2))
    assert repr(first_of_each(pool, {"crack": 0, "cut": 2})) == "2 cut"
    with pytest.raises(ValueError, match="there are 2 pictures of crack; 3 were asked for"):
        first_of_each(pool, {"crack": 3})


def test_what_does_not_fit_together_is_refused(category):
    known = masked_test(category)
    with pytest.raises(ValueError, match="'good' exactly where"):
        Masked(known.images, known.masks, np.full(len(known.defects), "good"))
    with pytest.raises(ValueError, match="masks must be bool"):
        Masked(known.images, known.masks[:2], known.defects)


def test_the_plan_covers_labels_seeds_and_kinds():
    cases = curve([0, 1])
    assert [case.labels for case in cases] == [*LABELS, MOST] * 2
    assert [case.left_out for case in kinds_left_out()] == list(KINDS)
    names = [case.name for case in cases + kinds_left_out()]
    assert len(set(names)) == len(names)


def test_a_record_survives_the_file_and_tells_what_was_measured(category, tmp_path):
    case = MaskCase(2, "cut", 1)
    rng = np.random.default_rng(0)
    maps = np.where(category.masks, 0.9, rng.uniform(0, 0.4, category.masks.shape))
    maps[category.defects == "hole"] *= 0.5  # below the threshold: missed
    run = judge(asdict(case), SegmenterSettings(), category, maps, 1.5)
    assert (run.mean_iou("crack"), run.mean_iou("hole")) == (1, 0)
    assert run.mean_iou() == 0.75, "the good pictures are not in the mean"
    assert (run.found("cut"), run.found("hole")) == (1, 0)
    assert sum(run.false_pixels) == 0
    save(run, tmp_path / f"{case.name}.json")
    assert load_runs(tmp_path) == [run]


def test_a_damaged_record_is_named(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{"case": {}}')
    with pytest.raises(DataError, match=r"x\.json is not a record"):
        load(path)
