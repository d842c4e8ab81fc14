"""The newer methods' records: planned by seed, measured as told, and those of today's settings."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.data.load import generate_category
from helpers.detectors import catalogue
from helpers.experiments import newer
from helpers.experiments.detectors import described
from helpers.experiments.newer import FEW, NEWER, PHOTOS, few_planned, planned
from helpers.experiments.store import revisions
from helpers.metrics.image import image_auroc
from helpers.metrics.scores import Scores
from helpers.plain import plain
from helpers.profiles import PROFILES

QUICK = PROFILES["quick"]
SMALL = {"train/good": 20, "test/good": 3, "test/cut": 2}


class Brightness:
    """A detector that remembers what it was fitted to."""

    revision = 4

    def __init__(self, settings=None):
        self.settings = {"seed": 0}

    def fit(self, images):
        self.known = images
        return self

    def predict(self, images):
        maps = images.mean(axis=1).astype(np.float32)
        return Scores(maps.max(axis=(1, 2)), maps)


@pytest.fixture
def nuts(monkeypatch):
    category = generate_category(32, SMALL)
    monkeypatch.setattr(newer, "load_category", lambda *_, **__: category)
    monkeypatch.setattr(newer, "PatchCoreDetector", Brightness)
    monkeypatch.setattr(newer, "MutualScoring", Brightness)
    return category


def test_every_newer_method_is_planned_with_every_seed(nuts):
    plans = list(planned(QUICK))
    names = [spec.name for spec in catalogue.all_newer(QUICK, 17)]
    cases = [(plan.case["seed"], plan.case["method"]) for plan in plans]
    assert cases == [(seed, name) for seed in QUICK.seeds for name in names]
    assert all(plan.case["variant"] == {} for plan in plans)
    (one,) = planned(replace(QUICK, seeds=(5,)), ["PaDiM"])
    assert one.settings["seed"] == 5


def test_no_other_chapter_compares_them():
    others = catalogue.all_attempts(QUICK, 17) + catalogue.all_strategies(QUICK, 17)
    assert not {s.name for s in others} & {s.name for s in catalogue.all_newer(QUICK, 17)}


def test_few_photos_are_part_of_the_more_and_none_is_needed_to_score_mutually(nuts):
    plans = list(few_planned(replace(QUICK, seeds=(0, 1))))
    cases = [tuple(plan.case.values()) for plan in plans]
    expected = [("PatchCore", n, seed) for seed in (0, 1) for n in PHOTOS]
    assert cases == [*expected, ("Mutual scoring", 0, 0)]


def test_few_photos_are_measured_without_a_threshold(nuts, tmp_path):
    record = next(iter(FEW.run(tmp_path, few_planned(QUICK))))
    scores = Brightness().predict(nuts.test)
    assert record.result.image_auroc == image_auroc(nuts.labels, scores.image)
    assert len(record.result.image_scores) == 5
    assert record.data == described(nuts)
    assert FEW.read(next(tmp_path.rglob("*.json"))) == record
    photos = newer.few_photos_of(nuts, 4, 1)
    assert photos.shape == (4, 3, 32, 32)
    assert np.array_equal(photos[:2], newer.few_photos_of(nuts, 2, 1))
    assert not np.array_equal(photos, newer.few_photos_of(nuts, 4, 2))


@pytest.mark.parametrize("name", PROFILES)
def test_the_books_records_are_those_of_todays_settings_and_revisions(name):
    profile = PROFILES[name]
    for record in NEWER.load(NEWER.folder(name)):
        images = record.data["train"] - round(0.15 * record.data["train"])
        specs = {s.name: s for s in catalogue.all_newer(profile, images, record.case["seed"])}
        detector = specs[record.case["method"]].detector()
        assert record.settings == plain(detector.settings), record.case
        assert record.revision == revisions(detector), record.case
    for record in FEW.load(FEW.folder(name)):
        if record.case["photos"]:
            wanted = catalogue.few_photos(profile, record.case["seed"])
            assert record.settings == plain(wanted)
