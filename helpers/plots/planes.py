"""Points in a plane: clouds, coresets, and what models say of every point."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike

from helpers.plots.picture import LINE_COLOURS, MARKERS, Picture, class_colours
from helpers.plots.style import chart, check_any, check_lengths, panels, plane_points

SIDE = 3.2  # half the side of the plane that is shown
STEPS = 120


def point_cloud(
    points: ArrayLike,
    classes: ArrayLike,
    labels: tuple[str, str],
    extent: ArrayLike | None = None,
) -> Picture:
    """Draw points in a plane, a colour and a mark for each class; the first class lies on top.

    Parameters
    ----------
    points
        N×2.
    classes
        N names.
    labels
        What the two axes are.
    extent
        M×2, the points that the axes just hold; others may lie outside. All points when not given.

    Raises
    ------
    ValueError
        When the lengths differ, or a number is not finite.
    """
    points, classes = plane_points(points), np.asarray(classes)
    check_lengths(points=points, names=classes)
    held = points if extent is None else plane_points(extent)
    names = list(dict.fromkeys(classes.tolist()))
    colours = class_colours(names)
    with chart(4.2, 6.2) as (figure, axis):
        for place, name in enumerate(names):
            chosen = points[classes == name]
            axis.scatter(
                chosen[:, 0], chosen[:, 1], s=26, color=colours[name], alpha=0.75, lw=0.4,
                edgecolor="black", marker=MARKERS[place % len(MARKERS)], label=name,
                zorder=2 + len(names) - place,
            )  # fmt: skip
        low, high = held.min(0), held.max(0)
        room = 0.06 * (high - low).clip(1e-9)
        axis.set_xlim(low[0] - room[0], high[0] + room[0])
        axis.set_ylim(low[1] - room[1], high[1] + room[1])
        axis.set_xlabel(labels[0])
        axis.set_ylabel(labels[1])
        axis.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return Picture(
        figure,
        f"Points in a plane, a colour and a mark for each of {', '.join(names)}; the axes are "
        f"{labels[0]} and {labels[1]}.",
    )


def coreset_step(points: ArrayLike, order: ArrayLike, count: int) -> Picture:
    """Draw the first ``count`` points of a coreset.

    Every point has the colour of its distance to the nearest chosen one, on the scale of the first
    choice, so that pictures of one growing coreset can be compared; the farthest, which is chosen
    next, has a ring round it.

    Parameters
    ----------
    points
        N×2.
    order
        Positions of the chosen points, in the order they were chosen.
    count
        How many of them to show.

    Raises
    ------
    ValueError
        When the points are not N×2, or the count is not between 1 and the number chosen.
    """
    points, order = plane_points(points), np.asarray(order)
    if not 1 <= count <= len(order):
        raise ValueError(f"count must be between 1 and the {len(order)} chosen; got {count}.")
    distance = _remaining(points, points[order[:count]])
    largest = _remaining(points, points[order[:1]]).max()
    with chart(3.4) as (figure, axis):
        shown = axis.scatter(*points.T, c=distance, s=9, lw=0, vmin=0, vmax=max(largest, 1e-9))
        axis.plot(*points[order[:count]].T, "x", color="#D55E00", ms=6, mew=1.8)
        axis.plot(*points[distance.argmax()], "o", mfc="none", mec="black", ms=11, mew=1.3)
        axis.set_title(f"{count} chosen, radius {distance.max():.1f}")
        axis.set_aspect("equal")
        axis.set_axis_off()
        figure.colorbar(shown, label="distance to the\nnearest chosen point")
    return Picture(
        figure,
        "Points in a plane, coloured by their distance to the nearest chosen point. The chosen, "
        f"{count}, are orange crosses, the next one has a ring; the largest distance is "
        f"{distance.max():.1f}.",
    )


def score_plane(side: float = SIDE, steps: int = STEPS) -> np.ndarray:
    """Return the places at which a score field is drawn: steps²×2, row by row from the bottom."""
    line = np.linspace(-side, side, steps)
    return np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)


def score_fields(fields: Mapping[str, np.ndarray], held_out: ArrayLike, seen: ArrayLike) -> Picture:
    """Draw each strategy's score over the plane, with the points that it has seen.

    Scores of different strategies have different units. So a colour stands for a rank: the share of
    the plane's points with a lower score. The line encloses what scores no higher than 95 % of the
    held-out good points do.

    Parameters
    ----------
    fields
        For each strategy, the scores at ``score_plane()`` followed by those at the held-out points.
    held_out
        N×2, good.
    seen
        M×2, what the strategies have learned from.

    Raises
    ------
    ValueError
        When there is no field, or one has not a score for each point.
    """
    check_any(fields, "field")
    wanted = STEPS**2 + len(held_out)
    columns = min(3, len(fields))
    rows = -(-len(fields) // columns)
    size = 2.45 * rows, 2.2 * columns
    with panels(rows, columns, *size, sharex=True, sharey=True) as (figure, axes):
        for axis, (name, values) in zip(axes.flat, fields.items(), strict=False):
            if len(values) != wanted or not np.isfinite(values).all():
                raise ValueError(
                    f"{name} needs {wanted} finite scores, for the plane's points and the held-out "
                    f"points; got {len(values)}."
                )
            grid, points = np.split(np.asarray(values, float), [STEPS**2])
            ranks = grid.argsort().argsort().reshape(STEPS, STEPS) / (STEPS**2 - 1)
            axis.imshow(ranks, origin="lower", extent=(-SIDE, SIDE, -SIDE, SIDE))
            line = np.linspace(-SIDE, SIDE, STEPS)
            border = np.quantile(points, 0.95)
            axis.contour(
                line, line, grid.reshape(STEPS, STEPS), [border], colors="white", linewidths=1.2
            )
            axis.plot(*np.asarray(seen, float).T, ".", color="black", ms=2)
            axis.set_title(name)
            axis.set_xticks([])
            axis.set_yticks([])
        for axis in axes.flat[len(fields) :]:
            axis.set_axis_off()
    return Picture(
        figure,
        f"Panels of a plane coloured by anomaly score, one each for {', '.join(fields)}. Black "
        "dots are the points learned from; a white line encloses what passes as good.",
    )


def decision_regions(
    points: ArrayLike,
    labels: ArrayLike,
    models: Mapping[str, Callable[[np.ndarray], np.ndarray]],
) -> Picture:
    """Draw where each model says which of two classes, with the points it learned from.

    Parameters
    ----------
    points
        N×2, finite.
    labels
        N zeros and ones; of a mapping's model, when given for each.
    models
        Each gives the probability of class 1 for M×2 points: shape M.

    Raises
    ------
    ValueError
        When points and labels do not fit, or there is no model.
    """
    points, labels = np.asarray(points, float), np.asarray(labels)
    if points.ndim != 2 or points.shape[1] != 2 or labels.shape != points.shape[:1]:
        raise ValueError(
            f"points must be N×2 with N labels; got {points.shape} and {labels.shape}."
        )
    check_any(models, "model")
    low, high = points.min(0) - 0.5, points.max(0) + 0.5
    x, y = np.meshgrid(*(np.linspace(a, b, 120) for a, b in zip(low, high, strict=True)))
    grid = np.stack([x.ravel(), y.ravel()], 1)
    columns = min(3, len(models))
    rows = -(-len(models) // columns)
    size = 2.4 * rows, 2.3 * columns + 0.3
    with panels(rows, columns, *size, sharex=True, sharey=True) as (figure, axes):
        for axis, (name, model) in zip(axes.flat, models.items(), strict=False):
            probability = np.asarray(model(grid)).reshape(x.shape)
            axis.contourf(x, y, probability, levels=[0, 0.5, 1], colors=["#d6e6f2", "#f7dfd0"])
            axis.contour(x, y, probability, levels=[0.5], colors="black", linewidths=1.5)
            for k, mark in enumerate("os"):
                mine = points[labels == k]
                axis.plot(
                    mine[:, 0], mine[:, 1], mark, color=LINE_COLOURS[k], ms=3.5, mew=0.3,
                    mec="black", alpha=0.7,
                )  # fmt: skip
            axis.set_title(name)
        for axis in axes.flat[len(models) :]:
            axis.axis("off")
    return Picture(
        figure,
        "Panels of points of two classes, circles and squares, with the line where the model "
        f"changes its mind; a panel each for {', '.join(models)}.",
    )


def _remaining(points: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    difference = points[:, None] - chosen
    return np.sqrt((difference**2).sum(-1)).min(1)
