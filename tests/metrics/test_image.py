"""Image-level metrics and their bootstrap."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_curve

from helpers.metrics.image import (
    Confusion,
    auroc_interval,
    auroc_per_defect,
    confusion_at,
    image_auroc,
    image_report,
    paired_difference,
    roc_curve_with_band,
)

LABELS = np.repeat([0, 1], [40, 70])


def drawn(seed, gain=1.5, labels=LABELS):
    """Normal scores; the defective ones are shifted by ``gain``."""
    return np.random.default_rng(seed).normal(size=labels.size) + gain * labels


def reported(labels, scores):
    return image_report(np.where(np.asarray(labels) == 1, "hole", "good"), scores, 0.5)


def share_of_pairs(good, defective):
    return np.mean((defective[:, None] > good) + 0.5 * (defective[:, None] == good))


def delong_deviation(labels, scores):
    """Compute DeLong's standard deviation of the AUROC from the two sets of placements."""
    good, defective = scores[labels == 0], scores[labels == 1]
    wins = (defective[:, None] > good) + 0.5 * (defective[:, None] == good)
    return np.sqrt(
        wins.mean(axis=1).var(ddof=1) / defective.size + wins.mean(axis=0).var(ddof=1) / good.size
    )


# --- the area ------------------------------------------------------------------------------------


def test_auroc_by_hand():
    # Pairs: 3 beats 1 and 2; 2 beats 1 and ties with 2.
    assert image_auroc([0, 0, 1, 1], [1, 2, 2, 3]) == pytest.approx(3.5 / 4)
    assert image_auroc([0, 0, 1, 1], [1, 2, 3, 4]) == 1
    assert image_auroc([1, 1, 0, 0], [1, 2, 3, 4]) == 0
    assert image_auroc([0, 1, 0], [5, 5, 5]) == 0.5
    assert image_auroc([False, True], [0.1, 0.2]) == 1


def test_one_swapped_pair_costs_one_of_2800():
    scores = np.arange(110.0)
    scores[[39, 40]] = scores[[40, 39]]
    assert image_auroc(LABELS, scores) == pytest.approx(1 - 1 / 2800)


@pytest.mark.parametrize("levels", [2, 5, 1000])
def test_auroc_is_the_share_of_pairs(levels):
    rng = np.random.default_rng(levels)
    scores = rng.integers(0, levels, 110)
    labels = rng.permutation(LABELS)
    pairs = share_of_pairs(scores[labels == 0], scores[labels == 1])
    assert image_auroc(labels, scores) == pytest.approx(pairs, abs=1e-12)


def test_auroc_per_defect():
    defects = np.array(["good", "hole", "good", "crack", "hole", "good"])
    scores = [1, 2, 3, 4, 5, 2]
    assert auroc_per_defect(defects, scores) == {
        "crack": 1.0,
        "hole": pytest.approx((1.5 + 3) / 6),
    }
    assert list(auroc_per_defect(defects, scores)) == ["crack", "hole"]


def test_average_precision_by_hand():
    # From the top: hit, miss, hit. Precision 1 and 2/3, each for half the recall.
    assert reported([0, 1, 0, 1], [1, 2, 3, 4]).average_precision == pytest.approx((1 + 2 / 3) / 2)
    assert reported([0, 1, 1], [1, 2, 3]).average_precision == 1
    scores = drawn(0)
    expected = average_precision_score(LABELS, scores)
    assert reported(LABELS, scores).average_precision == expected


def test_a_report_holds_what_the_single_metrics_give():
    scores, defects = drawn(5), np.repeat(["good", "hole", "crack"], [40, 30, 40])
    report = image_report(defects, scores, 0.5)
    assert report.auroc == image_auroc(LABELS, scores)
    assert report.auroc_interval == auroc_interval(LABELS, scores)
    assert report.auroc_per_defect == auroc_per_defect(defects, scores)
    assert report.confusion == confusion_at(LABELS, scores, 0.5)


# --- at a threshold ------------------------------------------------------------------------------


def test_confusion_and_f1_by_hand():
    labels, scores = [0, 0, 0, 1, 1, 1], [1, 2, 9, 2, 5, 6]
    # A score equal to the threshold is not above it.
    assert confusion_at(labels, scores, 2) == Confusion(tn=2, fp=1, fn=1, tp=2)
    assert confusion_at(labels, scores, 2).f1 == pytest.approx(2 / 3)
    assert confusion_at(labels, scores, 1.5).f1 == pytest.approx(3 / 4)
    assert confusion_at(labels, scores, 9).f1 == 0
    assert confusion_at(labels, scores, -np.inf).f1 == pytest.approx(2 / 3)
    assert confusion_at([0, 0], [1, 3], 2) == Confusion(tn=1, fp=1, fn=0, tp=0)


def test_f1_agrees_with_scikit_learn():
    scores = drawn(1)
    for threshold in (-1, 0.5, 2):
        assert confusion_at(LABELS, scores, threshold).f1 == pytest.approx(
            f1_score(LABELS, scores > threshold)
        )


def test_float32_scores_at_their_own_threshold():
    scores = np.float32([0.1, 0.2, 0.3])
    assert confusion_at([0, 0, 1], scores, float(scores[1])).tp == 1
    assert confusion_at([0, 0, 1], scores, float(scores[1])).fp == 0


# --- the bootstrap -------------------------------------------------------------------------------


@pytest.mark.parametrize("decimals", [0, 8])
def test_interval_agrees_with_a_plain_loop(decimals):
    scores = drawn(2).round(decimals)
    rng = np.random.default_rng(99)
    plain = []
    for _ in range(2000):
        good, defective = rng.choice(scores[:40], 40), rng.choice(scores[40:], 70)
        plain.append(share_of_pairs(good, defective))
    interval = auroc_interval(LABELS, scores, resamples=20_000)
    assert (interval.low, interval.high) == pytest.approx(
        np.quantile(plain, [0.025, 0.975]), abs=0.006
    )
    assert interval.level == 0.95


def test_interval_is_as_wide_as_delongs():
    scores = drawn(3, gain=1)
    interval = auroc_interval(LABELS, scores)
    width = 2 * 1.96 * delong_deviation(LABELS, scores)
    assert interval.high - interval.low == pytest.approx(width, rel=0.08)
    narrow = auroc_interval(LABELS, scores, level=0.5)
    assert interval.low < narrow.low < image_auroc(LABELS, scores) < narrow.high < interval.high


def test_interval_covers_the_true_value():
    truth = 0.8555778168267576  # Φ(1.5 / √2)
    hits = 0
    for seed in range(300):
        interval = auroc_interval(LABELS, drawn(seed), resamples=400)
        hits += interval.low <= truth <= interval.high
    # 0.95 within four standard deviations of a share of 300, and 0.02 for the method's own bias.
    assert 0.88 <= hits / 300 <= 0.999


def test_classes_are_resampled_apart():
    # One image of each: any draw that mixed the classes would often hold one class alone.
    interval = auroc_interval([0, 1], [1.0, 2.0])
    assert (interval.low, interval.high) == (1, 1)
    # Good images all score 0, so only the defective ones' draw matters: a binomial share.
    labels, scores = np.repeat([0, 1], [5, 100]), np.repeat([0.0, -1.0, 1.0], [5, 50, 50])
    interval = auroc_interval(labels, scores, resamples=20_000)
    assert (interval.low, interval.high) == pytest.approx((0.40, 0.60), abs=0.011)


def test_interval_shrinks_to_a_point_at_a_perfect_ranking():
    interval = auroc_interval(LABELS, LABELS + 0.0)
    assert (interval.low, interval.high) == (1, 1)


def test_same_seed_same_interval_whatever_the_scale_of_scores():
    scores = drawn(4)
    assert auroc_interval(LABELS, scores) == auroc_interval(LABELS, scores)
    assert auroc_interval(LABELS, scores) == auroc_interval(LABELS, np.exp(scores))
    assert auroc_interval(LABELS, scores) != auroc_interval(LABELS, scores, seed=1)


def test_paired_difference():
    shared = np.random.default_rng(6).normal(size=110)
    strong, weak = shared + 1.5 * LABELS, shared + 1.2 * LABELS
    difference, interval = paired_difference(LABELS, strong, weak)
    assert difference == pytest.approx(image_auroc(LABELS, strong) - image_auroc(LABELS, weak))
    assert interval.low < difference < interval.high
    # What the detectors share cancels: much narrower than either interval alone.
    alone = auroc_interval(LABELS, strong)
    assert interval.high - interval.low < (alone.high - alone.low) / 2
    back, turned = paired_difference(LABELS, weak, strong)
    assert (back, turned.low, turned.high) == pytest.approx(
        (-difference, -interval.high, -interval.low)
    )


def test_detector_does_not_differ_from_itself():
    scores = drawn(7)
    difference, interval = paired_difference(LABELS, scores, 2 * scores + 1)
    assert (difference, interval.low, interval.high) == (0, 0, 0)


# --- the curve -----------------------------------------------------------------------------------


def test_roc_by_hand():
    roc = roc_curve_with_band([0, 0, 1, 1], [1, 3, 2, 4], points=5)
    assert roc.fpr.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert roc.tpr.tolist() == [0.5, 0.5, 1, 1, 1]
    tied = roc_curve_with_band([0, 1], [1, 1], points=3)
    assert tied.tpr == pytest.approx([0, 0.5, 1])


def test_grid_points_on_a_step_get_its_top():
    # In turns defective and good; 5 / 6 and the grid's fifth point differ by rounding.
    roc = roc_curve_with_band([1, 0] * 6, np.arange(12, 0, -1), points=7)
    assert (6 * roc.tpr).round(9).tolist() == [1, 2, 3, 4, 5, 6, 6]


def test_roc_agrees_with_scikit_learn_between_the_steps():
    scores = drawn(8).round(1)
    roc = roc_curve_with_band(LABELS, scores, points=1002)
    fpr, tpr, _ = roc_curve(LABELS, scores)
    between = np.abs(roc.fpr[:, None] - fpr).min(axis=1) > 1e-6
    assert between.sum() > 900
    expected = np.interp(roc.fpr[between], fpr, tpr)
    assert roc.tpr[between] == pytest.approx(expected, abs=1e-6)


def test_band_holds_the_curve_and_rises():
    roc = roc_curve_with_band(LABELS, drawn(9))
    assert len(roc.fpr) == len(roc.tpr) == len(roc.low) == len(roc.high) == 201
    assert (roc.low <= roc.tpr).all()
    assert (roc.tpr <= roc.high).all()
    assert (roc.low < roc.high).mean() > 0.5
    for curve in (roc.tpr, roc.low, roc.high):
        assert (np.diff(curve) >= 0).all()
        assert curve[-1] == 1
    narrow = roc_curve_with_band(LABELS, drawn(9), level=0.5)
    assert (narrow.high - narrow.low).mean() < (roc.high - roc.low).mean() / 2


# --- bad input -----------------------------------------------------------------------------------

TAKING_LABELS = [
    image_auroc,
    auroc_interval,
    roc_curve_with_band,
    lambda labels, scores: confusion_at(labels, scores, 0.5),
    lambda labels, scores: paired_difference(labels, scores, scores),
]


@pytest.mark.parametrize("metric", TAKING_LABELS)
@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([0, 1, 1], [1, np.nan, np.inf], r"scores\w*\[1\] is nan; 2 of 3 values are not finite"),
        ([0, 1], [1, -np.inf], r"scores\w*\[1\] is -inf"),
        ([0, 1, 1], [1.0, 2.0], r"labels and scores\w* must be of one length.*\(3,\) and \(2,\)"),
        ([0, 1, 2], [1, 2, 3], r"labels\[2\] is 2"),
        ([-1, 1], [1, 2], r"labels\[0\] is -1"),
        ([0, 0.5], [1, 2], r"labels\[1\] is 0\.5"),
        ([0, np.nan], [1, 2], r"labels\[1\] is nan"),
        (["good", "crack"], [1, 2], r"labels\[0\] is good"),
        ([], [], r"scores\w* are empty"),
        ([[0, 1]], [[1, 2]], r"one number an image, got shape \(1, 2\)"),
        ([0, 1], ["a", "b"], "must be real numbers"),
    ],
)
def test_bad_labels_and_scores(metric, labels, scores, message):
    with pytest.raises(ValueError, match=message):
        metric(labels, scores)


@pytest.mark.parametrize("metric", [m for i, m in enumerate(TAKING_LABELS) if i != 3])
def test_single_class(metric):
    with pytest.raises(ValueError, match="got 2 good and 0 defective"):
        metric([0, 0], [1, 2])
    with pytest.raises(ValueError, match="got 0 good and 3 defective"):
        metric([1, 1, 1], [1, 2, 3])


def test_paired_difference_names_the_bad_scores():
    with pytest.raises(ValueError, match=r"scores_b\[1\] is nan"):
        paired_difference([0, 1], [1, 2], [1, np.nan])
    with pytest.raises(ValueError, match="labels and scores_b"):
        paired_difference([0, 1], [1, 2], [1, 2, 3])


@pytest.mark.parametrize(
    ("defects", "scores", "message"),
    [
        (["crack", "hole"], [1, 2], r"good images 'good'.*\['crack', 'hole'\]"),
        (["good", "good"], [1, 2], r"one defect type or more; got \['good'\]"),
        (["good", "hole"], [1], r"defects and scores must be of one length"),
        (["good", "hole"], [1, np.inf], r"scores\[1\] is inf"),
    ],
)
def test_bad_defects(defects, scores, message):
    with pytest.raises(ValueError, match=message):
        auroc_per_defect(defects, scores)
    with pytest.raises(ValueError, match=message):
        image_report(defects, scores, 1.5)


@pytest.mark.parametrize("metric", [auroc_interval, roc_curve_with_band])
def test_bad_settings(metric):
    for level in (0, 1, 95, np.nan):
        with pytest.raises(ValueError, match="level must lie between 0 and 1"):
            metric([0, 1], [1, 2], level=level)
    with pytest.raises(ValueError, match="resamples must be 100 or more, got 99"):
        metric([0, 1], [1, 2], resamples=99)


def test_other_bad_settings():
    with pytest.raises(ValueError, match="points must be 2 or more"):
        roc_curve_with_band([0, 1], [1, 2], points=1)
    with pytest.raises(ValueError, match="threshold is nan"):
        confusion_at([0, 1], [1, 2], np.nan)
