"""Has the line changed? A bet against the scores of good parts, with a stated false-alarm rate.

While nothing changes, a new good part is as likely as any other to have the highest score, the
second highest, and so on: the p-values of its rank are uniform and independent. Whoever bets on
them then has no way to win on average, so a capital that has grown a hundredfold says that
something has changed, wrongly in at most one line of a hundred, however long one watches.

Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World" (2nd edition 2022, chapter 8);
the bet is the Simple Jumper of Vovk et al., "Retrain or not retrain: conformal test martingales for
change-point detection" (COPA 2021, PMLR 152, section 3).
"""

import numpy as np
from numpy.typing import ArrayLike

from helpers.metrics.inputs import check_scores

BETS = np.array([-1.0, 0.0, 1.0])  # on high scores, on nothing, on low scores
JUMP = 0.01  # probability to change the bet at each part


def rank_p_values(known: ArrayLike, new: ArrayLike, seed: int = 0) -> np.ndarray:
    """Return for each new score the share of all scores so far that are as high or higher.

    Ties, its own with itself among them, count by a random share, so that without a change the
    p-values are exactly uniform and independent.

    Parameters
    ----------
    known
        Scores of good parts that the detector was not fitted to.
    new
        Scores of good parts, in the order they came.
    seed
        Of the random shares.

    Returns
    -------
    numpy.ndarray
        Between 0 and 1, one a new score: small for high scores.

    Raises
    ------
    ValueError
        When there is no score, or one is not finite.
    """
    known, new = check_scores(known, "known"), check_scores(new, "new")
    scores = np.concatenate([known, new])
    shares = np.random.default_rng(seed).random(new.size)
    values = np.empty(new.size)
    for place, share in enumerate(shares):
        so_far, own = scores[: known.size + place + 1], new[place]
        values[place] = ((so_far > own).sum() + share * (so_far == own).sum()) / so_far.size
    return values


def capital(p_values: ArrayLike, jump: float = JUMP) -> np.ndarray:
    """Return what a capital of 1 has become after each p-value.

    It is spread over three bets, which pay 1 + b (p − ½) for b = −1, 0 and 1: on low p-values, on
    none, on high ones. Before each part a share ``jump`` of it is spread anew, so that a late
    change finds every bet with something to win with.

    Raises
    ------
    ValueError
        When a p-value or ``jump`` does not lie between 0 and 1.
    """
    values = np.asarray(p_values, float)
    if values.ndim != 1 or not ((values >= 0) & (values <= 1)).all() or not 0 <= jump <= 1:
        raise ValueError("p-values, in one dimension, and jump must lie between 0 and 1.")
    stakes, path = np.full(len(BETS), 1 / len(BETS)), np.empty(values.size)
    for place, value in enumerate(values):
        stakes = (1 - jump) * stakes + jump * stakes.mean()
        stakes = stakes * (1 + BETS * (value - 0.5))
        path[place] = stakes.sum()
    return path


def first_alarm(path: ArrayLike, false_alarm_rate: float = 0.01) -> int | None:
    """Return after how many parts the capital first reaches 1 / ``false_alarm_rate``, if it does.

    Without a change it ever does so with a probability of at most ``false_alarm_rate`` (Ville's
    inequality).

    Raises
    ------
    ValueError
        When the rate does not lie between 0 and 1.
    """
    if not 0 < false_alarm_rate < 1:
        raise ValueError(f"false_alarm_rate must lie between 0 and 1; got {false_alarm_rate}.")
    reached = np.flatnonzero(np.asarray(path) >= 1 / false_alarm_rate)
    return int(reached[0]) + 1 if reached.size else None
