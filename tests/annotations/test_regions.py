"""Regions of a mask, by hand; run lengths against a decoder written from their definition."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_cdt

from helpers.annotations.regions import (
    Region,
    RegionRules,
    from_run_lengths,
    region_of,
    regions,
    run_lengths,
)


def mask_of(*rows):
    return np.array([[letter == "#" for letter in row] for row in rows])


def test_box_and_area_by_hand():
    (region,) = regions(mask_of(".....", "..##.", "...#.", "....."))
    assert region.box == (2, 1, 2, 2)
    assert region.area == 3
    assert np.array_equal(region.on(4, 5), mask_of(".....", "..##.", "...#.", "....."))


def test_corners_join_and_gaps_do_not():
    assert len(regions(mask_of("#..", ".#.", "..#"))) == 1
    assert len(regions(mask_of("#.#"))) == 2


def test_boxes_that_touch_or_overlap_stay_apart():
    # A hook around a pixel: the boxes overlap, the pixels do not touch.
    found = regions(mask_of("####", "#...", "#.#.", "#..."))
    assert [region.box for region in found] == [(0, 0, 4, 4), (2, 2, 1, 1)]


def test_order_is_that_of_reading():
    found = regions(mask_of("...#", "....", "#...", "..#."))
    assert [region.box[:2] for region in found] == [(3, 0), (0, 2), (2, 3)]


def test_empty_full_border_and_one_pixel():
    assert regions(np.zeros((3, 4), bool)) == []
    assert [r.box for r in regions(np.ones((3, 4), bool))] == [(0, 0, 4, 3)]
    assert [r.box for r in regions(mask_of("...", "..#"))] == [(2, 1, 1, 1)]


def test_small_regions_go_but_the_largest_stays():
    mask = mask_of("##.#", "....", "####")
    assert [r.area for r in regions(mask, RegionRules(least_area=2))] == [2, 4]
    assert [r.area for r in regions(mask, RegionRules(least_area=99))] == [4]


@pytest.mark.parametrize("near", [1, 2, 3, 4, 5])
def test_join_within_is_a_distance_in_pixels(near):
    for gap in range(1, 7):
        for other in ((3 + gap, 3), (3, 3 + gap), (3 + gap, 3 + min(gap, 2))):
            mask = np.zeros((12, 12), bool)
            mask[3, 3] = mask[other] = True
            alone = np.ones_like(mask)
            alone[3, 3] = False
            distance = distance_transform_cdt(alone, "chessboard")[other]
            assert len(regions(mask, RegionRules(join_within=near))) == 1 + (distance > near)
            # Joining adds no pixel.
            found = regions(mask[::-1, ::-1], RegionRules(join_within=near))
            assert sum(region.area for region in found) == 2


def test_joining_works_at_the_border():
    mask = np.zeros((6, 6), bool)
    mask[0, 0] = mask[0, 5] = mask[5, 5] = True
    assert len(regions(mask, RegionRules(join_within=5))) == 1
    assert len(regions(mask, RegionRules(join_within=4))) == 3


def test_regions_partition_the_mask():
    rng = np.random.default_rng(0)
    for _ in range(30):
        mask = rng.random(rng.integers(1, 20, 2)) < 0.4
        total = sum((region.on(*mask.shape).astype(int) for region in regions(mask)), 0 * mask)
        assert np.array_equal(total, mask.astype(int))


def test_runs_by_hand():
    # Columns: 0 1 / 1 1 / 0 0 → runs 1 zero, 3 ones, 2 zeros.
    mask = np.array([[0, 1, 0], [1, 1, 0]], bool)
    assert np.array_equal(from_run_lengths({"size": [2, 3], "counts": [1, 3, 2]}), mask)
    assert np.array_equal(from_run_lengths(run_lengths(mask)), mask)


def test_runs_are_exact():
    rng = np.random.default_rng(1)
    cases = [rng.random(rng.integers(1, 70, 2)) < share for share in (0.1, 0.5, 0.9) * 10]
    cases += [np.zeros((4, 5), bool), np.ones((4, 5), bool), np.eye(300, dtype=bool)]
    for mask in cases:
        coded = run_lengths(mask)
        assert coded["size"] == list(mask.shape)
        assert np.array_equal(from_run_lengths(coded), mask)


@pytest.mark.parametrize(
    ("coded", "message"),
    [
        ({"size": [2, 3], "counts": [1, 2]}, "add up to 3 pixels"),
        ({"size": [2, 3], "counts": [-1, 7]}, "add up to 6 pixels|cut short"),
        ({"size": [4, 5], "counts": "?"}, "add up to 15 pixels"),
        ({"size": [4, 5], "counts": "xx"}, "what is no run"),
        ({"size": [4, 5], "counts": "o" * 20}, "what is no run"),
        ({"size": [4, 5], "counts": b"\xff"}, "text or a list of whole numbers"),
        ({"size": [4, 5], "counts": ["20"]}, "text or a list of whole numbers"),
        ({"size": [4, 5], "counts": [20.0]}, "text or a list of whole numbers"),
        ({"size": "45", "counts": [20]}, "need 'size'"),
        ({"size": [0, 5], "counts": [0]}, "whole numbers of at least 1"),
        ({"size": [60_000, 60_000], "counts": [0, 60_000**2]}, "larger than the"),
        ({"size": [10**9, 10**9], "counts": [0, 10**18]}, "larger than the"),
        ({"size": [4, 5], "counts": ""}, "empty or ends"),
        ({"size": [4, 5], "counts": "P"}, "ends in the middle"),
        ({"counts": [1]}, "need 'size'"),
        ({"size": 3, "counts": [1]}, "need 'size'"),
    ],
)
def test_broken_runs_are_errors(coded, message):
    with pytest.raises(ValueError, match=message):
        from_run_lengths(coded)


def test_runs_that_were_cut_short_are_errors():
    mask = np.random.default_rng(2).random((30, 30)) < 0.5
    coded = run_lengths(mask)
    with pytest.raises(ValueError, match="cut short|ends in the middle"):
        from_run_lengths({**coded, "counts": coded["counts"][:-1]})


def test_bad_input():
    with pytest.raises(ValueError, match="marks nothing"):
        region_of(np.zeros((2, 2), bool))
    with pytest.raises(ValueError, match="one image at a time"):
        regions(np.zeros((2, 4, 4), bool))
    with pytest.raises(ValueError, match="compare with 0"):
        regions(np.zeros((4, 4), np.uint8))
    with pytest.raises(ValueError, match="not tight"):
        Region(0, 0, mask_of("#.", "#."))
    with pytest.raises(ValueError, match="marked pixel"):
        Region(0, 0, np.zeros((2, 2), bool))
    with pytest.raises(ValueError, match="leaves the image"):
        Region(-1, 0, np.ones((1, 1), bool))
    with pytest.raises(ValueError, match="leaves an image of 3 × 2"):
        Region(2, 0, np.ones((1, 2), bool)).on(2, 3)
    for rules in ({"least_area": 0}, {"join_within": 1.5}):
        with pytest.raises(ValueError, match="whole number of at least 1"):
            RegionRules(**rules)
