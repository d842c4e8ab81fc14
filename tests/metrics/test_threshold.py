"""Thresholds from held-out good scores."""

import numpy as np
import pytest
from scipy.stats import beta

from helpers.metrics.threshold import threshold_from_good


def test_order_statistic_by_hand():
    scores = np.random.default_rng(0).permutation(np.arange(1, 20))  # 1 … 19
    # 20 gaps, and a rate of 0.1 leaves two of them above: the 18th smallest.
    threshold = threshold_from_good(scores, 0.1)
    assert (threshold.value, threshold.rank, threshold.held_out) == (18, 18, 19)
    assert threshold.expected_false_alarm_rate == pytest.approx(0.1)
    # 0.149 leaves still two gaps: never above what was asked.
    assert threshold_from_good(scores, 0.149).rank == 18
    assert threshold_from_good(scores, 0.15).rank == 17


@pytest.mark.parametrize("n", [*range(1, 120), 391])
def test_rank_is_the_ceiling_in_whole_numbers(n):
    for percent in (1, 5, 7, 10, 29, 50, 95, 99):
        threshold = threshold_from_good(np.arange(n), percent / 100)
        rank = min(-(-(n + 1) * (100 - percent) // 100), n)
        assert threshold.rank == rank
        assert threshold.value == rank - 1


def test_too_few_images_take_the_highest_score_and_say_what_that_gives():
    threshold = threshold_from_good([3.0, 9.0, 5.0], 0.05)
    assert threshold.value == 9
    assert threshold.expected_false_alarm_rate == 0.25
    assert threshold.asked_false_alarm_rate == 0.05
    assert threshold_from_good(range(19), 0.05).expected_false_alarm_rate == pytest.approx(0.05)
    assert threshold_from_good(range(18), 0.05).expected_false_alarm_rate > 0.05


@pytest.mark.parametrize(("n", "rate"), [(40, 0.05), (39, 0.1), (8, 0.05)])
def test_rates_hold_in_simulation(n, rate):
    rng = np.random.default_rng(1)
    realised = []
    for _ in range(4000):
        threshold = threshold_from_good(rng.exponential(size=n), rate)
        realised.append(np.exp(-threshold.value))  # the true rate above it, known in closed form
    expected = threshold.expected_false_alarm_rate
    assert np.mean(realised) == pytest.approx(expected, abs=4 * np.std(realised) / 4000**0.5)
    inside = np.mean((np.array(realised) >= threshold.low) & (np.array(realised) <= threshold.high))
    assert inside == pytest.approx(0.9, abs=0.02)


def test_spread_is_the_beta_distribution():
    threshold = threshold_from_good(np.arange(99), 0.05)
    low, high = beta.ppf([0.05, 0.95], 5, 95)
    assert (threshold.low, threshold.high) == pytest.approx((low, high))
    assert threshold.low < threshold.expected_false_alarm_rate < threshold.high


def test_ties_only_lower_the_rate():
    scores = np.repeat([1.0, 2.0], 50)
    threshold = threshold_from_good(scores, 0.2)
    assert threshold.value == 2
    assert np.mean(scores > threshold.value) <= threshold.expected_false_alarm_rate


def test_float32_scores_are_not_above_their_own_threshold():
    scores = np.random.default_rng(0).random(10, dtype=np.float32)
    threshold = threshold_from_good(scores, 0.05)
    assert not (scores > threshold.value).any()
    assert isinstance(threshold.value, float)


def test_scores_stay_as_they_were():
    scores = np.array([3.0, 1.0, 2.0])
    threshold_from_good(scores)
    assert scores.tolist() == [3, 1, 2]


@pytest.mark.parametrize("rate", [0, 1, -0.1, 5, np.nan])
def test_rate_outside_its_range(rate):
    with pytest.raises(ValueError, match="false_alarm_rate must lie between 0 and 1"):
        threshold_from_good([1.0, 2.0], rate)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([], r"good_scores are empty"),
        ([1.0, np.nan, np.inf], r"good_scores\[1\] is nan; 2 of 3 values"),
        ([[1.0], [2.0]], r"one number an image, got shape \(2, 1\)"),
        (["a", "b"], "must be real numbers"),
    ],
)
def test_bad_scores(scores, message):
    with pytest.raises(ValueError, match=message):
        threshold_from_good(scores)
