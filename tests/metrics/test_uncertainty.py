"""Variances of an AUROC and what is made of them."""

import numpy as np
import pytest
from scipy import stats

from helpers.metrics import uncertainty
from helpers.metrics.image import image_auroc
from helpers.metrics.uncertainty import (
    difference_interval,
    image_variances,
    mean_interval,
    model_variance,
    placements,
    quantile,
    seed_variance,
)

LABELS = np.repeat([0, 1], [40, 70])


def drawn(seed, gain=1.5):
    return np.random.default_rng(seed).normal(size=110) + gain * LABELS


def test_placements_by_hand():
    # Good 1 and 2, defective 2 and 3: one tie.
    parts = placements(np.array([0, 0, 1, 1]), np.array([1.0, 2.0, 2.0, 3.0]))
    assert parts.good.tolist() == [1, 0.75]
    assert parts.defective.tolist() == [0.75, 1]
    assert parts.auroc == 0.875


@pytest.mark.parametrize("decimals", [0, 8])
def test_placements_are_shares_of_pairs_and_average_to_the_auroc(decimals):
    scores = drawn(0).round(decimals)
    good, defective = scores[:40], scores[40:]
    order = (defective[:, None] > good) + 0.5 * (defective[:, None] == good)
    parts = placements(LABELS, scores)
    assert parts.good == pytest.approx(order.mean(axis=0))
    assert parts.defective == pytest.approx(order.mean(axis=1))
    assert parts.auroc == pytest.approx(image_auroc(LABELS, scores))
    assert parts.good.mean() == pytest.approx(parts.auroc)


def test_delongs_variance_is_that_over_test_sets():
    found = [placements(LABELS, drawn(seed)) for seed in range(1000)]
    estimated = np.mean([sum(image_variances(parts)) for parts in found])
    assert estimated == pytest.approx(np.var([parts.auroc for parts in found]), rel=0.12)


def test_the_variance_of_a_share_is_a_binomials():
    # Good images all score 0; so the AUROC is the share of defective ones above.
    labels, scores = np.repeat([0, 1], [5, 100]), np.repeat([0.0, -1.0, 1.0], [5, 50, 50])
    by_good, by_defective = image_variances(placements(labels, scores))
    assert by_good == 0
    assert by_defective == pytest.approx(0.5 * 0.5 / 99)


def test_pseudo_images_by_hand():
    # Two defective images without any spread: ½² / (2 - 1 + 1) / 2.
    parts = placements(np.array([0, 0, 1, 1]), np.array([1.0, 1.0, 2.0, 2.0]))
    assert image_variances(parts) == (0, 0)
    assert image_variances(parts, 1) == (0.0625, 0.0625)


def test_the_model_is_hanley_and_mcneils_where_the_classes_are_equal():
    # Their formula for A = 0.8 and 30 of each: Q1 = A / (2 - A), Q2 = 2 A² / (1 + A).
    auroc, size = 0.8, 30
    q1, q2 = auroc / (2 - auroc), 2 * auroc**2 / (1 + auroc)
    theirs = auroc * (1 - auroc) + (size - 1) * (q1 - auroc**2 + q2 - auroc**2)
    assert model_variance(auroc, size, size) == pytest.approx(theirs / size**2)
    assert model_variance(1, 40, 70) == model_variance(0, 40, 70) == 0
    assert model_variance(0.3, 40, 70) == pytest.approx(model_variance(0.7, 40, 70))


def test_the_ends_are_q_deviations_from_the_mean():
    parts = placements(LABELS, drawn(1, gain=2))
    interval = mean_interval([parts], 0.9)
    modelled = model_variance(parts.auroc, 40, 70)
    ratio = max(1, sum(image_variances(parts)) / modelled)
    for end in (interval.low, interval.high):
        deviation = np.sqrt(ratio * model_variance(end, 40, 70))
        assert abs(end - parts.auroc) / deviation == pytest.approx(1.644854, abs=1e-5)


def test_quantile_knows_its_limits():
    assert quantile([(1.0, np.inf)]) == pytest.approx(1.959964)
    assert quantile([(0.0, 2), (0.0, 2)]) == pytest.approx(1.959964)
    assert quantile([(1.0, 2)]) == pytest.approx(stats.t.ppf(0.975, 2))
    # Welch: two equal variances of two degrees of freedom have four.
    assert quantile([(1.0, 2), (1.0, 2)]) == pytest.approx(stats.t.ppf(0.975, 4))
    for level in (0, 1, np.nan):
        with pytest.raises(ValueError, match="level must lie between 0 and 1"):
            quantile([(1.0, 2)], level)


def test_seed_variance_is_that_of_the_mean():
    assert seed_variance([0.7, 0.8, 0.9]) == pytest.approx(0.01 / 3)
    assert seed_variance([0.7]) == 0


def test_a_difference_without_pseudo_images_is_delongs(monkeypatch):
    monkeypatch.setattr(uncertainty, "PSEUDO_IMAGES", 0)
    one, other = placements(LABELS, drawn(2)), placements(LABELS, drawn(2) + drawn(3, gain=0))
    interval = difference_interval([one], [other])
    deviation = np.sqrt(sum(image_variances(one - other)))
    half = (interval.high - interval.low) / 2
    assert 1.95 < half / deviation < 2.03
    assert (interval.high + interval.low) / 2 == pytest.approx(one.auroc - other.auroc)
