"""Attempts, ablations, and the records the book reads."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.data.category import move_to_test
from helpers.data.load import load_category
from helpers.detectors.catalogue import Attempt, all_attempts
from helpers.errors import DataError
from helpers.experiments import detectors
from helpers.experiments.detectors import (
    fault,
    load_results,
    planned,
    recorded,
    results_folder,
    run_all,
    variants,
)
from helpers.experiments.record_codes import CODE_CHANGED, CODE_UNKNOWN, code_of
from helpers.experiments.report import numbers_kept, plain
from helpers.metrics.scores import Scores
from helpers.paths import project_root
from helpers.profiles import PROFILES

QUICK = PROFILES["quick"]


class Brightness:
    """A detector that counts how often it is fitted."""

    fits = 0

    def __init__(self, settings):
        self.settings = settings

    def fit(self, images):
        Brightness.fits += 1
        self.mean = images.mean(axis=(0, 1)).astype(np.float32)
        return self

    def predict(self, images):
        maps = np.abs(images.mean(axis=1) - self.mean).astype(np.float32)
        return Scores(maps.mean(axis=(1, 2)) + self.settings["seed"], maps)


@pytest.fixture
def small(monkeypatch, tmp_path):
    monkeypatch.setenv("MVTEC_ROOT", "generated")
    Brightness.fits = 0
    profile = replace(QUICK, image_size=32, feature_size=32, seeds=(0, 1))
    monkeypatch.setattr(
        detectors.catalogue,
        "all_attempts",
        lambda profile, images, seed=0: (
            Attempt("Brightness", 32, lambda: Brightness({"seed": seed}), 1),
        ),
    )
    monkeypatch.setattr(detectors, "variants", lambda profile, images, seed=0: ())
    monkeypatch.setattr(detectors.catalogue, "all_strategies", lambda profile, images, seed: ())
    return profile


def test_every_attempt_has_its_own_name_and_the_sizes_of_the_profile():
    for profile in PROFILES.values():
        tried = all_attempts(profile, 332)
        assert [a.number for a in tried] == [1, 2, 2, 3, 3, 4]
        assert len({a.name for a in tried}) == len(tried)
        assert {a.size for a in tried} <= {profile.image_size, profile.feature_size}


def test_the_seed_reaches_every_detector():
    def seed_of(attempt):
        settings = attempt.detector().settings
        return getattr(settings, "training", settings).seed

    assert {seed_of(a) for a in all_attempts(QUICK, 332, 7)} == {7}
    assert {seed_of(v.attempt) for v in variants(QUICK, 332, 7)} == {7}


def test_ablations_cover_the_assignments_factors_and_change_one_thing():
    factors = {v.factor for v in variants(QUICK, 332)}
    assert factors >= {
        "pretraining",
        "augmentation",
        "loss",
        "skips",
        "scales",
        "learning rate",
        "batch size",
        "epochs",
    }

    def leaves(settings, prefix=""):
        for name, value in settings.items():
            if isinstance(value, dict):
                yield from leaves(value, f"{prefix}{name}.")
            else:
                yield f"{prefix}{name}", str(value)

    base = {a.name: dict(leaves(plain(a.detector().settings))) for a in all_attempts(QUICK, 332)}
    for variant in variants(QUICK, 332):
        changed = dict(leaves(plain(variant.attempt.detector().settings)))
        name = variant.attempt.name.split(f", {variant.factor} ")[0]
        assert sum(changed[k] != v for k, v in base[name].items()) == 1, variant.attempt.name


def test_all_runs_are_recorded_and_a_second_call_runs_nothing(small, tmp_path):
    first = list(run_all(small, tmp_path))
    assert [(done, of) for done, of, _ in first] == [(1, 2), (2, 2)]
    assert Brightness.fits == 2
    again = [report for _, _, report in run_all(small, tmp_path)]
    assert Brightness.fits == 2
    assert again == [report for _, _, report in first] == load_results(tmp_path)


def test_a_killed_run_goes_on_where_it_stopped(small, tmp_path):
    runs = run_all(small, tmp_path)
    next(runs)
    runs.close()
    assert len(load_results(tmp_path)) == 1
    list(run_all(small, tmp_path))
    assert Brightness.fits == 2


def test_a_record_of_other_settings_or_data_is_run_again(small, tmp_path):
    list(run_all(small, tmp_path))
    category = load_category("hazelnut", size=32)
    changed = Attempt("Brightness", 32, lambda: Brightness({"seed": 5}), 1)
    same = Attempt("Brightness", 32, lambda: Brightness({"seed": 0}), 1)
    assert recorded(tmp_path, category, same, 0) is not None
    assert recorded(tmp_path, category, changed, 0) is None
    assert recorded(tmp_path, replace(category, fingerprint="other"), same, 0) is None
    assert recorded(tmp_path, category, same, 9) is None


def test_a_record_of_other_or_unknown_code_is_run_again(small, tmp_path):
    ((_, _, first), _) = run_all(small, tmp_path)
    category = load_category("hazelnut", size=32)
    contender = Attempt("Brightness", 32, lambda: Brightness({"seed": 0}), 1)
    assert first.code == code_of(contender.detector()) != ""
    assert fault(first, category, contender) == ""
    assert fault(replace(first, code="other"), category, contender) == CODE_CHANGED
    assert fault(replace(first, code=""), category, contender) == CODE_UNKNOWN
    replace(first, code="other").save(tmp_path)
    list(run_all(small, tmp_path))
    assert Brightness.fits == 3
    assert recorded(tmp_path, category, contender, 0).code == first.code


def test_records_can_be_asked_for_by_category(small, tmp_path):
    list(run_all(small, tmp_path))
    category = load_category("hazelnut", size=32)
    assert len(load_results(tmp_path, category)) == 2
    assert load_results(tmp_path, replace(category, name="grid")) == []
    assert load_results(tmp_path, move_to_test(category, 5)) == []
    assert load_results(tmp_path / "none") == []


def test_a_damaged_record_is_named(small, tmp_path):
    list(run_all(small, tmp_path))
    path = next(tmp_path.rglob("*.json"))
    path.write_text("{}")
    with pytest.raises(DataError, match=path.name):
        load_results(tmp_path)


def test_the_books_records_are_those_of_todays_settings():
    reports = load_results(results_folder(QUICK))
    found = {(r.method, r.seed): r.settings for r in reports}
    for seed, attempt in planned(QUICK, 332):
        assert found[attempt.name, seed] == plain(attempt.detector().settings), attempt.name
    assert {r.data["source"] for r in reports} == {"generated"}


def test_real_records_hold_scores_and_no_pictures():
    for report in load_results(project_root() / "book" / "records" / "medium"):
        assert len(report.image_scores) == sum(report.data["test"].values())
        assert report.data["source"] != "generated"


def test_what_is_kept_is_counted_once():
    class Kept:
        settings = None

        def __init__(self):
            self.model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
            self.part = self.model[0]
            self.memory = np.zeros((5, 4))
            self.network = None

    # 6 + 2 weights, 2 + 2 of the normalisation, 2 + 2 + 1 of its statistics, 20 of the memory.
    assert numbers_kept(Kept()) == 8 + 4 + 5 + 20
