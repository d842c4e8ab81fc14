"""Pixel AUROC, pixel average precision and AUPRO."""

from collections import deque
from itertools import pairwise

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from helpers.metrics.pixel import (
    aupro,
    pixel_auroc,
    pixel_report,
    pro_curve,
)

ALL = [pixel_report, pixel_auroc, pro_curve, aupro]

# AUPRO of anomalib 2.7.0 (torch 2.15.0, CPU) on `made(*case)`, recorded.
ANOMALIB = {
    (0, 64, 0.5, None): 0.566875,
    (1, 64, 0.1, None): 0.239138,
    (2, 96, 0.3, 16): 0.360822,
    (3, 64, 0.0, None): 0.147398,
    (4, 128, 1.0, None): 0.645076,
    (5, 48, 0.4, 5): 0.268026,
    (6, 64, 0.3, 2): 0.216402,
    (7, 256, 0.3, None): 0.393948,
}


def made(seed, size, signal, levels=None):
    """Masks of random boxes in two images of three, and blurred maps that know a part of them."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((12, size, size), dtype=bool)
    for mask in masks[4:]:
        for _ in range(rng.integers(1, 5)):
            top, left = rng.integers(0, size - 4, size=2)
            height, width = rng.integers(2, size // 3, size=2)
            mask[top : top + height, left : left + width] = True
        # Two squares that touch at a corner only: one region by 8-connectivity.
        corner = rng.integers(0, size - 6)
        mask[:8, corner : corner + 6] = False
        mask[1:4, corner : corner + 3] = mask[4:7, corner + 3 : corner + 6] = True
    noise = rng.random(masks.shape)
    smooth = sum(np.roll(noise, shift, axis=axis) for axis in (1, 2) for shift in range(-2, 3)) / 10
    strength = rng.random((12, 1, 1)) * signal
    maps = smooth + strength * masks * noise
    if levels:
        maps = np.floor(maps * levels) / levels
    return masks, maps.astype(np.float32)


def regions_by_flooding(mask):
    """List the 8-connected regions of one mask as lists of pixels."""
    left = set(zip(*np.nonzero(mask), strict=True))
    regions = []
    while left:
        queue, region = deque([left.pop()]), []
        while queue:
            y, x = queue.popleft()
            region.append((y, x))
            around = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= around
            queue.extend(around)
        regions.append(region)
    return regions


def aupro_by_definition(masks, maps, fpr_limit=0.3):
    """Follow the definition word by word: each distinct score in turn is the threshold."""
    regions = [
        [maps[i][pixel] for pixel in region]
        for i, mask in enumerate(masks)
        for region in regions_by_flooding(mask)
    ]
    good = maps[~masks]
    curve = [(0.0, 0.0)]
    for threshold in np.unique(maps)[::-1]:
        fpr = np.mean(good >= threshold)
        curve.append((fpr, np.mean([np.mean(np.array(r) >= threshold) for r in regions])))
    area = 0.0
    for (x0, y0), (x1, y1) in pairwise(curve):
        if x0 >= fpr_limit:
            break
        if x1 > fpr_limit:
            x1, y1 = fpr_limit, y0 + (y1 - y0) * (fpr_limit - x0) / (x1 - x0)
        area += (x1 - x0) * (y0 + y1) / 2
    return area / fpr_limit


# --- by hand -------------------------------------------------------------------------------------

# A region of one pixel (score 9) and one of two pixels (scores 8 and 1); six good pixels.
HAND_MASK = np.array([[[1, 0, 1], [0, 0, 1], [0, 0, 0]]], dtype=bool)
HAND_MAP = np.array([[[9, 7, 8], [6, 5, 1], [4, 3, 2]]], dtype=np.float32)


def test_pro_curve_by_hand():
    curve = pro_curve(HAND_MASK, HAND_MAP)
    # 9 covers the first region (half of the mean), 8 half of the second; then all six good pixels
    # are passed before the last defective one.
    corners = sorted(set(zip(curve.fpr.tolist(), curve.pro.tolist(), strict=True)))
    assert corners == [(0, 0), (0, 0.5), (0, 0.75), (1, 0.75), (1, 1)]
    assert aupro(HAND_MASK, HAND_MAP) == pytest.approx(0.75)
    assert aupro(HAND_MASK, HAND_MAP, fpr_limit=1) == pytest.approx(0.75)


def test_pixel_auroc_and_average_precision_by_hand():
    # Of 3 × 6 pairs the scores 9 and 8 win all, the score 1 none.
    assert pixel_auroc(HAND_MASK, HAND_MAP) == pytest.approx(12 / 18)
    # Precision 1, 1 and 3/9, each adding a third of the recall.
    assert pixel_report(HAND_MASK, HAND_MAP).average_precision == pytest.approx((1 + 1 + 1 / 3) / 3)


def test_pixels_of_equal_score_change_sides_together():
    masks = np.array([[[1, 0, 0], [0, 0, 0], [0, 0, 0]]], dtype=bool)
    maps = np.array([[[5, 5, 5], [0, 0, 0], [0, 0, 0]]], dtype=np.float32)
    # The first step goes straight from (0, 0) to (2/8, 1), then PRO stays 1.
    assert aupro(masks, maps) == pytest.approx((0.25 / 2 + 0.05) / 0.3)
    # A limit inside that step cuts it: at FPR 0.1 PRO is 0.4.
    assert aupro(masks, maps, fpr_limit=0.1) == pytest.approx(0.2)
    assert pixel_auroc(masks, maps) == pytest.approx((6 + 2 / 2) / 8)
    assert pixel_report(masks, maps).average_precision == pytest.approx(1 / 3)


def test_small_region_counts_as_much_as_large_one():
    masks = np.zeros((1, 10, 10), dtype=bool)
    masks[0, :8, :8] = masks[0, 9, 9] = True
    finds_large = np.zeros((1, 10, 10))
    finds_large[0, :8, :8] = 1
    # Half the mean at FPR 0, then straight to (1, 1) through the ties.
    assert aupro(masks, finds_large) == pytest.approx(0.5 + 0.15 * 0.5)
    assert aupro(masks, masks.astype(float) - finds_large) == pytest.approx(0.5 + 0.15 * 0.5)


def test_regions_join_at_corners():
    masks = np.array([[[1, 0, 0], [0, 1, 1]]], dtype=bool)
    maps = np.array([[[9, 3, 2], [1, 5, 4]]], dtype=float)
    # One region of three pixels, so 9 covers a third; two regions would make it a half.
    assert set(pro_curve(masks, maps).pro.round(9)) == {0, 0.333333333, 0.666666667, 1}


def test_regions_do_not_join_across_images():
    masks = np.array([[[1, 0, 0]], [[1, 1, 1]]], dtype=bool)
    maps = np.array([[[9, 0, 0]], [[0, 0, 0]]], dtype=float)
    # The first image's whole region is half of the mean; joined it would be a quarter.
    assert set(pro_curve(masks, maps).pro.round(9)) == {0, 0.5, 1}


def test_good_images_count_in_the_false_positive_rate():
    masks = np.zeros((2, 4, 4), dtype=bool)
    masks[0, 0, 0] = True
    maps = np.zeros((2, 4, 4))
    maps[0, 0, 0] = 1
    maps[1, :2] = 2  # eight alarms on the good image, of 31 good pixels in all
    curve = pro_curve(masks, maps)
    assert curve.fpr[np.argmax(curve.pro >= 1)] == pytest.approx(8 / 31)
    assert aupro(masks, maps) == pytest.approx((0.3 - 8 / 31) / 0.3)


# --- limits --------------------------------------------------------------------------------------


def test_perfect_inverted_and_chance_maps():
    masks, _ = made(0, 48, 1)
    perfect = masks.astype(np.float32)
    assert pixel_report(masks, perfect + 7) == pixel_report(masks, perfect)
    report = pixel_report(masks, perfect)
    assert (report.auroc, report.average_precision, report.aupro) == (1, 1, 1)
    worst = pixel_report(masks, -perfect - np.random.default_rng(1).random(masks.shape) / 2)
    assert (worst.auroc, worst.aupro) == (0, 0)
    # PRO = FPR on average: the mean of 0..0.3 is 0.15.
    chance = [aupro(masks, np.random.default_rng(seed).random(masks.shape)) for seed in range(20)]
    assert np.mean(chance) == pytest.approx(0.15, abs=0.005)


@pytest.mark.parametrize("seed", range(30))
def test_random_maps_agree_with_the_definition_and_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers([1, 2, 2], [5, 12, 12]))
    masks = rng.random(shape) < rng.choice([0.05, 0.3, 0.6])
    masks.flat[0], masks.flat[1] = True, False
    levels = rng.choice([2, 3, 10, 10_000])
    maps = rng.integers(0, levels, shape).astype(np.float32) / 7 - rng.integers(0, 2)
    maps[0, : shape[1] // 2] = maps.flat[-1]  # a constant part
    maps.flat[0], maps.flat[1] = rng.permutation([-3, 3])  # never constant as a whole
    for limit in (0.05, 0.3, 1.0):
        value = aupro(masks, maps, limit)
        assert value == pytest.approx(aupro_by_definition(masks, maps, limit), abs=1e-9)
        assert 0 <= value <= 1
    report = pixel_report(masks, maps)
    assert report.auroc == pytest.approx(roc_auc_score(masks.ravel(), maps.ravel()), abs=1e-12)
    expected = average_precision_score(masks.ravel(), maps.ravel())
    assert report.average_precision == pytest.approx(expected, abs=1e-12)


def test_report_is_the_three_metrics_and_order_is_all_that_matters():
    masks, maps = made(3, 40, 0.5)
    report = pixel_report(masks, maps)
    assert report.auroc == pixel_auroc(masks, maps)
    assert report.aupro == aupro(masks, maps)
    assert pixel_report(masks, np.exp(maps.astype(float))) == report
    assert pixel_report(masks.astype(np.uint8), maps.astype(np.float64)) == report
    assert pixel_report(masks, maps, fpr_limit=0.1).aupro == aupro(masks, maps, 0.1)


def test_curve_rises_from_0_0_to_1_1():
    curve = pro_curve(*made(5, 40, 0.5, levels=30))
    assert (curve.fpr[0], curve.pro[0], curve.fpr[-1], curve.pro[-1]) == (0, 0, 1, 1)
    assert (np.diff(curve.fpr) >= 0).all()
    assert (np.diff(curve.pro) >= 0).all()


@pytest.mark.parametrize(("case", "value"), ANOMALIB.items())
def test_aupro_agrees_with_anomalib(case, value):
    assert aupro(*made(*case)) == pytest.approx(value, abs=1e-6)


def test_inputs_stay_untouched():
    masks, maps = made(6, 40, 0.5)
    before = maps.copy(), masks.copy()
    pixel_report(masks, maps)
    assert (maps == before[0]).all()
    assert (masks == before[1]).all()


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ALL)
class TestBadInput:
    def test_different_shapes(self, metric):
        with pytest.raises(ValueError, match=r"\(2, 4, 4\) and \(2, 4, 5\).*resize the maps"):
            metric(np.zeros((2, 4, 4), bool), np.zeros((2, 4, 5)))

    def test_not_three_dimensions(self, metric):
        with pytest.raises(ValueError, match="N×H×W"):
            metric(HAND_MASK[0], HAND_MAP[0])

    def test_score_that_is_not_finite(self, metric):
        for value in (np.nan, np.inf, -np.inf):
            maps = HAND_MAP.copy()
            maps[0, 1, 2] = value
            with pytest.raises(ValueError, match=rf"maps\[0, 1, 2\] is {value}; 1 of 9"):
                metric(HAND_MASK, maps)

    def test_scores_that_are_no_numbers(self, metric):
        with pytest.raises(ValueError, match="maps must be real numbers"):
            metric(HAND_MASK, HAND_MAP.astype(complex))

    def test_constant_maps(self, metric):
        with pytest.raises(ValueError, match=r"every pixel of every map is 0\.5"):
            metric(HAND_MASK, np.full(HAND_MAP.shape, 0.5))

    def test_no_defect_region(self, metric):
        with pytest.raises(ValueError, match="no defect region in any of the 1 masks"):
            metric(np.zeros_like(HAND_MASK), HAND_MAP)

    def test_no_good_pixel(self, metric):
        with pytest.raises(ValueError, match="no good pixel"):
            metric(np.ones_like(HAND_MASK), HAND_MAP)

    def test_grey_values_in_masks(self, metric):
        with pytest.raises(ValueError, match=r"from 0 to 255.*mask > 0"):
            metric(HAND_MASK * np.uint8(255), HAND_MAP)

    def test_no_images(self, metric):
        with pytest.raises(ValueError, match="maps are empty"):
            metric(np.zeros((0, 4, 4), bool), np.zeros((0, 4, 4)))


@pytest.mark.parametrize("limit", [0, -0.1, 1.1, np.nan])
def test_limit_outside_its_range(limit):
    for metric in (aupro, pixel_report):
        with pytest.raises(ValueError, match="fpr_limit must be above 0 and at most 1"):
            metric(HAND_MASK, HAND_MAP, limit)
