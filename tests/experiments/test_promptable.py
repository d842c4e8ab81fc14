"""Fine-tuning with few labels beside an anomaly map, and its records."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.data.load import generate_category
from helpers.detectors import catalogue
from helpers.experiments import promptable
from helpers.experiments.promptable import (
    MAP,
    MODELS,
    OWN,
    PRETRAINED,
    PROMPTABLE,
    RANDOM,
    SCRATCH,
    SETTINGS,
    UNET,
    TuningCase,
    TuningResult,
    TuningSettings,
    cases,
    measured,
    plans,
    settings_of,
    tune,
)
from helpers.experiments.segmentation import LABELS
from helpers.experiments.store import fault, path_of, revisions
from helpers.hazelnuts.defects import DEFECT_TYPES
from helpers.profiles import QUICK
from helpers.segmentation.promptable_model import load_promptable
from helpers.segmentation.segmenter import Segmenter
from tests.tiny import TINY

COUNTS = {"train/good": 4, "test/good": 2} | {f"test/{kind}": 1 for kind in DEFECT_TYPES}
FEW = TuningSettings(side=32, steps=2, batch_size=2)
SMALL = replace(UNET, steps=2, batch_size=2, width=8, levels=2, crop=16)
TRIED = {PRETRAINED: FEW, RANDOM: FEW, SCRATCH: SMALL}
MEMORY = replace(catalogue.patchcore(replace(TINY, weights="random")), seed=0)


@pytest.fixture
def category(data_folder, monkeypatch):
    monkeypatch.setattr(promptable, "LABELS", LABELS[:2])
    return generate_category(32, COUNTS)


def test_the_plan_has_a_file_for_every_model_number_and_seed(category):
    found = cases([0, 1])
    assert found[0] == TuningCase(PRETRAINED, 0)
    assert [case.labels for case in found[1:]] == [1, 2] * 2 * len(MODELS)
    assert cases([0], [SCRATCH]) == [TuningCase(SCRATCH, 1), TuningCase(SCRATCH, 2)]
    files = {path_of(Path(), plan) for plan in plans(category, MEMORY, found)}
    assert len(files) == len(found)


def test_a_record_of_other_weights_is_old(category, tmp_path, monkeypatch):
    case = TuningCase(PRETRAINED, 1)
    (plan,) = plans(category, MEMORY, [case], TRIED)
    monkeypatch.setattr(promptable, "model_card", lambda *_: {"sha256": "other"})
    (other,) = plans(category, MEMORY, [case], TRIED)
    assert "settings" in fault(other, plan)
    assert "weights" not in settings_of(TuningCase(RANDOM, 1), FEW, MEMORY)


def test_marks_are_measured_at_equal_false_alarms(category):
    probabilities = np.where(category.masks, 0.9, 0.1)
    evidence = category.masks * np.linspace(1, 2, len(category.masks))[:, None, None]
    good = np.full((19, 32, 32), 0.9)
    weak, strong = np.full(good.shape, 0.5), np.full(good.shape, 3.0)
    result = measured(
        category, (probabilities, good), {MAP: (evidence, weak), OWN: (evidence, strong)}
    )
    assert result.of_defective(result.at_rate[MAP].iou).tolist() == [1] * len(DEFECT_TYPES)
    assert not any(result.at_rate[OWN].met), "good parts have more evidence than any damage"
    assert result.share(result.half, "crack") == 1
    with pytest.raises(ValueError, match="between 0 and 1"):
        replace(result, true_boxes=[2.0])


@pytest.mark.parametrize("model", MODELS)
def test_a_run_is_recorded_and_repeats_to_the_bit(category, tmp_path, monkeypatch, model):
    monkeypatch.setattr(promptable, "SCENES", 2)
    monkeypatch.setattr(promptable, "TEXTURES", 2)
    monkeypatch.setattr(promptable, "unseen_scenes", promptable.unseen_scenes.__wrapped__)
    wanted = [TuningCase(model, 1, seed=1)]
    records = [
        next(PROMPTABLE.run(tmp_path / name, plans(category, MEMORY, wanted, TRIED)))
        for name in ("first", "second")
    ]
    assert records[0].result == records[1].result
    result: TuningResult = records[0].result
    assert set(result.at_rate) == ({MAP, OWN} if model == SCRATCH else {MAP})
    assert (result.scenes is None) == (result.true_boxes is None) == (model == SCRATCH)
    assert PROMPTABLE.load(tmp_path / "first") == records[:1]


def test_every_number_of_labels_has_about_as_many_steps(category):
    known = promptable.Line(category, MEMORY).labelled(1, 0)
    epochs = [
        len(tune(load_promptable("random", side=32), known, replace(FEW, steps=steps)))
        for steps in (1, 32)
    ]
    assert epochs[0] == 1
    assert epochs[1] >= 2


def test_without_an_outline_there_is_nothing_to_learn(category):
    known = promptable.Line(category, MEMORY).labelled(1, 0)
    empty = replace(known, labels=known.labels * 0, masks=np.zeros_like(known.masks))
    with pytest.raises(ValueError, match="marks nothing"):
        tune(load_promptable("random", side=32), empty, FEW)


def test_the_books_records_are_of_todays_settings_and_weights():
    records = PROMPTABLE.load(PROMPTABLE.folder())
    assert {TuningCase(**one.case) for one in records} == set(cases(range(3)))
    for record in records:
        case = TuningCase(**record.case)
        mine = replace(SETTINGS[case.model], seed=case.seed)
        assert record.settings == settings_of(case, mine, catalogue.patchcore(QUICK))
        assert record.revision == revisions(Segmenter if case.model == SCRATCH else TuningSettings)
