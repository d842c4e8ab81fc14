"""Figures of what a flow does to a plane: points and grid lines on the move, cells, densities."""

from collections.abc import Sequence

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection
from numpy.typing import ArrayLike

from helpers.plots.picture import LINE_COLOURS, Picture
from helpers.plots.style import GREY, PAGE, chart, check_lengths, panels, plane_points

LARGEST = 3.6  # inches, the side of a panel


def moving_points(
    stages: Sequence[ArrayLike],
    lines: Sequence[ArrayLike],
    groups: ArrayLike,
    titles: Sequence[str],
    shows: str,
    columns: int = 3,
) -> Picture:
    """Draw the same points and the same grid lines at each stage of a flow.

    Parameters
    ----------
    stages
        For each stage, the points: N×2.
    lines
        For each stage, the grid's lines: L×P×2.
    groups
        N numbers, 0 or 1: the points' colours.
    titles
        A text for each stage.
    shows
        What happens from panel to panel, for the text alternative.
    columns
        Panels in a row.

    Raises
    ------
    ValueError
        When the lengths differ, there is no stage, or a number is not finite.
    """
    check_lengths(stages=stages, lines=lines, titles=titles)
    stages, groups = [plane_points(points) for points in stages], np.asarray(groups)
    if any(len(points) != len(groups) for points in stages):
        raise ValueError(f"every stage needs {len(groups)} points, one for each of the groups.")
    rows = -(-len(stages) // columns)
    side = min(PAGE / columns, LARGEST)
    panel = "One panel" if len(stages) == 1 else f"{len(stages)} panels"
    with panels(rows, columns, rows * side, columns * side) as (figure, axes):
        for axis in axes.flat[len(stages) :]:
            axis.set_axis_off()
        for axis, points, grid, title in zip(axes.flat, stages, lines, titles, strict=False):
            axis.add_collection(LineCollection(list(np.asarray(grid)), colors="#bbbbbb", lw=0.6))
            for group, colour in enumerate(LINE_COLOURS[:2]):
                axis.plot(*points[groups == group].T, ".", color=colour, ms=2.5, alpha=0.7)
            axis.set(xlim=(-3.6, 3.6), ylim=(-3.6, 3.6), aspect="equal", title=title)
    return Picture(
        figure,
        f"{panel}, {', '.join(titles)}: points of two colours on a grid; {shows}.",
    )


def stretched_cells(before: ArrayLike, after: ArrayLike, log_areas: ArrayLike) -> Picture:
    """Draw cells of a plane and what becomes of them, coloured by the logarithm of their growth.

    Parameters
    ----------
    before, after
        Corners of the same cells: M×K×2.
    log_areas
        M, the log-determinant at each cell.

    Raises
    ------
    ValueError
        When the shapes disagree.
    """
    before, after = np.asarray(before, float), np.asarray(after, float)
    log_areas = np.asarray(log_areas, float)
    if before.shape != after.shape or before.ndim != 3 or len(before) != len(log_areas):
        raise ValueError(
            "the cells must be two arrays M×K×2 with M log-areas; got "
            f"{before.shape}, {after.shape} and {log_areas.shape}."
        )
    bound = max(abs(log_areas).max(), 1e-9)
    with panels(1, 2, 3.2, sharex=True, sharey=True) as (figure, (axes,)):
        for axis, cells, title in zip(
            axes, (before, after), ("before: cells of one area", "after"), strict=True
        ):
            shown = PolyCollection(
                list(cells), array=log_areas, cmap="PuOr_r", edgecolors=GREY, linewidths=0.3
            )
            shown.set_clim(-bound, bound)
            axis.add_collection(shown)
            axis.autoscale_view()
            axis.set(aspect="equal", title=title)
        figure.colorbar(shown, ax=axes, label="log-determinant", shrink=0.8)
    return Picture(
        figure,
        "Two panels with the same cells. Left: equal squares. Right: each moved and stretched. "
        "Orange cells have grown, violet ones have shrunk; the colour is the log-determinant.",
    )


def density_map(axis_values: ArrayLike, density: ArrayLike, points: ArrayLike) -> Picture:
    """Draw a density over a square of the plane, and points on top of it.

    Parameters
    ----------
    axis_values
        K increasing coordinates, the same for both axes.
    density
        K×K, rows along the second coordinate.
    points
        N×2.

    Raises
    ------
    ValueError
        When the shapes disagree or a number is not finite.
    """
    ticks, density = np.asarray(axis_values, float), np.asarray(density, float)
    if density.shape != (len(ticks), len(ticks)) or not np.isfinite(density).all():
        raise ValueError(
            f"density must be finite, of shape {len(ticks)}×{len(ticks)} as axis_values say; got "
            f"shape {density.shape}."
        )
    with chart(3.8, 4.6) as (figure, axis):
        shown = axis.pcolormesh(ticks, ticks, density, shading="nearest", rasterized=True)
        axis.plot(*plane_points(points).T, ".", color="white", ms=2, mew=0, alpha=0.7)
        axis.set(aspect="equal", xlim=ticks[[0, -1]], ylim=ticks[[0, -1]])
        figure.colorbar(shown, label="density")
    return Picture(
        figure,
        "Heat map of a density over the plane with the points it was learned from in white: "
        "yellow is dense, dark blue is empty.",
    )


def grid_lines(low: float, high: float, count: int, points: int = 80) -> np.ndarray:
    """Return ``count`` vertical and ``count`` horizontal lines of a square: 2·count×points×2."""
    along = np.linspace(low, high, points)
    vertical = [np.stack([np.full(points, at), along], 1) for at in np.linspace(low, high, count)]
    return np.array([*vertical, *(line[:, ::-1] for line in vertical)])


def grid_cells(low: float, high: float, count: int, side_points: int = 6) -> np.ndarray:
    """Return the outlines of ``count`` × ``count`` equal squares: count²×(4·side_points)×2."""
    size = (high - low) / count
    along = np.linspace(0, 1, side_points, endpoint=False)
    zero, one = np.zeros(side_points), np.ones(side_points)
    sides = (along, zero), (one, along), (1 - along, one), (zero, 1 - along)
    outline = np.concatenate([np.stack(side, 1) for side in sides])
    corner = low + size * np.arange(count)
    corners = np.stack(np.meshgrid(corner, corner), -1).reshape(-1, 1, 2)
    return corners + size * outline
