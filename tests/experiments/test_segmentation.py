"""Trainings with few labels, and their records."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.data.load import generate_category
from helpers.experiments import segmentation
from helpers.experiments.segmentation import (
    LABELS,
    MOST,
    PRETRAINED,
    PRETRAINED_LABELS,
    SEGMENTATION,
    SETTINGS,
    MaskCase,
    curve,
    measured,
    plans,
    types_left_out,
)
from helpers.experiments.store import path_of, revisions
from helpers.hazelnuts.defects import DEFECT_TYPES
from helpers.plain import plain

COUNTS = {"train/good": 2, "test/good": 2} | {f"test/{kind}": 2 for kind in DEFECT_TYPES}


@pytest.fixture
def category(data_folder):
    return generate_category(32, COUNTS)


def test_the_plan_covers_labels_seeds_and_kinds(category):
    cases = curve([0, 1])
    assert [case.labels for case in cases] == [*LABELS, MOST] * 2
    assert [case.left_out for case in types_left_out()] == list(DEFECT_TYPES)
    pretrained = curve([0], PRETRAINED)
    assert [case.labels for case in pretrained] == list(PRETRAINED_LABELS)
    cases += [*types_left_out(), *pretrained, MaskCase(None, folds=3)]
    files = [path_of(Path(), plan) for plan in plans(category, cases)]
    assert len(set(files)) == len(files)


def test_a_result_tells_what_was_measured(category):
    rng = np.random.default_rng(0)
    maps = np.where(category.masks, 0.9, rng.uniform(0, 0.4, category.masks.shape))
    maps[category.defects == "hole"] *= 0.5  # below the threshold: missed
    good_maps = np.full((19, *maps.shape[1:]), 0.3)
    result = measured(maps, category, SETTINGS.threshold, good_maps)
    assert (result.mean_iou("crack"), result.mean_iou("hole")) == (1, 0)
    assert result.mean_iou() == 0.75, "the good pictures are not in the mean"
    assert (result.found("cut"), result.found("hole")) == (1, 0)
    assert sum(result.false_pixels) == 0
    assert result.met_at_rate("hole") == 1, "a threshold of 0.3 finds what one of 0.5 misses"
    assert result.alarms_at_rate() == 1
    assert result.iou_at_rate("good") == 0
    with pytest.raises(ValueError, match="iou 0 must be between 0 and 1"):
        replace(result, iou=[2.0] * len(result.iou))


@pytest.mark.parametrize("case", [MaskCase(1, "cut", seed=1), MaskCase(None, folds=2)])
def test_a_training_is_recorded_and_not_repeated(category, tmp_path, monkeypatch, case):
    monkeypatch.setattr(segmentation, "MOST", 2)
    few = replace(SETTINGS, steps=2, batch_size=2, width=8, levels=2)
    (record,) = SEGMENTATION.run(tmp_path, plans(category, [case], few))
    assert record.case["folds"] == case.folds
    assert record.settings["seed"] == case.seed
    assert record.result.defects == category.defects.tolist()
    with monkeypatch.context() as patch:
        patch.setattr(segmentation, "Segmenter", None)
        patch.setattr(segmentation, "revisions", lambda method: record.revision)
        assert list(SEGMENTATION.run(tmp_path, plans(category, [case], few))) == [record]


def test_the_books_records_are_of_todays_settings_and_revisions():
    records = SEGMENTATION.load(SEGMENTATION.folder())
    wanted = [*curve(range(3)), *curve(range(3), PRETRAINED), *types_left_out()]
    assert {MaskCase(**one.case) for one in records} == {*wanted, MaskCase(None, folds=3)}
    assert all(one.result.at_rate for one in records)
    for record in records:
        case = MaskCase(**record.case)
        wanted = replace(SETTINGS, encoder=case.encoder, seed=case.seed)
        assert record.settings == plain(wanted)
        assert record.revision == revisions(segmentation.Segmenter)
