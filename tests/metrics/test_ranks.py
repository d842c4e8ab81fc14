"""Spearman's ρ by hand, against SciPy, and the coverage of its interval by simulation."""

import numpy as np
import pytest
from scipy.stats import permutation_test, spearmanr

from helpers.metrics import ranks
from helpers.metrics.ranks import rank_correlation

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("second", "rho"),
    [
        # 1 - 6 Σd² / (n³ - n), with n = 5
        ([1, 2, 3, 4, 5], 1.0),
        ([5, 4, 3, 2, 1], -1.0),
        ([2, 1, 3, 4, 5], 1 - 6 * 2 / 120),
        ([3, 2, 1, 4, 5], 1 - 6 * 8 / 120),
        ([2, 3, 1, 5, 4], 1 - 6 * 8 / 120),
    ],
)
def test_rho_by_hand(second, rho):
    found = rank_correlation([0.1, 0.2, 0.4, 0.5, 0.9], second)
    assert found.rho == pytest.approx(rho)
    assert found.n == 5


def test_the_chance_of_a_perfect_order_by_hand():
    # Of the 4! orders two agree or disagree as much: the same one and its reverse.
    assert rank_correlation([1, 2, 3, 4], [10, 20, 30, 40]).chance == 2 / 24


def test_values_matter_by_their_order_alone():
    one, two = RNG.normal(size=9), RNG.normal(size=9)
    assert rank_correlation(one, two) == rank_correlation(np.exp(one), two**3)
    assert rank_correlation(one, two).rho == rank_correlation(two, one).rho
    assert rank_correlation(one, -two).rho == pytest.approx(-rank_correlation(one, two).rho)


@pytest.mark.parametrize("n", [4, 7, 12])
def test_rho_is_scipys_with_ties_too(n):
    for _ in range(20):
        one, two = RNG.integers(0, 6, (2, n)).astype(float)
        if np.ptp(one) and np.ptp(two):
            assert rank_correlation(one, two).rho == pytest.approx(spearmanr(one, two).statistic)


@pytest.mark.parametrize("n", [6, 10])
def test_the_chance_is_scipys(n):
    one = RNG.normal(size=n)
    two = one + RNG.normal(size=n)
    wanted = permutation_test(
        (one,), lambda x: spearmanr(x, two).statistic, permutation_type="pairings",
        n_resamples=1000 if n <= ranks.ALL_ORDERS else 4000, rng=np.random.default_rng(1),
    )  # fmt: skip
    assert rank_correlation(one, two).chance == pytest.approx(wanted.pvalue, abs=0.03)


@pytest.mark.parametrize("n", [6, 8, 12])
@pytest.mark.parametrize("rho", [0.0, 0.5, 0.8])
def test_the_interval_holds_the_true_rho_nineteen_times_of_twenty(n, rho):
    # Of two normal variables of correlation r Spearman's is (6/π) arcsin(r/2) (Kruskal, 1958).
    r = 2 * np.sin(np.pi * rho / 6)
    rng = np.random.default_rng(2)
    draws = rng.multivariate_normal([0, 0], [[1, r], [r, 1]], (4000, n))
    found = [ranks._centred_ranks(x) @ ranks._centred_ranks(y) for x, y in draws.swapaxes(1, 2)]
    intervals = [ranks._interval(float(np.clip(one, -1, 1)), n, 0.95) for one in found]
    held = np.mean([one.low <= rho <= one.high for one in intervals])
    assert 0.93 <= held <= 0.99


def test_a_perfect_rho_has_an_interval_below_it():
    same = rank_correlation(range(8), range(8))
    assert same.rho == same.interval.high == 1
    assert 0.9 < same.interval.low < 1
    reverse = rank_correlation(range(8), range(8, 0, -1))
    assert reverse.interval.low == -1
    assert reverse.interval.high == pytest.approx(-same.interval.low)


def test_wrong_input_is_named():
    with pytest.raises(ValueError, match="4 things or more; got 3"):
        rank_correlation([1, 2, 3], [1, 2, 3])
    with pytest.raises(ValueError, match="all values are the same"):
        rank_correlation([1, 1, 1, 1], [1, 2, 3, 4])
    with pytest.raises(ValueError, match="of one length"):
        rank_correlation([1, 2, 3, 4], [1, 2, 3, 4, 5])
    with pytest.raises(ValueError, match="level must lie between"):
        rank_correlation([1, 2, 3, 4], [1, 2, 3, 4], level=95)
