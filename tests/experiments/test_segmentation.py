"""The records of trainings with few labels."""

from dataclasses import asdict

import numpy as np
import pytest

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
from helpers.hazelnuts.defects import DEFECT_TYPES
from helpers.segmentation.segmenter import SegmenterSettings

COUNTS = {"train/good": 2, "test/good": 2} | {f"test/{kind}": 2 for kind in DEFECT_TYPES}


@pytest.fixture
def category(data_folder):
    return generate_category(32, COUNTS)


def test_the_plan_covers_labels_seeds_and_kinds():
    cases = curve([0, 1])
    assert [case.labels for case in cases] == [*LABELS, MOST] * 2
    assert [case.left_out for case in kinds_left_out()] == list(DEFECT_TYPES)
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
