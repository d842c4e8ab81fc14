"""The cases of chapter 8, their pictures, their records."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from sklearn.metrics import f1_score

from helpers.data.labelled import labelled_test
from helpers.data.load import generate_category
from helpers.experiments import long_tail, long_tail_cases
from helpers.experiments.long_tail import LONG_TAIL, plans
from helpers.experiments.long_tail_cases import (
    TASKS,
    case,
    centre,
    nut_pixels,
    planned,
    share_cut_off,
    training_set,
)
from helpers.experiments.store import revisions
from helpers.long_tail.classifier import REMEDIES
from helpers.long_tail.counts import imbalance_factor
from helpers.networks.training import TrainingSettings
from helpers.plain import plain
from helpers.profiles import PROFILES

SMALL = replace(PROFILES["quick"], image_size=48)
COUNTS = (24, 3, 2, 1, 1)


@pytest.fixture
def short(monkeypatch):
    """Little data, little training, and a count of trainings."""
    few = TrainingSettings(epochs=1, batch_size=8, learning_rate=1e-3)
    monkeypatch.setattr(long_tail_cases, "REMEDY_TRAINING", few)
    monkeypatch.setattr(long_tail_cases, "TEST_EACH", 2)
    made = {"train/good": 24, "test/good": 2, "test/crack": 1, "test/print": 1}
    small = generate_category(48, made)
    monkeypatch.setattr(long_tail, "generate_category", lambda size, tier: small)
    trained = []

    def quick_warm(chosen):
        trained.append(chosen)
        return replace(
            long_tail_cases.ClassifierSettings(), training=replace(few, seed=chosen.seed)
        )

    monkeypatch.setattr(long_tail, "warm_settings", quick_warm)
    return trained


def test_everything_that_the_chapter_compares_is_planned_once():
    cases = planned()
    assert len(set(cases)) == len(cases)
    hardest = [c for c in cases if c.task == TASKS[0] and c.counts == (391, 124, 39, 12, 4)]
    pairs = {(c.remedy, c.seed) for c in hardest}
    assert pairs >= {(remedy, s) for remedy in REMEDIES for s in range(5)}
    assert pairs >= {(remedy, s) for remedy in ("plain", "Balanced-MixUp") for s in range(10)}
    alphas = {c.alpha for c in hardest if c.remedy == "Balanced-MixUp"}
    assert alphas >= {0.1, 0.2, 0.3} and max(alphas) > 1
    shots = {c.counts[1] for c in cases if c.task == TASKS[1]}
    assert shots == {1, 2, 4, 8, 16, 32}
    factors = {round(imbalance_factor(c.counts), -1) for c in cases if c.task == TASKS[0]}
    assert factors == {10, 50, 100}


def test_cases_that_begin_alike_stand_together():
    beginnings = [c.beginning for c in planned()]
    changes = sum(a != b for a, b in pairwise(beginnings))
    assert changes == len(set(beginnings)) - 1


def test_alpha_is_kept_only_where_pictures_are_mixed():
    assert case(COUNTS, "plain").alpha is None
    assert case(COUNTS, "mixup").alpha == REMEDIES["mixup"].alpha
    assert case(COUNTS, "Balanced-MixUp", alpha=3.0).alpha == 3.0
    with pytest.raises(ValueError, match="no task 'three classes' with remedy 'plain'"):
        case(COUNTS, task="three classes")
    with pytest.raises(ValueError, match="with remedy 'hope'"):
        case(COUNTS, "hope")


def test_a_training_set_has_the_counts_and_the_tasks_classes():
    category = generate_category(48, {"train/good": 24, "test/good": 2, "test/crack": 1})
    five = training_set(category, case(COUNTS))
    assert str(five) == "24 good, 3 crack, 2 cut, 1 hole, 1 print"
    assert str(training_set(category, case(COUNTS, task=TASKS[1]))) == "24 good, 7 defect"
    more = training_set(category, case(COUNTS), reserve=(24, 4, 4, 4, 4))
    assert np.array_equal(five.images, more.images), "a reserve changes nothing"
    other = training_set(category, case(COUNTS, seed=1))
    assert not np.array_equal(five.images[24:], other.images[24:])


def test_the_centre_is_the_middle_of_each_picture():
    category = generate_category(64, tier=long_tail_cases.TIER)
    inner = centre(labelled_test(category))
    assert inner.images.shape[-2:] == (48, 48)
    assert np.array_equal(inner.images, category.test[:, :, 8:56, 8:56])


def test_what_the_centre_cuts_off_is_counted():
    marked = np.zeros((4, 16, 16), bool)
    marked[0, 2:14, 2:14] = True  # all that is kept, and nothing else
    marked[1, 0:4, 5] = True  # four pixels in a column, the first two in the margin
    marked[2, :2] = True  # the margin alone
    assert share_cut_off(marked)[:3].tolist() == [0, 0.5, 1]
    assert np.isnan(share_cut_off(marked)[3]), "nothing is marked there"
    category = generate_category(64, tier=long_tail_cases.TIER)
    rows = category.masks.any((1, 2))
    lost = share_cut_off(category.masks[rows])
    whole, kept = category.masks[rows], category.masks[rows][:, 8:56, 8:56]
    assert lost == pytest.approx(1 - kept.sum((1, 2)) / whole.sum((1, 2)))


def test_a_nut_is_what_is_brighter_than_the_background():
    images = np.full((2, 3, 16, 16), 36, np.uint8)
    images[0, 1, 4:9, 4:12] = 67  # 31 levels brighter, in one colour
    images[1, :, 4:9, 4:12] = 66  # 30 levels: not more than 30
    images[1, :, 10, 10] = 5  # darker is no nut
    found = nut_pixels(images)
    assert found[0].sum() == 5 * 8 and found[0, 4:9, 4:12].all()
    assert not found[1].any()


def run_all(folder, cases):
    return list(LONG_TAIL.run(folder, plans(SMALL, cases)))


def test_runs_are_recorded_and_not_repeated(short, tmp_path):
    cases = [case(COUNTS), case(COUNTS, "Balanced-MixUp"), case(COUNTS, task=TASKS[1])]
    records = run_all(tmp_path, cases)
    assert [record.case for record in records] == [plain(one) for one in cases]
    five, _, two = (record.result for record in records)
    assert np.array(five.confusion).sum(1).tolist() == [2] * 5
    assert np.array(two.confusion).sum(1).tolist() == [2, 8]
    assert all(len(record.result.image_scores) == 4 for record in records)
    assert five.recalls.shape == (5,)
    assert sum(five.count) == five.curve.count.sum() == 10
    table = np.array(two.confusion)
    truth, found = (np.repeat(i.ravel(), table.ravel()) for i in np.indices((2, 2)))
    assert two.macro_f1 == pytest.approx(f1_score(truth, found, average="macro"))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")}
    assert run_all(tmp_path, cases) == records
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")} == before


def test_cases_that_begin_alike_share_the_plain_training(short, tmp_path, monkeypatch):
    begun = []
    warm_up = long_tail.warm_up
    monkeypatch.setattr(
        long_tail, "warm_up", lambda one, *rest: begun.append(one) or warm_up(one, *rest)
    )
    run_all(tmp_path, [case(COUNTS), case(COUNTS, "Balanced-MixUp"), case(COUNTS, task=TASKS[1])])
    assert [one.task for one in begun] == list(TASKS)


def test_a_record_of_other_settings_is_made_anew(short, tmp_path, monkeypatch):
    run_all(tmp_path, [case(COUNTS)])
    longer = replace(long_tail_cases.REMEDY_TRAINING, epochs=2)
    monkeypatch.setattr(long_tail_cases, "REMEDY_TRAINING", longer)
    (record,) = run_all(tmp_path, [case(COUNTS)])
    assert record.settings["then"]["training"]["epochs"] == 2


def test_the_books_records_are_all_there_and_of_todays_settings_and_revisions():
    profile, cases = PROFILES["quick"], planned()
    found = {json.dumps(one.case): one for one in LONG_TAIL.load(LONG_TAIL.folder(profile.name))}
    for one in cases:
        record = found[json.dumps(plain(one))]
        assert record.settings == long_tail.settings_of(one, profile), one
        assert record.revision == revisions(long_tail.DefectClassifier)
    assert len(found) == len(cases)
