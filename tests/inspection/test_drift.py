"""The bet against the scores of good parts: its false-alarm rate first."""

import numpy as np
import pytest
from scipy import stats

from helpers.inspection.drift import capital, first_alarm, rank_p_values

RUNS, PARTS = 400, 300


def watched(rng, known, shift=0.0):
    scores = rng.exponential(size=known + PARTS)
    scores[known:] += shift
    return capital(rank_p_values(scores[:known], scores[known:], int(rng.integers(2**31))))


def test_p_values_are_uniform_and_independent_without_a_change():
    rng = np.random.default_rng(0)
    # Few scores, many of them equal: exact all the same.
    values = [rank_p_values(rng.integers(0, 3, 4), rng.integers(0, 3, 6), s) for s in range(1500)]
    assert stats.kstest(np.concatenate(values), "uniform").pvalue > 0.01
    pairs = np.array(values)
    assert abs(np.corrcoef(pairs[:, 0], pairs[:, 1])[0, 1]) < 0.08
    assert abs(np.corrcoef(pairs[:, 4], pairs[:, 5])[0, 1]) < 0.08


def test_the_false_alarm_rate_is_at_most_what_was_promised():
    rng = np.random.default_rng(1)
    alarms = sum(first_alarm(watched(rng, 20), 0.05) is not None for _ in range(RUNS))
    # More than this has a probability of 1 % where 0.05 is the true rate.
    assert alarms <= stats.binom.ppf(0.99, RUNS, 0.05)


def test_the_capital_is_a_martingale():
    # Whatever the bets stand at, a uniform p-value leaves the capital the same on average.
    before = np.array([0.1, 0.9, 0.2, 0.05])
    grid = (np.arange(1000) + 0.5) / 1000
    after = np.mean([capital([*before, value])[-1] for value in grid])
    assert after == pytest.approx(capital(before)[-1])


@pytest.mark.parametrize("shift", [1.0, -0.7])
def test_a_change_up_or_down_is_found(shift):
    rng = np.random.default_rng(2)
    found = [first_alarm(watched(rng, 60, shift)) for _ in range(40)]
    assert sum(alarm is not None for alarm in found) > 32
    assert np.median([alarm for alarm in found if alarm]) < 80


def test_low_p_values_stand_for_high_scores():
    values = rank_p_values(np.arange(100.0), [1000.0, -1000.0])
    assert values[0] < 0.01 < 0.99 < values[1]


def test_alarms_are_counted_in_parts():
    assert first_alarm([1, 99, 100, 50]) == 3
    assert first_alarm([1, 99]) is None


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="known"):
        rank_p_values([np.nan], [1.0])
    with pytest.raises(ValueError, match="p-values"):
        capital([1.5])
    with pytest.raises(ValueError, match="false_alarm_rate"):
        first_alarm([1.0], 0)
