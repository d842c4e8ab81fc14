"""What chapter 16 trains on, and its records."""

import json
from dataclasses import replace

import numpy as np
import pytest

from helpers.annotations.objects import AnnotationSet
from helpers.annotations.regions import RegionRules
from helpers.data.category import Category
from helpers.detection.boxes import make_boxes
from helpers.errors import DataError
from helpers.experiments.detection import (
    DetectionRun,
    first_of_each,
    judge,
    load_runs,
    run_case,
    whole_nuts,
)

RUN = DetectionRun("hazelnut", "abc", 4, "formula", 1, {"AP50": 0.5}, {}, 3.0, "cpu", {})


def dark_nuts(defects):
    """Return bright discs on dark ground, 64 × 64, a square of damage on all but the good ones."""
    rows, columns = np.mgrid[:64, :64]
    nut = (rows - 32) ** 2 + (columns - 30) ** 2 <= 20**2
    test = np.where(nut, 200, 20).astype(np.uint8) * np.ones((len(defects), 3, 1, 1), np.uint8)
    masks = np.zeros((len(defects), 64, 64), bool)
    for row, defect in enumerate(defects):
        if defect != "good":
            masks[row, 30:40, 24:36] = True
            test[row, :, 30:40, 24:36] = 120
    return Category(
        name="hazelnut",
        train=test[:1],
        test=test,
        labels=(np.array(defects) != "good").astype(int),
        defects=np.array(defects),
        masks=masks,
        source="generated",
        fingerprint="f",
        train_files=("train/good/000.png",),
        test_files=tuple(f"test/{d}/{row:03}.png" for row, d in enumerate(defects)),
    )


def test_the_first_of_each_class_are_chosen():
    nuts = dark_nuts(["good", "good", "good", "hole", "hole", "print"])
    assert first_of_each(nuts, 2).tolist() == [0, 1, 3, 4, 5]


def test_the_box_of_a_whole_nut_is_its_disc():
    found = whole_nuts(dark_nuts(["good", "hole"]))
    assert isinstance(found, AnnotationSet)
    for image in found.images:
        (nut,) = image.annotations
        assert nut.region.box == (10, 12, 41, 41)


def test_the_judge_gives_one_for_the_truth_and_forgives_a_wrong_name():
    nuts = dark_nuts(["good", "hole", "print"])
    rules = RegionRules(least_area=2)
    right = [make_boxes([])] + [make_boxes([[24, 30, 36, 40]], [label]) for label in (0, 1)]
    scores, by_class = judge(nuts, right, rules)
    assert scores["AP50"] == scores["AP50, one class"] == 1
    assert by_class == {"hole": 1, "print": 1}
    confused = [replace(boxes, labels=1 - boxes.labels) for boxes in right]
    scores, by_class = judge(nuts, confused, rules)
    assert (scores["AP50"], scores["AP50, one class"]) == (0, 1)
    assert by_class == {"hole": 0, "print": 0}


def test_a_run_is_recorded_and_read_again(tmp_path):
    path = RUN.save(tmp_path)
    assert path.name == "hazelnut-formula-04-seed1.json"
    assert load_runs(tmp_path) == [RUN]


def test_a_damaged_record_is_named(tmp_path):
    (tmp_path / "broken.json").write_text(json.dumps({"each": 3}), "utf-8")
    with pytest.raises(DataError, match=r"broken\.json is not a record"):
        load_runs(tmp_path)


def test_committed_records_are_of_the_settings_that_the_chapter_has():
    for run in load_runs():
        assert run.settings["network"]["anchor_scale"] == 0.5
        assert 0 <= run.scores["AP75"] <= run.scores["AP50"] <= 1
        assert set(run.by_class) == {"crack", "cut", "hole", "print"}


def test_a_case_trains_and_is_judged(monkeypatch):
    monkeypatch.setattr("helpers.experiments.detection.STEPS", 2)
    nuts = dark_nuts(["good", "crack", "cut", "hole", "print"])
    run = run_case(nuts, nuts, 1, 0, "random")
    assert run.settings["training"]["epochs"] == 2  # one batch an epoch
    assert run.each == 1
    assert set(run.scores) == {"AP", "AP50", "AP75", "AP50, one class"}
