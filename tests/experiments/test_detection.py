"""What chapter 16 trains on, and its records."""

from dataclasses import replace

import numpy as np

from helpers.annotations.objects import AnnotationSet
from helpers.annotations.regions import RegionRules
from helpers.data.category import Category
from helpers.detection.boxes import make_boxes
from helpers.detection.detector import BoxDetector
from helpers.experiments import detection
from helpers.experiments.detection import (
    DETECTION,
    SHOTS,
    BoxCase,
    box_settings,
    few_labels,
    first_of_each,
    in_folds,
    measured,
    whole_nuts,
)
from helpers.experiments.store import revisions
from helpers.metrics.working_point import TABLE
from helpers.plain import plain


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
        train=np.repeat(test[:1], 2, axis=0),
        test=test,
        labels=(np.array(defects) != "good").astype(int),
        defects=np.array(defects),
        masks=masks,
        source="generated",
        fingerprint="f",
        train_files=("train/good/000.png", "train/good/001.png"),
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


def test_the_evaluation_gives_one_for_the_truth_and_forgives_a_wrong_name():
    nuts = dark_nuts(["good", "hole", "print"])
    rules = RegionRules(least_area=2)
    right = [make_boxes([])] + [make_boxes([[24, 30, 36, 40]], [label]) for label in (0, 1)]
    result = measured(nuts, right, rules)
    scores, by_class = result.scores, result.by_class
    assert scores["AP50"] == scores["AP50, one class"] == 1
    assert by_class == {"hole": 1, "print": 1}
    confused = [replace(boxes, labels=1 - boxes.labels) for boxes in right]
    result = measured(nuts, confused, rules)
    scores, by_class = result.scores, result.by_class
    assert (scores["AP50"], scores["AP50, one class"]) == (0, 1)
    assert by_class == {"hole": 0, "print": 0}


def test_the_books_records_are_of_the_chapters_settings_and_revisions():
    records = DETECTION.load(DETECTION.folder())
    wanted = {BoxCase(each, seed=seed) for each in SHOTS for seed in range(3)}
    assert {BoxCase(**one.case) for one in records} == {*wanted, BoxCase(None, folds=3)}
    for record in records:
        result = record.result
        assert 0 <= result.scores["AP75"] <= result.scores["AP50"] <= 1
        assert record.revision == revisions(BoxDetector)
        if record.case["folds"] is None:
            batches = record.settings["training"]
            wanted = box_settings(
                batches["epochs"],
                record.case["seed"],
                record.case["weights"],
                batches["batch_size"],
            )
            assert record.settings == plain(wanted)
            assert set(result.by_class) == {"crack", "cut", "hole", "print"}
            assert set(result.at_rate) == set(TABLE)


def test_a_case_trains_is_evaluated_and_recorded(monkeypatch, tmp_path):
    nuts = dark_nuts(["good", "crack", "cut", "hole", "print"])
    monkeypatch.setattr(detection, "STEPS", 2)
    monkeypatch.setattr(detection, "labelled_nuts", lambda each, seed: nuts)
    (record,) = DETECTION.run(tmp_path, few_labels(nuts, [0], [1], ["random"]))
    assert record.settings["training"]["epochs"] == 2  # one batch an epoch
    assert record.case == {"labels": 1, "weights": "random", "folds": None, "seed": 0}
    assert set(record.result.scores) == {"AP", "AP50", "AP75", "AP50, one class"}
    assert DETECTION.load(tmp_path) == [record]


def test_a_category_can_be_learned_in_folds(monkeypatch, tmp_path):
    nuts = dark_nuts([kind for kind in ("good", "hole", "print") for _ in range(4)])
    nuts = replace(nuts, train=nuts.test, train_files=nuts.test_files)
    (record,) = DETECTION.run(tmp_path, [in_folds(nuts, 2, epochs=1, good=2, join=1, seed=0)])
    assert record.settings == {"epochs": 1, "good": 2, "join": 1}
    assert (record.result.pictures, record.result.objects) == (12, 8)
    assert set(record.result.map_scores) == {"AP", "AP50", "AP75"}
