import math

import numpy as np
import pytest

from helpers.inspection.conformal import (
    FOLDS,
    Promise,
    conformal_threshold,
    needed_table,
    photos_needed,
)
from helpers.metrics.threshold import conformal_rank


@pytest.mark.parametrize("alpha", [0.5, 0.2, 0.1, 0.05, 0.01])
@pytest.mark.parametrize("certainty", [0.0, 0.5, 0.9, 0.95])
def test_the_least_number_of_photos_is_the_least_for_which_there_is_a_rank(alpha, certainty):
    n = photos_needed(alpha, certainty)
    assert conformal_rank(n, alpha, certainty) == n
    assert conformal_rank(n - 1, alpha, certainty) == 0


def test_known_numbers_of_photos():
    assert [photos_needed(1 / n) for n in (10, 100, 1000)] == [9, 99, 999]
    assert photos_needed(0.05, 0.95) == 59  # the well-known one: 0.95 ** 59 < 0.05
    assert needed_table().loc["1 in 100", "on average"] == 99


@pytest.mark.parametrize("n", [1, 19, 20, 59, 200])
def test_the_rank_is_the_smallest_that_keeps_the_promise_on_average(n):
    for alpha in (0.5, 0.1, 0.05):
        if rank := conformal_rank(n, alpha):
            assert rank == math.ceil((n + 1) * (1 - alpha) - 1e-9)
            assert (n + 1 - rank) / (n + 1) <= alpha + 1e-12 < (n + 2 - rank) / (n + 1)


@pytest.mark.parametrize(("n", "alpha", "certainty"), [(20, 0.1, 0.0), (59, 0.05, 0.95)])
def test_the_promise_holds_over_draws_of_any_scores(n, alpha, certainty):
    # For uniform scores the share above a threshold t is 1 - t; other scores are the same ranks.
    draws = np.random.default_rng(0).random((4000, n))
    promises = [conformal_threshold(row, alpha, certainty) for row in draws]
    share = np.array([1 - p.threshold for p in promises])
    assert abs(share.mean() - promises[0].on_average) < 4 * share.std() / math.sqrt(len(share))
    for bound in (alpha, *promises[0].range()):
        expected = promises[0].chance_below(bound)
        spread = math.sqrt(expected * (1 - expected) / len(share))
        assert abs((share <= bound).mean() - expected) < 4 * spread
    assert promises[0].chance_below(alpha) >= certainty


def test_ties_only_lower_the_share():
    promise = conformal_threshold([1.0] * 19, 0.05)
    assert promise.threshold == 1.0  # a new score of 1 is not above it


@pytest.mark.parametrize(("n", "certainty", "told"), [(18, 0, "it takes 19"), (58, 0.95, "59")])
def test_too_few_scores_are_refused_with_what_could_be_promised(n, certainty, told):
    with pytest.raises(ValueError, match=told):
        conformal_threshold(np.arange(n), 0.05, certainty)
    with pytest.raises(ValueError, match="or accept 1 in 1"):
        conformal_threshold(np.arange(n), 0.05, certainty)


def test_the_sentences_say_what_is_promised():
    scores = np.arange(59.0)
    assert "on average over the 59 good photos" in conformal_threshold(scores).sentence()
    sure = conformal_threshold(scores, certainty=0.95).sentence()
    assert "With a probability of 95.2%, at most 0.05" in sure
    assert "This is no proof" in conformal_threshold(scores, source=FOLDS).sentence()


@pytest.mark.parametrize(
    "wrong",
    [
        {"false_alarms": 0},
        {"false_alarms": 1},
        {"certainty": 1},
        {"certainty": -0.1},
        {"threshold": float("inf")},
        {"rank": 60},
        {"rank": 0},
        {"source": "hope"},
    ],
)
def test_impossible_promises_are_refused(wrong):
    with pytest.raises(ValueError):
        Promise(
            **(
                {"threshold": 1, "false_alarms": 0.05, "certainty": 0}
                | {"rank": 57, "photos": 59}
                | wrong
            )
        )
