"""Outlines by hand and against areas; polygons give back every pixel up to half a pixel."""

import numpy as np
import pytest
from scipy.ndimage import label

from helpers.annotations.polygons import (
    EXACT,
    filled,
    outlines,
    polygon,
    signed_area,
    simplified,
)
from helpers.annotations.regions import region_of, regions
from helpers.metrics.masks import iou


def random_regions(seed, count=60, side=25):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        mask = rng.random(rng.integers(1, side, 2)) < rng.choice([0.2, 0.5, 0.7, 0.9])
        for region in regions(mask):
            yield region, mask.shape


def test_one_pixel_by_hand():
    mask = np.zeros((4, 5), bool)
    mask[2, 3] = True
    (loop,) = outlines(region_of(mask))
    assert sorted(map(tuple, loop)) == [(3, 2), (3, 3), (4, 2), (4, 3)]
    assert signed_area(loop) == 1


def test_straight_stretches_have_no_vertices():
    (loop,) = outlines(region_of(np.ones((3, 7), bool)))
    assert len(loop) == 4
    assert signed_area(loop) == 21


def test_pixels_at_a_corner_share_an_outline():
    (loop,) = outlines(region_of(np.eye(3, dtype=bool)))
    assert signed_area(loop) == 3


def test_outlines_agree_with_areas_and_holes():
    for region, _ in random_regions(0):
        outside, *holes = map(signed_area, outlines(region))
        assert outside + sum(holes) == region.area
        assert outside > 0
        assert all(hole < 0 for hole in holes)
        # Background that is closed in, joined along edges: an independent count.
        beyond = label(np.pad(~region.bits, 1, constant_values=True))[1]
        assert len(holes) == beyond - 1


@pytest.mark.parametrize("tolerance", [0, EXACT])
def test_polygons_are_exact_up_to_half_a_pixel(tolerance):
    for region, shape in random_regions(1):
        mask = region.on(*shape)
        assert np.array_equal(filled([polygon(region, tolerance)], *shape), mask)


def test_a_hole_is_left_out_by_one_polygon():
    mask = np.ones((9, 9), bool)
    mask[3:6, 3:6] = False
    mask[7, 7] = False
    assert np.array_equal(filled([polygon(region_of(mask), 0)], 9, 9), mask)


def test_without_the_cut_a_hole_is_filled():
    mask = np.ones((9, 9), bool)
    mask[3:6, 3:6] = False
    outside = outlines(region_of(mask))[0]
    assert iou(filled([outside], 9, 9), mask) == pytest.approx(72 / 81)


def test_simplifying_keeps_within_the_tolerance():
    angle = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    circle = np.stack([50 + 40 * np.cos(angle), 50 + 40 * np.sin(angle)], axis=1)
    for tolerance in (0.5, 2, 8):
        short = simplified(circle, tolerance)
        ends = np.roll(short, -1, axis=0)
        share = np.linspace(0, 1, 50)[:, None, None]
        line = (short + share * (ends - short)).reshape(-1, 2)
        apart = np.sqrt(((circle[:, None] - line) ** 2).sum(-1)).min(1)
        assert len(short) < len(circle)
        assert apart.max() <= tolerance + 0.05


def test_simplifying_hand_case():
    bent = np.array([[0, 0], [5, 1], [10, 0], [10, 10], [0, 10]])
    assert simplified(bent, 2).tolist() == [[0, 0], [10, 0], [10, 10], [0, 10]]
    assert simplified(bent, 0.5).tolist() == bent.tolist()
    assert simplified(bent, 0) is bent


def test_simplifying_never_loses_an_object():
    for region, shape in random_regions(2, count=20):
        assert filled([polygon(region, 50)], *shape).any()


def test_bad_input():
    with pytest.raises(ValueError, match="at least 0; got -1"):
        simplified(np.zeros((4, 2)), -1)
    with pytest.raises(ValueError, match="at least 0; got nan"):
        simplified(np.zeros((4, 2)), float("nan"))
    with pytest.raises(ValueError, match="three vertices"):
        filled([], 4, 4)
    with pytest.raises(ValueError, match="three vertices"):
        filled([np.zeros((2, 2))], 4, 4)
