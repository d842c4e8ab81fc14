"""Attempts, ablations, and the records the book reads."""

import json
from dataclasses import replace

import numpy as np
import pytest

from helpers.data.category import move_to_test
from helpers.data.load import generate_category, load_category
from helpers.detectors.catalogue import DetectorSpec, all_attempts
from helpers.experiments import detectors
from helpers.experiments.detectors import (
    DETECTORS,
    PARTS,
    Variant,
    ablations,
    of_methods,
    plan,
    planned,
    results,
)
from helpers.experiments.store import revisions
from helpers.metrics.report import evaluate
from helpers.metrics.scores import Scores
from helpers.plain import plain
from helpers.profiles import PROFILES

QUICK, FULL = PROFILES["quick"], PROFILES["full"]


class Brightness:
    """A detector that counts how often it is fitted."""

    fits = 0
    revision = 3

    def __init__(self, settings):
        self.settings = settings

    def fit(self, images):
        Brightness.fits += 1
        self.mean = images.mean(axis=(0, 1)).astype(np.float32)
        return self

    def predict(self, images):
        maps = np.abs(images.mean(axis=1) - self.mean).astype(np.float32)
        return Scores(maps.mean(axis=(1, 2)) + self.settings["seed"], maps)


def brightness(seed):
    return DetectorSpec("Brightness", 32, lambda: Brightness({"seed": seed}), 1)


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setenv("MVTEC_ROOT", "generated")
    Brightness.fits = 0
    parts = {
        "attempts": lambda profile, images, seed: [Variant(brightness(seed))],
        "ablations": lambda profile, images, seed: [Variant(brightness(seed), {"dim": "very"})],
    }
    monkeypatch.setattr(detectors, "PARTS", parts)
    return replace(QUICK, image_size=32, feature_size=32, seeds=(0, 1))


def test_every_attempt_has_its_own_name_and_the_sizes_of_the_profile():
    for profile in PROFILES.values():
        tried = all_attempts(profile, 332)
        assert [a.attempt for a in tried] == [1, 2, 2, 3, 3, 4]
        assert len({a.name for a in tried}) == len(tried)
        assert {a.size for a in tried} <= {profile.image_size, profile.feature_size}


def test_the_seed_reaches_every_detector():
    def seed_of(attempt):
        settings = attempt.detector().settings
        return getattr(settings, "training", settings).seed

    assert {seed_of(a) for a in all_attempts(QUICK, 332, 7)} == {7}
    assert {seed_of(v.spec) for v in ablations(QUICK, 332, 7)} == {7}


def test_ablations_cover_the_assignments_factors_and_change_one_thing():
    factors = {factor for v in ablations(QUICK, 332) for factor in v.changed}
    assert factors >= {
        "pretraining", "augmentation", "loss", "skips", "scales", "learning rate", "batch size",
        "epochs",
    }  # fmt: skip

    def leaves(settings, prefix=""):
        for name, value in settings.items():
            if isinstance(value, dict):
                yield from leaves(value, f"{prefix}{name}.")
            else:
                yield f"{prefix}{name}", str(value)

    base = {a.name: dict(leaves(plain(a.detector().settings))) for a in all_attempts(QUICK, 332)}
    for variant in ablations(QUICK, 332):
        if not variant.changed:
            continue
        changed = dict(leaves(plain(variant.spec.detector().settings)))
        unchanged = base[variant.spec.name].items()
        count = 2 if "skips without corruption" in variant.changed else 1
        assert sum(changed[k] != v for k, v in unchanged) == count, variant


def test_runs_are_recorded_in_the_order_of_the_plan_and_not_repeated(small, tmp_path):
    first = list(DETECTORS.run(tmp_path, planned(small, tuple(detectors.PARTS))))
    cases = [(one.case["variant"], one.case["seed"]) for one in first]
    dim = {"dim": "very"}
    assert cases == [({}, 0), ({}, 1), (dim, 0), (dim, 1), (dim, 2), (dim, 3)]
    assert Brightness.fits == 6
    assert list(DETECTORS.run(tmp_path, planned(small, tuple(detectors.PARTS)))) == first
    assert Brightness.fits == 6
    with pytest.raises(ValueError, match="no part 'attempt'. Did you mean 'attempts'"):
        planned(small, ("attempt",))


def test_methods_are_chosen_by_name(small):
    (name,) = detectors.names_of(small, ("attempts",))
    seeds = [plan.case["seed"] for plan in planned(small, ("attempts",), methods=(name,))]
    assert seeds == list(small.seeds)
    with pytest.raises(ValueError, match="there is no method 'PatchCor'"):
        planned(small, ("attempts",), methods=("PatchCor",))


def test_formula_weights_are_a_variant_of_every_method_with_a_pretrained_network():
    variants = detectors.other_weights(QUICK, 332)
    assert tuple(v.spec.name for v in variants) == detectors.PRETRAINED
    for variant in variants:
        settings = variant.spec.detector().settings
        assert getattr(settings, "memory", settings).weights == "formula"
        assert variant.changed == {"weights": "formula"}


def test_equal_sizes_change_the_size_of_the_pictures_alone():
    at_home = {
        v.spec.name: v for part in ("attempts", "strategies") for v in PARTS[part](QUICK, 40, 0)
    }
    for variant in PARTS["equal size"](QUICK, 40, 0):
        usual = at_home[variant.spec.name].spec
        assert (variant.spec.size, usual.size) == (QUICK.image_size, QUICK.feature_size)
        assert variant.spec.detector().settings == usual.detector().settings
    assert PARTS["equal size"](FULL, 40, 0) == [], "there all pictures have one size"


def test_the_assignments_training_is_that_of_the_assignment():
    variants = PARTS["assignment"](QUICK, 40, 7)
    assert [v.spec.attempt for v in variants] == [1, 2, 3, 4]
    for variant in variants:
        training = variant.spec.detector().settings.training
        assert (training.epochs, training.batch_size) == (50, 16)
        assert (training.learning_rate, training.seed) == (1e-4, 7)


def test_budgets_are_a_whole_grid():
    found = {tuple(v.changed.values()) for v in PARTS["budgets"](QUICK, 40, 0)}
    assert found == {(f"{r:g}", str(e)) for r in detectors.RATES for e in detectors.EPOCHS}
    for variant in PARTS["budgets"](QUICK, 40, 0):
        training = variant.spec.detector().settings.training
        assert variant.changed == {
            "learning rate": f"{training.learning_rate:g}",
            "epochs": str(training.epochs),
        }


def test_more_nuts_are_those_there_are_and_more_of_each_class(monkeypatch):
    few = {"train/good": 3, "test/good": 2, "test/cut": 1}
    monkeypatch.setattr(detectors, "MVTEC_COUNTS", few)
    category, more = generate_category(32, few), detectors.with_more_tests(32, 3)
    assert np.array_equal(more.train, category.train)
    assert ((more.labels == 0).sum(), (more.labels == 1).sum()) == (6, 3)
    for name in ("good", "cut"):
        own = category.test[category.defects == name]
        assert np.array_equal(more.test[more.defects == name][: len(own)], own)


def test_more_nuts_change_no_method_and_are_only_generated(small, tmp_path, monkeypatch):
    usual = [v for part in ("attempts", "strategies") for v in PARTS[part](QUICK, 332, 5)]
    variants = PARTS["more nuts"](QUICK, 332, 5)
    for one, other in zip(variants, usual, strict=True):
        assert one.spec.detector().settings == other.spec.detector().settings
        assert (one.changed, one.tests) == ({"test images": "times 4"}, 4)
    more = [Variant(brightness(0), {"test images": "times 4"}, tests=4)]
    monkeypatch.setattr(detectors, "PARTS", {"more nuts": lambda *_: more})
    (one,) = planned(replace(small, seeds=(0,)), ("more nuts",))
    assert one.data["test"] == {"crack": 72, "cut": 68, "good": 160, "hole": 72, "print": 68}
    real = replace(load_category("hazelnut", size=32), source="MVTec AD")
    monkeypatch.setattr(detectors, "load_category", lambda *_, **__: real)
    assert list(planned(small, ("more nuts",))) == []


def test_few_good_images_are_the_same_for_all_methods_and_part_of_the_many(small):
    category = load_category("hazelnut", size=32)
    few, more = (detectors.with_few_good(category, count, 1) for count in (3, 9))
    assert (len(few.train), few.train.shape[1:]) == (3, category.train.shape[1:])
    assert set(few.train_files) < set(more.train_files) < set(category.train_files)
    assert few.test is category.test
    assert detectors.with_few_good(category, 3, 2).train_files != few.train_files
    place = category.train_files.index(few.train_files[1])
    assert np.array_equal(few.train[1], category.train[place])
    with pytest.raises(ValueError, match="from 2 to 391 images can be left; got 392"):
        detectors.with_few_good(category, 392, 0)


def test_runs_with_few_images_are_planned_where_there_are_so_many(small, tmp_path, monkeypatch):
    variants = [Variant(brightness(0), {"good images": str(n)}, n) for n in (8, 400)]
    monkeypatch.setitem(detectors.PARTS, "few", lambda profile, images, seed: variants)
    (record,) = DETECTORS.run(tmp_path, planned(replace(small, seeds=(0,)), ("few",)))
    assert record.data["train"] == 8
    assert record.case["variant"] == {"good images": "8"}
    assert record.result.threshold.held_out == 1


def test_few_good_images_are_a_variant_of_what_trains_nothing():
    for variant in detectors.few_good(QUICK, 332):
        assert variant.changed == {"good images": str(variant.images)}
        assert not hasattr(variant.spec.detector().settings, "training")


def test_a_budget_is_what_the_run_was_given(small, tmp_path):
    (record,) = DETECTORS.run(
        tmp_path, [plan(load_category("hazelnut", size=32), Variant(brightness(0)), 0)]
    )
    budget = detectors.budget_of(record)
    assert budget["epochs"] == 0, "it trains no network"
    assert (budget["pixels"], budget["numbers kept"]) == (32, 32 * 32)
    trained = replace(record, settings={"training": {"epochs": 7}})
    assert detectors.budget_of(trained)["epochs"] == 7


def test_the_defects_of_a_record_are_those_of_its_scores(small, tmp_path):
    category = load_category("hazelnut", size=32)
    (record,) = DETECTORS.run(tmp_path, [plan(category, Variant(brightness(0)), 0)])
    assert detectors.defects_of(record).tolist() == category.defects.tolist()
    lent = move_to_test(category, 5)
    (record,) = DETECTORS.run(tmp_path, [plan(lent, Variant(brightness(0)), 0)])
    assert detectors.defects_of(record).tolist() == lent.defects.tolist()


def test_a_record_says_what_was_measured_on_what(small, tmp_path):
    record, _ = DETECTORS.run(tmp_path, planned(small, ("attempts",)))
    category = load_category("hazelnut", size=32)
    assert record.data == {
        "category": "hazelnut",
        "source": "generated",
        "size": 32,
        "fingerprint": category.fingerprint,
        "train": len(category.train),
        "test": {"crack": 18, "cut": 17, "good": 40, "hole": 18, "print": 17},
    }
    assert record.revision["method"] == 3
    detector = Brightness({"seed": 0})
    result, provenance = detectors.measured(detector, category)
    assert record.result == result
    held_out = detectors.split_good(category.train, fraction=0.15, seed=0)[1]
    test, held = detector.predict(category.test), detector.predict(held_out)
    assert result == evaluate(category, test, held)
    assert set(provenance.seconds) == {"fit", "predict", "one image"}
    assert set(provenance.memory) == {"fit", "predict", "on disk"}
    assert provenance.parameters == 32 * 32


def test_it_says_which_weights_the_detector_stands_on():
    class Network:
        source = "random weights, seed 3"

    detector = Brightness({})
    assert detectors.backbone_of(detector) == ""
    detector.backbone = Network()
    assert detectors.backbone_of(detector) == "random weights, seed 3"


def test_records_can_be_asked_for_by_category(small, tmp_path, monkeypatch):
    monkeypatch.setattr(type(DETECTORS), "folder", lambda self, profile: tmp_path)
    list(DETECTORS.run(tmp_path, planned(small, tuple(detectors.PARTS))))
    category = load_category("hazelnut", size=32)
    found = results(small, category)
    assert len(found) == 4, "of the ablations' six the seeds of the profile"
    assert len(results(small, category, ("ablations",))) == 6
    assert [one.case["seed"] for one in of_methods(found)["Brightness"]] == [0, 1]
    assert results(small, replace(category, name="grid")) == []
    assert results(small, move_to_test(category, 5)) == []


def test_the_books_records_are_those_of_todays_settings_and_revisions():
    found = {json.dumps(one.case): one for one in DETECTORS.load(DETECTORS.folder("quick"))}
    wanted = {}
    for part in PARTS:
        for seed in detectors.seeds_of(QUICK, part):
            for v in PARTS[part](QUICK, 332, seed):
                case = json.dumps({"method": v.spec.name, "variant": v.changed, "seed": seed})
                wanted[case] = v.spec.detector()
    for case, detector in wanted.items():
        record = found[case]
        assert record.settings == plain(detector.settings), case
        assert record.revision == revisions(detector), case
    assert len(wanted) == len(found)


def test_records_of_longer_training_hold_scores_and_no_pictures():
    records = [*results(PROFILES["medium"]), *results(PROFILES["full"])]
    real = [one for one in records if one.data["source"] != "generated"]
    assert {one.data["category"] for one in real} == {"bottle", "grid", "hazelnut"}
    for one in records:
        assert len(one.result.image_scores) == sum(one.data["test"].values())


def test_a_variant_is_one_of_its_own_method():
    """CutPaste has a patch-wise brother, which is no variant of it."""
    methods = of_methods(results(QUICK))
    assert len(methods["CutPaste"]) == len(methods["CutPaste, patch-wise"]) == 3
    changed = [one.case for one in results(QUICK) if one.case["variant"]]
    assert {case["method"] for case in changed} == set(methods)
    grid = {"learning rate", "epochs"}
    assert all(len(case["variant"]) == 1 or set(case["variant"]) == grid for case in changed)


def test_planning_one_run_trains_nothing(small):
    category = load_category("hazelnut", size=32)
    assert plan(category, Variant(brightness(5)), 5).settings == {"seed": 5}
    assert Brightness.fits == 0
