from dataclasses import replace

import numpy as np
import pytest

from helpers.formulas.fields import FAMILIES
from helpers.formulas.images import SHARES, draw_formula, render_formula, render_formulas


def formulas(count, seed=0):
    rng = np.random.default_rng(seed)
    return [draw_formula(rng) for _ in range(count)]


def test_families_have_a_share_each():
    assert len(SHARES) == len(FAMILIES)
    assert sum(SHARES) == pytest.approx(1)


def test_a_picture_is_bytes_of_the_side_asked_for():
    picture = render_formula(formulas(1)[0], seed=0, side=40)
    assert picture.shape == (40, 40, 3)
    assert picture.dtype == np.uint8


def test_every_formula_gives_a_picture_that_is_not_blank():
    spread = [render_formula(formula, 0, 48).std() for formula in formulas(60)]
    assert np.mean(np.array(spread) > 2) > 0.95


def test_pictures_of_one_formula_differ_and_repeat_with_their_seed():
    for formula in formulas(6):
        one = render_formula(formula, 1, 48)
        assert np.array_equal(one, render_formula(formula, 1, 48))
        assert not np.array_equal(one, render_formula(formula, 2, 48))


def test_pictures_of_one_formula_are_more_alike_than_those_of_two():
    # Mean colour and contrast alone must tell formulas apart better than chance.
    def look(formula, seed):
        picture = render_formula(formula, seed, 48).astype(float)
        return np.concatenate([picture.mean((0, 1)), picture.std((0, 1))])

    kinds = formulas(40)
    first, second = (np.array([look(f, seed) for f in kinds]) for seed in (1, 2))
    nearest = np.linalg.norm(first[:, None] - second[None], axis=-1).argmin(axis=1)
    assert np.mean(nearest == np.arange(40)) > 0.5


def test_an_object_lies_on_its_ground():
    formula = next(f for f in formulas(50) if f.mixing == "object")
    plain = replace(
        formula, outline=(0.6,) + (0.0,) * 10, dome=1.0, relief=0.0, unrest=0.0, blur=0.0
    )
    flat = replace(plain, dome=0.0)
    shaded, unshaded = (render_formula(f, 0, 64).astype(int) for f in (plain, flat))
    # The dome darkens the object towards its rim, and nothing outside of it.
    rim, corner = (32, 32 + 18), (2, 2)
    assert np.array_equal(shaded[corner], unshaded[corner])
    assert shaded[rim].sum() < unshaded[rim].sum()


def test_the_number_of_processes_changes_nothing(monkeypatch):
    kinds = formulas(3)
    pool = render_formulas(kinds, variants=2, seed=4, side=32)
    assert pool.shape == (3, 2, 3, 32, 32)
    seeds = np.random.SeedSequence((4, 1)).generate_state(2)
    alone = render_formula(kinds[1], int(seeds[1]), 32)
    assert np.array_equal(pool[1, 1], alone.transpose(2, 0, 1))
