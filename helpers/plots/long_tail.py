"""Charts about class sizes: tails, decision regions, calibration, gains from more labels."""

from collections.abc import Callable, Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator
from numpy.typing import ArrayLike

from helpers.metrics.classes import Reliability
from helpers.plots.picture import CLASSES, LINES, MARKERS, STYLE, Picture, method_colour
from helpers.plots.style import GREY, chart, check_any

LINE_COLOURS = (*CLASSES.values(), "#56B4E9", "#000000")
Line = tuple[ArrayLike, ArrayLike]


def rank_frequency(counts: Mapping[str, ArrayLike]) -> Picture:
    """Draw each data set's class counts, the largest first, as shares of the largest.

    Parameters
    ----------
    counts
        For each data set, the images of each class, at least 1.

    Raises
    ------
    ValueError
        When there is no data set, or a count is below 1.
    """
    check_any(counts, "data set")
    with chart(3.6) as (figure, axis):
        for place, (name, values) in enumerate(counts.items()):
            ordered = np.sort(np.asarray(values, float))[::-1]
            if not len(ordered) or ordered[-1] < 1:
                raise ValueError(f"{name}: every class needs at least one image.")
            axis.plot(
                np.arange(1, len(ordered) + 1), ordered / ordered[0],
                color=LINE_COLOURS[place % len(LINE_COLOURS)], ls=LINES[place % len(LINES)],
                marker=MARKERS[place % len(MARKERS)], ms=5, label=name,
            )  # fmt: skip
        axis.set_yscale("log")
        axis.set_xlabel("rank of the class, the largest first")
        axis.set_ylabel("images, as a share\nof the largest class")
        axis.legend(frameon=False)
    return Picture(
        figure,
        "Falling lines on a logarithmic scale, class size against rank, one for each of "
        f"{', '.join(counts)}.",
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
    places = np.stack([x.ravel(), y.ravel()], 1)
    columns = min(3, len(models))
    rows = -(-len(models) // columns)
    with mpl.rc_context(STYLE):
        figure = Figure((2.3 * columns + 0.3, 2.4 * rows), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
        for axis, (name, model) in zip(axes, models.items(), strict=False):
            chance = np.asarray(model(places)).reshape(x.shape)
            axis.contourf(x, y, chance, levels=[0, 0.5, 1], colors=["#d6e6f2", "#f7dfd0"])
            axis.contour(x, y, chance, levels=[0.5], colors="black", linewidths=1.5)
            for k, mark in enumerate("os"):
                mine = points[labels == k]
                axis.plot(
                    mine[:, 0], mine[:, 1], mark, color=LINE_COLOURS[k], ms=3.5, mew=0.3,
                    mec="black", alpha=0.7,
                )  # fmt: skip
            axis.set_title(name)
        for axis in axes[len(models) :]:
            axis.axis("off")
    return Picture(
        figure,
        "Panels of points of two classes, circles and squares, with the line where the model "
        f"changes its mind; a panel each for {', '.join(models)}.",
    )


def reliability_plot(curves: Mapping[str, Reliability]) -> Picture:
    """Draw how often predictions are right against how sure they were, a line for each model.

    Raises
    ------
    ValueError
        When there is no curve.
    """
    check_any(curves, "curve")
    with chart(3.8, 4.8) as (figure, axis):
        axis.plot([0, 1], [0, 1], color=GREY, ls=":", lw=1)
        for place, (name, curve) in enumerate(curves.items()):
            axis.plot(
                curve.confidence, curve.accuracy, color=LINE_COLOURS[place % len(LINE_COLOURS)],
                ls=LINES[place % len(LINES)], marker=MARKERS[place % len(MARKERS)], ms=6,
                label=f"{name}: error {curve.error:.2f}",
            )  # fmt: skip
        axis.set_xlabel("confidence: probability of the predicted class")
        axis.set_ylabel("share that is right")
        axis.set_xlim(0.15, 1.02)
        axis.set_ylim(-0.02, 1.02)
        axis.legend(frameon=False, loc="upper left")
    parts = [f"{name} with a calibration error of {c.error:.2f}" for name, c in curves.items()]
    return Picture(
        figure, "Share of right predictions against their confidence: " + ", ".join(parts) + "."
    )


def labels_curve(
    shots: Sequence[int],
    lines: Mapping[str, Line],
    levels: Mapping[str, float],
    label: str,
) -> Picture:
    """Draw what labelled defects bring, beside detectors that have seen none.

    Parameters
    ----------
    shots
        S numbers of labelled images for each defect, above 0.
    lines
        For each method, S means and S standard deviations.
    levels
        For each detector, its one figure: a level line.
    label
        What the figures are.

    Raises
    ------
    ValueError
        When a line has not one number for each of the shots.
    """
    check_any(lines, "line")
    with chart(3.6) as (figure, axis):
        for place, (name, (mean, spread)) in enumerate(lines.items()):
            mean, spread = np.asarray(mean, float), np.asarray(spread, float)
            if not len(mean) == len(spread) == len(shots):
                raise ValueError(f"{name} needs {len(shots)} figures and spreads.")
            axis.errorbar(
                shots, mean, spread, color=LINE_COLOURS[place], marker=MARKERS[place], ms=6,
                capsize=3, ls=LINES[place], label=name,
            )  # fmt: skip
        for place, (name, value) in enumerate(levels.items()):
            axis.axhline(value, color=method_colour(name), ls=LINES[2 + place % 2], lw=2)
            axis.annotate(
                name, (shots[0], value), xytext=(0, 3), textcoords="offset points", fontsize=10
            )
        axis.set_xscale("log", base=2)
        axis.xaxis.set_major_locator(FixedLocator(shots))
        axis.xaxis.set_minor_locator(NullLocator())
        axis.xaxis.set_major_formatter("{x:g}")
        axis.set_xlabel("labelled images of each defect")
        axis.set_ylabel(label)
        axis.legend(frameon=False, loc="lower right")
    return Picture(
        figure,
        f"Lines of {label} against the number of labelled images of each defect, "
        f"{shots[0]} to {shots[-1]}, for {', '.join(lines)}; level lines for "
        f"{', '.join(levels) or 'nothing'}.",
    )


def share_curves(draws: Mapping[float, ArrayLike]) -> Picture:
    """Draw how the shares λ of Balanced-MixUp spread, drawn (steps) and by formula (lines).

    Beta(α, 1) has the distribution function P(λ ≤ x) = x^α.

    Parameters
    ----------
    draws
        For each α, N shares.

    Raises
    ------
    ValueError
        When there is no α.
    """
    check_any(draws, "α")
    x = np.linspace(0, 1, 200)
    with chart(3.4) as (figure, axis):
        for place, (alpha, values) in enumerate(draws.items()):
            colour = LINE_COLOURS[place % len(LINE_COLOURS)]
            ordered = np.sort(np.asarray(values, float))
            height = np.arange(1, len(ordered) + 1) / len(ordered)
            axis.step(ordered, height, where="post", color=colour, lw=3, alpha=0.35)
            axis.plot(x, x**alpha, color=colour, ls=LINES[place % len(LINES)], label=f"α = {alpha}")
        axis.set_xlabel("share λ of the class-balanced picture")
        axis.set_ylabel("share of batches with\nno more than that")
        axis.legend(frameon=False, loc="lower right")
    return Picture(
        figure,
        "Rising curves: how many batches have at most a share λ of the class-balanced picture, for "
        f"α of {', '.join(map(str, draws))}; the smaller α, the more batches near 0.",
    )
