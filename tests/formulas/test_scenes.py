"""Scenes: exact masks, whatever the difficulty, and the same ones for the same seed."""

import numpy as np
import pytest

from helpers.formulas.scenes import (
    FEWEST_PIXELS,
    MOST_OBJECTS,
    OUTLINES,
    Scenes,
    draw_scene,
    draw_scenes,
    draw_textures,
    polygon,
    ring,
)

SIDE = 48


@pytest.fixture(scope="module")
def textures():
    return draw_textures(3, seed=5, side=SIDE)


@pytest.fixture(scope="module")
def scenes(textures):
    return draw_scenes(12, 5, textures, SIDE)


def plane(side=61):
    grid = np.arange(side, dtype=np.float32) - side // 2
    return np.meshgrid(grid, grid)


@pytest.mark.parametrize("outline", OUTLINES, ids=lambda outline: outline.__name__)
def test_an_outline_has_an_inside_and_an_outside(outline):
    for seed in range(5):
        depth = outline(*plane(), 12.0, np.random.default_rng(seed))
        assert depth.shape == (61, 61)
        assert np.isfinite(depth).all()
        assert 5 < (depth > 0).sum() < 61 * 61 / 2


def test_a_polygon_is_convex_and_a_ring_has_a_hole():
    u, v = plane()
    inside = polygon(u, v, 20.0, np.random.default_rng(1)) > 0
    rows, columns = np.nonzero(inside)
    rng = np.random.default_rng(2)
    a, b = rng.integers(len(rows), size=(2, 200))
    # Half way between two of its pixels is another, up to the rounding of half a pixel.
    between = np.stack([rows[a] + rows[b], columns[a] + columns[b]]) // 2
    assert inside[tuple(between)].mean() > 0.97
    assert ring(u, v, 20.0, np.random.default_rng(1))[30, 30] < 0


def test_scenes_hold_a_picture_and_what_is_seen_of_each_object(scenes):
    assert scenes.pictures.shape == (12, 3, SIDE, SIDE)
    assert scenes.pictures.dtype == scenes.bits.dtype == np.uint8
    assert ((scenes.counts >= 1) & (scenes.counts <= MOST_OBJECTS)).all()
    for i in range(12):
        masks = scenes.masks(i)
        assert masks.shape == (scenes.counts[i], SIDE, SIDE)
        assert (masks.sum((1, 2)) >= FEWEST_PIXELS).all()


def test_masks_are_exact(textures):
    # Easy scenes differ from their ground by plain colours; outside all masks nothing is drawn.
    rng = np.random.default_rng(3)
    differ = []
    for _ in range(10):
        scene = draw_scene(textures, 0.0, rng, SIDE)
        picture = scene.picture.astype(float) / 255
        for mask in scene.masks:
            differ.append(np.abs(picture[:, mask].mean(1) - picture[:, ~mask].mean(1)).max())
    assert np.mean(np.array(differ) > 0.03) > 0.8


def test_a_seed_gives_the_same_scenes_and_another_others(scenes, textures):
    again = draw_scenes(12, 5, textures, SIDE)
    for name in vars(scenes):
        assert (getattr(scenes, name) == getattr(again, name)).all()
    other = draw_scenes(12, 6, textures, SIDE)
    assert (other.pictures != scenes.pictures).any((1, 2, 3)).all()


def test_masks_are_read_bit_by_bit():
    bits = np.array([[[0, 1], [2, 3]]], np.uint8)
    scenes = Scenes(np.zeros((1, 3, 2, 2), np.uint8), bits, np.array([2]))
    assert scenes.masks(0).tolist() == [
        [[False, True], [False, True]],
        [[False, False], [True, True]],
    ]
