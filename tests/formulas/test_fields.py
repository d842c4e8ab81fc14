from dataclasses import replace

import numpy as np
import pytest

from helpers.formulas.fields import FAMILIES, TABLE, Field, noise, values

FIELD = Field(
    family="stripes",
    wavelength=8.0,
    angle=0.0,
    squash=1.0,
    profile=0.3,
    disorder=0.0,
    order=0,
    warp=0.0,
    warp_wavelength=2.0,
    seed=5,
)


def positions(side=64):
    line = np.arange(side, dtype=np.float32)
    return np.meshgrid(line, line)


def drawn(seed=0, **changes):
    return values(replace(FIELD, **changes), *positions(), np.random.default_rng(seed))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_gives_values_from_0_to_1_that_vary(family):
    for order in range(6):
        picture = drawn(family=family, order=order, disorder=0.4, warp=0.3)
        assert picture.shape == (64, 64)
        assert picture.dtype == np.float32
        assert picture.min() >= 0
        assert picture.max() <= 1
        assert picture.std() > 0.01


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_seed_gives_the_same_picture_and_another_seed_another(family):
    assert np.array_equal(drawn(1, family=family), drawn(1, family=family))
    assert not np.array_equal(drawn(1, family=family), drawn(2, family=family))


@pytest.mark.parametrize("family", ["stripes", "lattice", "dots", "shapes"])
def test_a_regular_pattern_repeats_after_its_wavelength(family):
    picture = drawn(family=family)
    assert np.allclose(picture[:, :-8], picture[:, 8:], atol=1e-3)
    assert not np.allclose(picture[:, :-4], picture[:, 4:], atol=0.1)


def test_stripes_run_across_their_direction():
    upright = drawn(angle=0.0)
    assert np.allclose(upright, upright[:1], atol=1e-6)
    level = drawn(angle=np.pi / 2)
    assert np.allclose(level, level[:, :1], atol=1e-3)


def test_a_broader_profile_covers_more():
    covered = [drawn(profile=p).mean() for p in (0.0, 0.5, 1.0)]
    assert covered == sorted(covered)
    assert covered[-1] > 3 * covered[0]


def test_squash_makes_repeats_longer_along_one_direction():
    picture = drawn(family="dots", squash=0.5)
    assert np.allclose(picture[:-16], picture[16:], atol=1e-3)
    assert not np.allclose(picture[:-8], picture[8:], atol=0.1)


def test_disorder_breaks_the_repetition():
    picture = drawn(family="dots", disorder=1.0)
    assert np.abs(picture[:, :-8] - picture[:, 8:]).mean() > 0.05


def test_warping_bends_stripes():
    picture = drawn(warp=1.0)
    assert np.abs(picture - picture[:1]).mean() > 0.05


def test_cells_lie_round_their_points():
    # Without disorder the points are the middles of a square grid: walls repeat with it, and a
    # wall is as far from one point as from the next.
    picture = drawn(family="cells", order=0, wavelength=16.0)
    assert np.allclose(picture[:, :-16], picture[:, 16:], atol=1e-3)
    assert picture.max() == 1
    assert picture.min() < 0.3


def test_a_fractal_is_the_same_for_one_seed_of_the_field_and_another_for_another():
    rng = lambda: np.random.default_rng(0)  # noqa: E731
    one = values(replace(FIELD, family="fractal", seed=1), *positions(), rng())
    two = values(replace(FIELD, family="fractal", seed=2), *positions(), rng())
    assert np.abs(one - two).mean() > 0.02


def test_noise_takes_the_tables_values_at_whole_places_and_lies_between_them_elsewhere():
    table = np.random.default_rng(3).random((TABLE, TABLE), dtype=np.float32)
    i, j = np.meshgrid(np.arange(5.0), np.arange(4.0))
    assert np.allclose(noise(i, j, np.random.default_rng(3)), table[:5, :4].T)
    middle = noise(i + 0.5, j, np.random.default_rng(3))
    assert np.allclose(middle, (table[:5, :4].T + table[1:6, :4].T) / 2, atol=1e-6)


def test_noise_repeats_with_its_table():
    u, v = positions(8)
    first = noise(u / 3, v / 3, np.random.default_rng(0))
    again = noise(u / 3 + TABLE, v / 3 - TABLE, np.random.default_rng(0))
    assert np.allclose(first, again, atol=1e-4)
