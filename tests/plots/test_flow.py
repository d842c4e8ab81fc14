"""Figures of flows: what is drawn is what was given, and what cannot be drawn is named."""

import numpy as np
import pytest

from helpers.plots.flow import density_map, grid_cells, grid_lines, moving_points, stretched_cells

POINTS = np.random.default_rng(0).normal(size=(20, 2))
GROUPS = np.arange(20) % 2


def test_a_panel_for_each_stage():
    lines = grid_lines(-1, 1, 4)
    picture = moving_points(
        [POINTS, POINTS / 2], [lines] * 2, GROUPS, ["before", "after"], "they shrink"
    )
    first, second, empty = picture.figure.axes
    assert [first.get_title(), second.get_title()] == ["before", "after"]
    assert np.allclose(second.lines[0].get_xydata(), POINTS[::2] / 2)
    assert not empty.axison
    assert "before, after" in picture.alt and "they shrink." in picture.alt


def test_a_single_panel_is_small_enough_for_a_slider():
    picture = moving_points([POINTS], [grid_lines(-1, 1, 4)], GROUPS, ["now"], "they rest", 1)
    assert picture.figure.get_size_inches().tolist() == [3.6, 3.6]
    assert picture.alt.startswith("One panel, now: ")


def test_lines_span_the_square():
    lines = grid_lines(-2, 3, 6, points=10)
    assert lines.shape == (12, 10, 2)
    assert np.unique(lines[:6, :, 0]).tolist() == [-2, -1, 0, 1, 2, 3]
    assert np.array_equal(lines[6:], lines[:6, :, ::-1])


def test_cells_tile_the_square():
    cells = grid_cells(-1, 1, 4)
    assert cells.shape == (16, 24, 2)
    x, y = cells[..., 0], cells[..., 1]
    areas = 0.5 * (x * np.roll(y, -1, 1) - y * np.roll(x, -1, 1)).sum(1)
    assert np.allclose(areas, 0.25)
    assert np.allclose(np.unique(cells.min(1)), [-1, -0.5, 0, 0.5])


def test_cells_take_the_colour_of_their_growth():
    cells, growth = grid_cells(0, 1, 2), np.array([0.0, 1.0, -2.0, 0.5])
    picture = stretched_cells(cells, 2 * cells, growth)
    drawn = picture.figure.axes[1].collections[0]
    assert np.array_equal(drawn.get_array(), growth)
    assert drawn.get_clim() == (-2, 2)
    assert np.allclose(drawn.get_paths()[3].vertices[:24], 2 * cells[3])


def test_a_density_under_its_points():
    ticks = np.linspace(0, 1, 5)
    density = np.arange(25.0).reshape(5, 5)
    axis = density_map(ticks, density, POINTS).figure.axes[0]
    assert np.array_equal(axis.collections[0].get_array().reshape(5, 5), density)
    assert np.allclose(axis.lines[0].get_xydata(), POINTS)


def test_what_cannot_be_drawn():
    lines = grid_lines(-1, 1, 4)
    with pytest.raises(ValueError, match="at least 1"):
        moving_points([], [], GROUPS, [], "")
    with pytest.raises(ValueError, match="at least 1; got 1, 2, 1"):
        moving_points([POINTS], [lines] * 2, GROUPS, ["one"], "")
    with pytest.raises(ValueError, match="needs 20 points"):
        moving_points([POINTS[:3]], [lines], GROUPS, ["one"], "")
    with pytest.raises(ValueError, match="points must be finite, of shape N×2"):
        moving_points([np.full((20, 2), np.nan)], [lines], GROUPS, ["one"], "")
    with pytest.raises(ValueError, match="with M log-areas"):
        stretched_cells(grid_cells(0, 1, 2), grid_cells(0, 1, 2), [1.0])
    with pytest.raises(ValueError, match="of shape 5×5 as axis_values say; got shape \\(4, 4\\)"):
        density_map(np.linspace(0, 1, 5), np.zeros((4, 4)), POINTS)
