"""A threshold on good photos alone, with a promise that holds for a finite number of them.

Split conformal prediction (Vovk, Gammerman & Shafer, Algorithmic Learning in a Random World, 2005;
Angelopoulos & Bates, Foundations and Trends in Machine Learning 16, 2023) asks one thing: that new
good photos and those that the threshold is chosen on come from the same source, in any order.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import betainc

from helpers.metrics.inputs import check_scores
from helpers.metrics.threshold import MARGIN, check_promise, conformal_rank, rate_range

HELD_OUT, FOLDS = "held-out photos", "folds"


@dataclass(frozen=True)
class Promise:
    """A threshold for the rule "score > threshold is odd", and what it promises of good photos.

    Attributes
    ----------
    threshold
        The ``rank``-th smallest of ``photos`` scores.
    false_alarms
        The share of good photos that may be called odd, as it was asked for.
    certainty
        0 when that share holds on average over the photos that were held out; else the least
        probability with which it holds for the threshold at hand.
    rank, photos
        Which of how many scores it is.
    source
        `HELD_OUT`: scores of photos that the detector has not seen, and all above holds. `FOLDS`:
        each photo scored by a detector fitted without its fold, while the one that is used has
        seen all of them. Then no such promise is proven without further assumptions (Barber,
        Candès, Ramdas & Tibshirani, Annals of Statistics 49, 2021, on the jackknife).
    """

    threshold: float
    false_alarms: float
    certainty: float
    rank: int
    photos: int
    source: str = HELD_OUT

    def __post_init__(self) -> None:
        if not math.isfinite(self.threshold) or not 1 <= self.rank <= self.photos:
            raise ValueError(f"{self.rank} of {self.photos} scores is no finite threshold.")
        check_promise(self.false_alarms, self.certainty)
        if self.source not in (HELD_OUT, FOLDS):
            raise ValueError(f"a promise rests on {HELD_OUT} or {FOLDS}, not on {self.source!r}.")

    @property
    def on_average(self) -> float:
        """The share of new good photos above the threshold, averaged over such thresholds."""
        return (self.photos + 1 - self.rank) / (self.photos + 1)

    def chance_below(self, share: float) -> float:
        """Return the probability that this threshold calls at most ``share`` of good photos odd.

        The share follows Beta(n + 1 - k, k) for the k-th smallest of n scores without ties (Wilks,
        Annals of Mathematical Statistics 12, 1941; Vovk, ACML 2012).
        """
        return float(betainc(self.photos + 1 - self.rank, self.rank, share))

    def range(self, level: float = 0.9) -> tuple[float, float]:
        """Return where the share of this threshold lies with probability ``level``."""
        return rate_range(self.photos, self.rank, level)

    def sentence(self) -> str:
        """Say what is promised, and what is not."""
        low, high = self.range()
        if self.source == FOLDS:
            return (
                f"About {one_in(self.on_average)} new good photos is called odd. This is no proof: "
                f"each of {self.photos} good photos was scored without its fold, and the detector "
                "in use has seen them all. More good photos make it a promise."
            )
        if self.certainty:
            return (
                f"With a probability of {self.chance_below(self.false_alarms):.1%}, at most "
                f"{self.false_alarms:.3g} of all new good photos are called odd, because "
                f"{self.photos} good photos were held out; as long as new ones are taken as they "
                "were."
            )
        return (
            f"At most {one_in(self.on_average)} new good photos is called odd, on average over the "
            f"{self.photos} good photos that happened to be held out; as long as new ones are "
            f"taken as they were. With these {self.photos}, the share lies between {low:.1%} and "
            f"{high:.1%} (with a probability of 90 %)."
        )


def one_in(share: float) -> str:
    """Return a share as people say it.

    Examples
    --------
    >>> one_in(0.05), one_in(2 / 41)
    ('1 in 20', '1 in 20.5')
    """
    return f"1 in {round(1 / share, 1):g}"


def photos_needed(false_alarms: float, certainty: float = 0.0) -> int:
    """Return the least number of good photos with which the promise can be given.

    On average ⌈1/α⌉ - 1; with certainty δ the smallest n with (1 - α)ⁿ ≤ 1 - δ.

    Examples
    --------
    >>> [photos_needed(1 / n) for n in (10, 20, 100, 1000)]
    [9, 19, 99, 999]
    >>> photos_needed(0.05, certainty=0.95)
    59
    """
    check_promise(false_alarms, certainty)
    if not certainty:
        return max(1, math.ceil(1 / false_alarms - MARGIN) - 1)
    return max(1, math.ceil(math.log(1 - certainty) / math.log(1 - false_alarms) - MARGIN))


def needed_table(
    shares: ArrayLike = (1 / 10, 1 / 20, 1 / 100, 1 / 1000),
    certainties: ArrayLike = (0.9, 0.95),
) -> pd.DataFrame:
    """Return how many good photos each promise takes, one row a share of false alarms."""
    return pd.DataFrame(
        {
            "on average": [photos_needed(share) for share in shares],
            **{
                f"with {certainty:.0%} certainty": [photos_needed(s, certainty) for s in shares]
                for certainty in certainties
            },
        },
        index=pd.Index([one_in(share) for share in shares], name="false alarms"),
    )


def conformal_threshold(
    good_scores: ArrayLike,
    false_alarms: float = 0.05,
    certainty: float = 0.0,
    source: str = HELD_OUT,
) -> Promise:
    """Choose the threshold on scores of good photos that keeps the promise.

    Parameters
    ----------
    good_scores
        n scores, by a detector that was fitted to none of the photos they are of.
    false_alarms, certainty
        What is to be promised; see `conformal_rank`.
    source
        Where the scores are from; see `Promise`.

    Raises
    ------
    ValueError
        When there are too few scores for the promise, one is not finite, or a number is out of
        range. No threshold is better than one that promises nothing.
    """
    scores = np.sort(check_scores(good_scores, "good_scores"))
    rank = conformal_rank(scores.size, false_alarms, certainty)
    if not rank:
        best = max(1 / (scores.size + 1), 1e-12)
        if certainty:
            best = 1 - (1 - certainty) ** (1 / scores.size)
        raise ValueError(
            f"{scores.size} scores of good photos cannot promise {one_in(false_alarms)} false "
            f"alarms{f' with a certainty of {certainty:.0%}' if certainty else ''}: it takes "
            f"{photos_needed(false_alarms, certainty)}. Take more good photos, or accept "
            f"{one_in(best)}."
        )
    return Promise(float(scores[rank - 1]), false_alarms, certainty, rank, scores.size, source)
