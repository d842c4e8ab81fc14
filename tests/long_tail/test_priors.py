"""Priors: Bayes' rule by hand, its limits, and calibration before and after."""

import numpy as np
import pytest

from helpers.long_tail.priors import mixed_prior, with_prior
from helpers.metrics.classes import reliability


def test_bayes_rule_by_hand():
    # 9 : 1 in training, alike where it is used: 0.9 / 9 against 0.1 / 1.
    assert with_prior([[0.9, 0.1]], [9, 1], [1, 1]) == pytest.approx(np.array([[0.5, 0.5]]))
    # 0.8 · 3 against 0.2 · 1, from equal shares to 3 : 1.
    found = with_prior([[0.8, 0.2]], [5, 5], [300, 100])
    assert found == pytest.approx(np.array([[2.4 / 2.6, 0.2 / 2.6]]))


def test_the_same_shares_change_nothing_and_the_way_back_is_the_way():
    rng = np.random.default_rng(0)
    p, one, other = rng.dirichlet(np.ones(4), 20), [391, 39, 12, 4], [1, 2, 3, 4]
    assert with_prior(p, one, np.array(one) / 446) == pytest.approx(p)
    assert with_prior(with_prior(p, one, other), other, one) == pytest.approx(p)
    assert with_prior(p, one, other).sum(1) == pytest.approx(np.ones(20))


def test_certain_answers_stay_certain():
    assert with_prior(np.eye(2), [1e6, 1], [1, 1]).tolist() == np.eye(2).tolist()


def test_what_is_well_calibrated_for_one_mix_is_so_for_another_after_the_correction():
    # Two Gaussians a distance of 2 apart, whose true posterior is known for every mix.
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 20_000)
    x = rng.normal(2.0 * labels - 1, 1)
    common = 1 / (1 + np.exp(2 * x) / 50)
    trained_on_50_to_1 = np.stack([common, 1 - common], 1)
    before = reliability(labels, trained_on_50_to_1).error
    after = reliability(labels, with_prior(trained_on_50_to_1, [50, 1], [1, 1])).error
    assert before > 0.2 and after < 0.01


def test_the_mean_label_of_balanced_mixup():
    # α = 1: half of either, so (0.9 + 0.5) / 2 and (0.1 + 0.5) / 2.
    assert mixed_prior([9, 1], 1.0) == pytest.approx([0.7, 0.3])
    assert mixed_prior([9, 1], 1e-9) == pytest.approx([0.9, 0.1])
    assert mixed_prior([9, 1], 1e9) == pytest.approx([0.5, 0.5])


def test_bad_input():
    with pytest.raises(ValueError, match="N×K"):
        with_prior([0.5, 0.5], [1, 1], [1, 1])
    with pytest.raises(ValueError, match="trained must be 2 positive numbers"):
        with_prior([[0.5, 0.5]], [1, 0], [1, 1])
    with pytest.raises(ValueError, match="wanted must be 2 positive numbers"):
        with_prior([[0.5, 0.5]], [1, 1], [1, 1, 1])
    with pytest.raises(ValueError, match="finite sum above 0"):
        with_prior([[0.0, 0.0]], [1, 1], [1, 1])
    with pytest.raises(ValueError, match="finite sum above 0"):
        with_prior([[np.nan, 0.5]], [1, 1], [1, 1])
    with pytest.raises(ValueError, match="alpha must be positive"):
        mixed_prior([9, 1], 0)
    with pytest.raises(ValueError, match="counts must be 2 positive"):
        mixed_prior([9, 0], 1)
