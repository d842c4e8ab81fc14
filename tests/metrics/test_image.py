"""Image-level metrics, the interval of an AUROC and the band of a curve."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import average_precision_score, f1_score, roc_curve

from helpers.metrics.image import (
    Confusion,
    auroc_interval,
    auroc_per_defect,
    confusion_at,
    image_auroc,
    image_report,
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


@pytest.mark.parametrize("defective", [9, 57, 58, 70])
def test_average_precision_of_a_perfect_ranking_is_1_however_its_steps_are_rounded(defective):
    labels = np.repeat([0, 1], [21, defective])
    scores = np.arange(len(labels), dtype=np.float32)
    assert reported(labels, scores).average_precision == pytest.approx(1, abs=1e-12)
    assert reported(labels, scores).average_precision <= 1


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


# --- the interval --------------------------------------------------------------------------------


def percentile(scores, rng, resamples=400):
    """The bootstrap's percentiles, which the interval replaced."""
    order = scores[40:, None] > scores[:40]
    good, defective = (rng.multinomial(n, np.full(n, 1 / n), resamples) for n in (40, 70))
    return np.quantile(((defective @ order) * good).sum(axis=1) / 2800, [0.025, 0.975])


@pytest.mark.parametrize("truth", [0.95, 0.99])
def test_the_interval_keeps_its_level_near_1_and_the_percentiles_do_not(truth):
    rng, held, held_before = np.random.default_rng(1), 0, 0
    gain, experiments = np.sqrt(2) * norm.ppf(truth), 600
    for seed in range(experiments):
        scores = drawn(seed, gain)
        interval = auroc_interval(LABELS, scores)
        low, high = percentile(scores, rng)
        held += interval.low <= truth <= interval.high
        held_before += low <= truth <= high
    assert held / experiments >= 0.93
    assert held_before / experiments < 0.93


def test_interval_by_hand():
    # One pair, in order. A = low solves (1 - A)² = z² A (1 - A): both class sizes are 1.
    interval = auroc_interval([0, 1], [1.0, 2.0])
    assert (interval.low, interval.high) == pytest.approx((1 / (1 + 1.959964**2), 1))
    assert interval.level == 0.95


def test_a_perfect_ranking_has_an_interval_and_more_images_make_it_shorter():
    lows = []
    for times in (1, 2, 4):
        labels = np.repeat(LABELS, times)
        interval = auroc_interval(labels, labels + 0.0)
        assert interval.high == 1
        lows.append(interval.low)
    assert 0.95 < lows[0] < lows[1] < lows[2] < 1


def test_interval_turns_with_the_order():
    scores = drawn(3)
    one, other = auroc_interval(LABELS, scores), auroc_interval(LABELS, -scores)
    assert (one.low, one.high) == pytest.approx((1 - other.high, 1 - other.low))


def test_interval_holds_the_auroc_and_a_lower_level_is_shorter():
    scores = drawn(3, gain=1)
    wide, narrow = auroc_interval(LABELS, scores), auroc_interval(LABELS, scores, level=0.5)
    assert wide.low < narrow.low < image_auroc(LABELS, scores) < narrow.high < wide.high


def test_interval_is_the_same_whatever_the_scale_of_scores():
    scores = drawn(4)
    assert auroc_interval(LABELS, scores) == auroc_interval(LABELS, np.exp(scores))


def test_good_images_that_look_defective_widen_the_interval():
    # Two of forty spoil as many pairs as normal scores that lie a little too near.
    outliers = np.concatenate([np.zeros(38), [2, 2], np.ones(70)])
    near = [norm.ppf((np.arange(n) + 0.5) / n) for n in (40, 70)]
    evenly = np.concatenate([near[0], near[1] + np.sqrt(2) * norm.ppf(0.95)])
    assert image_auroc(LABELS, outliers) == 0.95
    assert image_auroc(LABELS, evenly) == pytest.approx(0.95, abs=0.005)
    one, other = auroc_interval(LABELS, outliers), auroc_interval(LABELS, evenly)
    assert one.high - one.low > 1.2 * (other.high - other.low)


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


def test_other_bad_settings():
    with pytest.raises(ValueError, match="resamples must be 100 or more, got 99"):
        roc_curve_with_band([0, 1], [1, 2], resamples=99)
    with pytest.raises(ValueError, match="points must be 2 or more"):
        roc_curve_with_band([0, 1], [1, 2], points=1)
    with pytest.raises(ValueError, match="threshold is nan"):
        confusion_at([0, 1], [1, 2], np.nan)
