"""Shapes as whole pixels: rounding, what no shape is, and no memory by a claimed size."""

import tracemalloc

import numpy as np
import pytest

from helpers.annotations.polygons import MOST_STEPS, filled
from helpers.annotations.regions import (
    from_run_lengths,
    region_from_run_lengths,
    region_of,
    run_lengths,
)
from helpers.annotations.shapes import box_region, polygon_region, rotated_box
from helpers.data.decode import MOST_PIXELS


@pytest.fixture
def little_memory():
    """Fail when more than 5 MB were held at once."""
    tracemalloc.start()
    yield
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5e6


def test_boxes_of_one_size_are_equally_large_wherever_they_lie():
    starts = np.arange(0.5, 20), np.arange(0, 20), np.random.default_rng(0).uniform(0, 20, 50)
    for length, whole in ((3.0, 3), (2.5, 3), (3.5, 4), (4.4, 4), (4.6, 5), (0.2, 1)):
        for start in np.concatenate(starts):
            assert box_region((start, 3, length, 1), 30, 20).box[2] == whole
            assert box_region((3, start, 1, length), 20, 30).box[3] == whole


def test_halves_are_rounded_up_to_the_right_and_down():
    assert [box_region((i + 0.5, i + 0.5, 3, 3), 30, 30).box[:2] for i in range(4)] == [
        (1, 1), (2, 2), (3, 3), (4, 4),
    ]  # fmt: skip


def test_a_box_is_put_where_its_centre_is():
    assert box_region((2.6, 0, 4.4, 1), 30, 20).box == (3, 0, 4, 1)
    assert box_region((2.4, 0, 4.4, 1), 30, 20).box == (3, 0, 4, 1)


def test_a_box_of_the_largest_picture_takes_no_memory(little_memory):
    region = box_region((0, 0, 8000, 8000), 8000, 8000)
    assert region.box == (0, 0, 8000, 8000)
    assert region.bits[4567, 7999]


@pytest.mark.parametrize("side", [60_000, 10**9])
def test_larger_pictures_are_refused_before_anything_is_made(side, little_memory):
    for shape in (
        lambda: box_region((0, 0, side, side), side, side),
        lambda: polygon_region([[0, 0, side, 0, side, side]], side, side),
        lambda: from_run_lengths({"size": [side, side], "counts": [0, side**2]}),
        lambda: region_from_run_lengths({"size": [side, side], "counts": [0, side**2]}),
    ):
        with pytest.raises(
            ValueError, match=f"{side} × {side} pixels is larger than the {MOST_PIXELS}"
        ):
            shape()


def test_small_objects_of_the_largest_picture_take_little_memory(little_memory):
    found = polygon_region([[7000, 7000, 7100, 7000, 7100, 7100, 7000, 7100]], 8000, 8000)
    assert found.box == (7000, 7000, 100, 100)
    runs = {"size": [8000, 8000], "counts": [8000 * 4000 + 7, 3, 8000 * 4000 - 10]}
    assert region_from_run_lengths(runs).box == (4000, 7, 1, 3)


def test_regions_of_polygons_are_what_pycocotools_fills():
    rng = np.random.default_rng(0)
    for _ in range(300):
        width, height = rng.integers(3, 60, 2).tolist()
        drawn = [rng.random((rng.integers(3, 9), 2)) * (width, height) for _ in range(2)]
        drawn[1] = np.round(2 * drawn[1]) / 2
        whole = filled(drawn, height, width)
        if whole.any():
            found = polygon_region([points.ravel() for points in drawn], width, height)
            assert np.array_equal(found.on(height, width), whole)
            assert found.box == region_of(whole).box


def test_regions_of_runs_are_those_of_the_mask():
    rng = np.random.default_rng(1)
    for share in (0.05, 0.3, 0.9, 1) * 50:
        mask = rng.random(rng.integers(1, 14, 2)) < share
        if mask.any():
            found = region_from_run_lengths(run_lengths(mask))
            assert found.box == region_of(mask).box
            assert np.array_equal(found.on(*mask.shape), mask)
    with pytest.raises(ValueError, match="marks nothing"):
        region_from_run_lengths({"size": [2, 3], "counts": [6]})


@pytest.mark.parametrize("bad", ["12", True, None, [1], {}, 10**400, np.nan, np.inf])
def test_coordinates_are_numbers(bad):
    for shape in (
        lambda: box_region([1, 1, bad, 2], 9, 9),
        lambda: polygon_region([[1, 1, bad, 1, 5, 5]], 9, 9),
        lambda: rotated_box((1, 1, 2, 2), bad, (1, 1)),
    ):
        with pytest.raises(ValueError, match="finite numbers; got"):
            shape()


@pytest.mark.parametrize("shape", [5, None, "1234", {"x": 1}])
def test_what_is_no_list_of_coordinates(shape):
    with pytest.raises(ValueError, match="must be 4 finite numbers"):
        box_region(shape, 9, 9)
    with pytest.raises(ValueError, match="must be finite numbers"):
        polygon_region([shape], 9, 9)


def test_what_is_no_picture():
    for size in ((0, 5), (5, -1), (2.5, 5), ("5", 5), (None, 5)):
        with pytest.raises(ValueError, match="whole numbers of at least 1"):
            box_region((0, 0, 1, 1), *size)
    with pytest.raises(ValueError, match="no polygon"):
        polygon_region([], 9, 9)


def test_an_outline_that_goes_to_and_fro_without_end_is_refused():
    there_and_back = [0, 0, 8000, 1] * (MOST_STEPS // 16_000 + 2)
    with pytest.raises(ValueError, match=rf"pixels long; at most {MOST_STEPS}"):
        polygon_region([[*there_and_back, 5, 5]], 8000, 8000)
