"""Whether two measurements put the same methods in the same order."""

from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm, rankdata

from helpers.metrics.image import LEVEL, Interval
from helpers.metrics.inputs import check_same_length, check_scores

FEWEST = 4  # the interval divides by n - 3
ALL_ORDERS = 8  # up to so many methods every order is tried: 8! = 40320
DRAWN_ORDERS = 20_000
DECIMALS, ROUNDING = 12, 1e-9  # the same order gives 1 and nothing near it


@dataclass(frozen=True)
class RankCorrelation:
    """How well two orders of the same n things agree.

    Attributes
    ----------
    rho
        Spearman's ρ: 1 for the same order, -1 for the reverse, 0 for none in common.
    interval
        For other things of the same kind.
    chance
        Share of all orders that agree or disagree as much: the two-sided permutation p-value.
    n
        How many things.
    """

    rho: float
    interval: Interval
    chance: float
    n: int


def rank_correlation(first: ArrayLike, second: ArrayLike, level: float = LEVEL) -> RankCorrelation:
    """Compare two orders by Spearman's ρ, the correlation of the ranks; ties share their mean rank.

    The interval is Fisher's, tanh(artanh ρ ± z s), with the variance of Bonett and Wright,
    s² = (1 + ρ²/2) / (n - 3) (Psychometrika 65, 2000), which keeps its level with few things. At
    ρ = ±1 it would have no width; there ρ is drawn in by half the smallest step that two swapped
    ranks make, 12 / (n³ - n). It speaks of other methods, taken as a sample, and not of other
    images.

    Parameters
    ----------
    first, second
        n finite numbers each, of the same things.
    level
        Of the interval, between 0 and 1.

    Raises
    ------
    ValueError
        When lengths differ, there are fewer than 4 things, a number is not finite, or one of the
        two holds but one value.
    """
    first, second = check_scores(first, "first"), check_scores(second, "second")
    check_same_length("first", first, "second", second)
    n = first.size
    if n < FEWEST:
        raise ValueError(f"an interval for ρ needs {FEWEST} things or more; got {n}.")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        raise ValueError("all values are the same; there is no order to compare.")
    one, two = _centred_ranks(first), _centred_ranks(second)
    rho = float(np.clip(round(one @ two, DECIMALS), -1, 1))
    return RankCorrelation(rho, _interval(rho, n, level), _chance(one, two, rho), n)


def _centred_ranks(values: np.ndarray) -> np.ndarray:
    """Return ranks of mean 0 and length 1, so that their product is a correlation."""
    ranks = rankdata(values)
    ranks -= ranks.mean()
    return ranks / np.linalg.norm(ranks)


def _interval(rho: float, n: int, level: float) -> Interval:
    most = 1 - 6 / (n**3 - n)
    inside = float(np.clip(rho, -most, most))
    half = norm.ppf((1 + level) / 2) * np.sqrt((1 + inside**2 / 2) / (n - 3))
    low, high = np.tanh(np.arctanh(inside) + np.array([-half, half]))
    return Interval(float(min(low, rho)), float(max(high, rho)), level)


def _chance(one: np.ndarray, two: np.ndarray, rho: float) -> float:
    n = one.size
    if n <= ALL_ORDERS:
        orders = np.array(list(permutations(range(n))))
    else:
        rng = np.random.default_rng(0)
        orders = rng.permuted(np.tile(np.arange(n), (DRAWN_ORDERS, 1)), axis=1)
    as_much = np.abs(two[orders] @ one) >= abs(rho) - ROUNDING
    # Of drawn orders the observed one is one more, so that no chance is 0.
    return float((as_much.sum() + (n > ALL_ORDERS)) / (len(orders) + (n > ALL_ORDERS)))
