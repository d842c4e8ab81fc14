"""A threshold on the image score, chosen on held-out good images alone.

Three mistakes to avoid. A threshold chosen on the test set (the one with the best F1, say) makes
the test result an optimistic guess. A threshold on the scores of the images the detector was
fitted to is too low, because a detector scores what it has seen lower than what it has not. And
the *lowest* score of a good validation set calls nearly every good image defective.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, betaincinv

from helpers.metrics.inputs import check_scores

MARGIN = 1e-9  # keeps (n + 1)(1 - α) from rising just above a whole number by rounding
SPREAD_LEVEL = 0.9


@dataclass(frozen=True)
class Threshold:
    """A threshold and what to expect of the rule "score > value is defective".

    Attributes
    ----------
    value
        The threshold; the ``rank``-th smallest of the held-out scores.
    asked_false_alarm_rate
        The rate that was asked for.
    expected_false_alarm_rate
        The probability that a new good image is called defective, averaged over held-out sets of
        this size. Above the rate asked for, α, when there are fewer than 1/α - 1 images.
    low, high
        Where the false-alarm rate of *this* threshold lies with a probability of 90 %.
    held_out
        Number of held-out good images.
    rank
        Which of the sorted held-out scores it is, counted from 1.
    """

    value: float
    asked_false_alarm_rate: float
    expected_false_alarm_rate: float
    low: float
    high: float
    held_out: int
    rank: int


def conformal_rank(photos: int, false_alarms: float, certainty: float = 0.0) -> int:
    """Return which of the sorted scores is the threshold, counted from 1; 0 if none will do.

    On average: the smallest k with (n + 1 - k) / (n + 1) ≤ α, that is k = ⌈(n + 1)(1 - α)⌉. With a
    certainty δ: the smallest k for which Beta(n + 1 - k, k) lies below α with probability δ or
    more. There is none when k would have to be above n.

    Parameters
    ----------
    photos
        n, how many good photos are scored.
    false_alarms
        α, between 0 and 1.
    certainty
        δ, from 0 (on average) to below 1.

    Raises
    ------
    ValueError
        When a number is out of range.
    """
    check_promise(false_alarms, certainty)
    if photos < 1:
        return 0
    if not certainty:
        rank = max(1, math.ceil((photos + 1) * (1 - false_alarms) - MARGIN))
    else:
        ranks = np.arange(1, photos + 1)
        sure = betainc(photos + 1 - ranks, ranks, false_alarms) >= certainty
        rank = int(ranks[sure][0]) if sure.any() else photos + 1
    return rank if rank <= photos else 0


def rate_range(photos: int, rank: int, level: float = SPREAD_LEVEL) -> tuple[float, float]:
    """Return where the false-alarm rate of one threshold lies with probability ``level``.

    The threshold is the ``rank``-th smallest of the scores of ``photos`` good images: its rate
    follows Beta(n + 1 - k, k) (Wilks, Annals of Mathematical Statistics 12, 1941).
    """
    tails = [(1 - level) / 2, (1 + level) / 2]
    low, high = betaincinv(photos + 1 - rank, rank, tails)
    return float(low), float(high)


def check_promise(false_alarms: float, certainty: float = 0.0) -> None:
    """Raise ``ValueError`` when a rate is not between 0 and 1, or a certainty not below 1."""
    if not 0 < false_alarms < 1:
        raise ValueError(f"false_alarm_rate must lie between 0 and 1, got {false_alarms}.")
    if not 0 <= certainty < 1:
        raise ValueError(f"certainty must be at least 0 and below 1; got {certainty}.")


def threshold_from_good(good_scores: ArrayLike, false_alarm_rate: float = 0.05) -> Threshold:
    """Choose the threshold whose expected false-alarm rate is at most ``false_alarm_rate``.

    With n held-out scores a new good score is equally likely to fall into each of the n + 1 gaps
    between them. So it lies above the k-th smallest with probability (n + 1 - k) / (n + 1), for
    any distribution of the scores, as long as new and held-out images are exchangeable. The
    smallest k that keeps this at or below the asked rate is ⌈(n + 1)(1 - rate)⌉: the quantile of
    split conformal prediction (Vovk, Gammerman & Shafer, Algorithmic Learning in a Random World,
    2005; Angelopoulos & Bates, Foundations and Trends in Machine Learning 16, 2023, sec. 1 and
    3.2). When k would pass n, the highest score is taken and the result says what rate that gives,
    1 / (n + 1).

    The rate of one given threshold varies around the expected one with the held-out set that
    happened to be drawn: it follows a Beta(n + 1 - k, k) distribution (Wilks, Annals of
    Mathematical Statistics 12, 1941). Scores that tie can only lower the rate.

    Parameters
    ----------
    good_scores
        n scores of good images that the detector was not fitted to and that are not test images.
    false_alarm_rate
        Rate asked for, between 0 and 1.

    Raises
    ------
    ValueError
        No score, one that is not finite, more than one dimension, or a rate outside (0, 1).
    """
    scores = check_scores(good_scores, "good_scores")
    n = scores.size
    rank = conformal_rank(n, false_alarm_rate) or n
    low, high = rate_range(n, rank)
    return Threshold(
        value=float(np.sort(scores)[rank - 1]),
        asked_false_alarm_rate=false_alarm_rate,
        expected_false_alarm_rate=(n + 1 - rank) / (n + 1),
        low=low,
        high=high,
        held_out=n,
        rank=rank,
    )
