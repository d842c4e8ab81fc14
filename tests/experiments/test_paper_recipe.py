"""The paper's recipe: its cases, the pictures that it validates on, its records."""

import json
from dataclasses import replace

import numpy as np

from helpers.data.load import generate_category
from helpers.experiments import long_tail_cases, paper_recipe
from helpers.experiments.paper_recipe import (
    COUNTS,
    PAPER_RECIPE,
    plans,
    recipe_cases,
    settings_of,
    validation_set,
)
from helpers.experiments.store import revisions
from helpers.long_tail.recipe import RecipeClassifier, RecipeSettings
from helpers.plain import plain
from helpers.profiles import PROFILES

SMALL = replace(PROFILES["quick"], image_size=48)


def test_the_authors_three_alphas_stand_beside_their_baseline_for_every_seed():
    cases = recipe_cases()
    assert COUNTS == (391, 124, 39, 12, 4)
    assert {(one.remedy, one.alpha, one.seed) for one in cases} == {
        (remedy, alpha, seed)
        for seed in range(10)
        for remedy, alpha in (("plain", None), *(("Balanced-MixUp", a) for a in (0.1, 0.2, 0.3)))
    }


def test_every_class_is_validated_on_a_quarter_and_other_seeds_on_other_nuts():
    counts = (24, 8, 4, 2, 1)
    one, other = (validation_set(48, counts, seed) for seed in (0, 1))
    assert str(one) == str(other) == "6 good, 2 crack, 1 cut, 1 hole, 1 print"
    assert not np.array_equal(one.images, other.images)


def test_a_run_is_recorded_with_the_epochs_it_took(tmp_path, monkeypatch):
    monkeypatch.setattr(long_tail_cases, "TEST_EACH", 2)
    small = generate_category(48, {"train/good": 24, "test/good": 2, "test/crack": 1})
    monkeypatch.setattr(paper_recipe, "generate_category", lambda *args, **kwargs: small)
    monkeypatch.setattr(paper_recipe, "validation_set", lambda *_: centred)
    centred = long_tail_cases.centre(
        long_tail_cases.training_set(small, long_tail_cases.case((24, 3, 2, 1, 1)))
    )
    tiny = RecipeSettings(alpha=0.1, architecture="resnet18", weights="random", epochs=2)
    monkeypatch.setattr(paper_recipe, "settings_of", lambda chosen: tiny)
    chosen = replace(recipe_cases([0])[1], counts=(24, 3, 2, 1, 1))
    (record,) = PAPER_RECIPE.run(tmp_path, plans(SMALL, [chosen]))
    assert np.array(record.result.confusion).sum(1).tolist() == [2] * 5
    assert 1 <= record.result.kept <= record.result.epochs == 2
    assert [record] == PAPER_RECIPE.load(tmp_path)


def test_the_books_records_are_of_todays_settings_and_revision():
    cases = {json.dumps(plain(case)): case for case in recipe_cases()}
    for one in PAPER_RECIPE.load(PAPER_RECIPE.folder()):
        assert one.settings == plain(settings_of(cases[json.dumps(one.case)]))
        assert one.revision == revisions(RecipeClassifier)
