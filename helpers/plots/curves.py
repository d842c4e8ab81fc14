"""Curves: ROC, losses, class sizes, calibration, and scores over what they cost."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter
from numpy.typing import ArrayLike

from helpers.metrics.classes import Reliability
from helpers.metrics.image import Interval, Roc
from helpers.plots.picture import (
    LINE_COLOURS,
    LINES,
    METHOD_COLOURS,
    OTHER_COLOURS,
    Picture,
    method_colour,
)
from helpers.plots.style import GREY, chart, check_any, count_axis, line_style, marker_of


def roc_plot(
    curves: Mapping[str, Roc], aurocs: Mapping[str, tuple[float, Interval]] | None = None
) -> Picture:
    """Draw ROC curves with their bootstrap bands.

    Parameters
    ----------
    curves
        A curve for each method.
    aurocs
        AUROC and interval of each method, for the legend.

    Raises
    ------
    ValueError
        When there is no curve, or a curve without its AUROC.
    """
    check_any(curves, "curve")
    if missing := set(curves) - set(curves if aurocs is None else aurocs):
        raise ValueError(f"there is no AUROC for {', '.join(sorted(missing))}.")
    with chart(4.4, 5.2) as (figure, axis):
        axis.plot([0, 1], [0, 1], color=GREY, lw=1, ls=":", label="guessing")
        for place, (name, roc) in enumerate(curves.items()):
            label = name
            if aurocs:
                value, interval = aurocs[name]
                label += f"\nAUROC {value:.2f} ({interval.low:.2f}–{interval.high:.2f})"
            colour = method_colour(name)
            axis.plot(
                roc.fpr, roc.tpr, color=colour, ls=LINES[place % len(LINES)], lw=2, label=label
            )
            axis.fill_between(roc.fpr, roc.low, roc.high, color=colour, alpha=0.2, lw=0)
        axis.set_xlabel("false-alarm rate")
        axis.set_ylabel("share of defects found")
        axis.set_xlim(-0.01, 1.01)
        axis.set_ylim(-0.01, 1.01)
        axis.set_aspect("equal")
        axis.legend(loc="lower right", frameon=False)
    return Picture(
        figure,
        f"ROC curve of {', '.join(curves)}, each with a shaded 95 % band, above the dotted "
        "diagonal of guessing: share of defects found against false-alarm rate.",
    )


def training_curve(
    losses: Mapping[str, Sequence[float]], label: str = "loss", each: str = "epoch"
) -> Picture:
    """Draw the loss of each epoch.

    The scale is logarithmic when all losses are above zero and the largest is more than five times
    the least. A negative log-likelihood passes below zero, where a logarithmic scale would hide it.

    Parameters
    ----------
    losses
        For each method, a number an epoch.
    label
        What the loss is.
    each
        What there is a number for, if not an epoch.

    Raises
    ------
    ValueError
        When a method has no loss, or one that is not a finite number.
    """
    check_any(losses, "loss")
    for name, values in losses.items():
        if not len(values) or not np.isfinite(values).all():
            raise ValueError(f"the losses of {name} must be finite, one an epoch; got {values}.")
    least = min(min(values) for values in losses.values())
    largest = max(max(values) for values in losses.values())
    with chart(3.0) as (figure, axis):
        for place, (name, values) in enumerate(losses.items()):
            epochs = np.arange(1, len(values) + 1)
            axis.plot(
                epochs, values, color=method_colour(name), ls=LINES[place % len(LINES)],
                marker=marker_of(METHOD_COLOURS, name, place), ms=4, label=name,
            )  # fmt: skip
        logarithmic = least > 0 and largest / least > 5
        if logarithmic:
            axis.set_yscale("log")
            if largest / least < 300:  # the usual labels would be one or two
                axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
                axis.yaxis.set_major_formatter("{x:g}")
                axis.yaxis.set_minor_formatter(NullFormatter())
        axis.set_xlabel(each)
        axis.set_ylabel(label)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axis.legend(frameon=False)
    scale = ", on a logarithmic scale" if logarithmic else ""
    return Picture(
        figure,
        f"Line chart of the {label} after each training {each}{scale}, for {', '.join(losses)}.",
    )


def label_curve(
    values: Mapping[str, Mapping[int, Sequence[float]]],
    label: str,
    levels: Mapping[str, float] | None = None,
    from_zero: bool = True,
    across: str = "labelled pictures of each defect",
) -> Picture:
    """Draw a score over a count on a logarithmic scale: a dot a run, a line through the means.

    Parameters
    ----------
    values
        For each curve, at each count the score of each run.
    label
        What the score is.
    levels
        Scores to compare with, drawn across.
    from_zero
        Whether the scale goes from 0 to 1, or over what is drawn.
    across
        What is counted.

    Raises
    ------
    ValueError
        When there is no score.
    """
    if not values or not all(values.values()):
        raise ValueError("there is no score to draw.")
    counts = sorted({count for curve in values.values() for count in curve})
    with chart(3.6) as (figure, axis):
        for place, (name, curve) in enumerate(values.items()):
            colour, style = LINE_COLOURS[place % len(LINE_COLOURS)], line_style(place)
            means = [np.mean(curve[count]) for count in sorted(curve)]
            axis.plot(sorted(curve), means, style["ls"], color=colour, lw=2, label=name)
            for count, scores in curve.items():
                axis.plot([count] * len(scores), scores, style["marker"], color=colour, ms=5)
        for place, (name, level) in enumerate((levels or {}).items()):
            axis.axhline(level, color=method_colour(name), ls=LINES[2 + place % 2], label=name)
        count_axis(axis, counts, 2)
        axis.set(xlabel=across, ylabel=label)
        if from_zero:
            axis.set_ylim(0, 1)
        axis.legend(frameon=False)
    drawn = f" Lines across: {', '.join(levels)}." if levels else ""
    return Picture(
        figure,
        f"{label} over {across}, {counts[0]} to {counts[-1]}, on a doubling scale, a dot for each "
        f"run and a line through the means: {', '.join(values)}.{drawn}",
    )


def size_curves(
    sizes: Sequence[int], values: Mapping[str, ArrayLike], label: str, highlight: str = ""
) -> Picture:
    """Draw a figure of merit against the number of entries in the memory, a line for each kind.

    Parameters
    ----------
    sizes
        S numbers above 0.
    values
        For each kind of memory, S numbers.
    label
        What they are.
    highlight
        The method whose colour the first line has.

    Raises
    ------
    ValueError
        When a line has not one number for each of the sizes.
    """
    check_any(values, "line")
    colours = (method_colour(highlight), *OTHER_COLOURS)
    with chart(3.2) as (figure, axis):
        for place, (name, line) in enumerate(values.items()):
            line = np.asarray(line, float)
            if line.shape != (len(sizes),):
                raise ValueError(f"{name} needs {len(sizes)} figures; got shape {line.shape}.")
            axis.plot(
                sizes, line, color=colours[place % len(colours)], ms=6, label=name,
                **line_style(place),
            )  # fmt: skip
        count_axis(axis, sizes, 10)
        axis.set_xlabel("entries in the memory")
        axis.set_ylabel(label)
        axis.grid(axis="y", color=GREY, alpha=0.25)
        axis.legend(frameon=False, loc="lower right")
    return Picture(
        figure,
        f"Lines of {label} against the entries in the memory, {sizes[0]} to {sizes[-1]}, on a "
        f"logarithmic scale, for {', '.join(values)}.",
    )


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
                color=LINE_COLOURS[place % len(LINE_COLOURS)], ms=5, label=name,
                **line_style(place),
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
                ms=6, label=f"{name}: error {curve.error:.2f}", **line_style(place),
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


def loss_shares(losses: Mapping[str, ArrayLike]) -> Picture:
    """Draw which share of a loss the hardest patches carry, from the hardest down.

    Parameters
    ----------
    losses
        For each name, the losses of single patches, none negative, in any shape.

    Raises
    ------
    ValueError
        When there is no curve, or a name has no loss, a negative one, or nothing but zeros.
    """
    check_any(losses, "curve")
    with chart(3.4) as (figure, axis):
        axis.plot([0, 1], [0, 1], color=GREY, lw=1, ls=":", label="all alike")
        for i, (name, values) in enumerate(losses.items()):
            sorted_down = np.sort(np.asarray(values, float), axis=None)[::-1]
            if not sorted_down.size or sorted_down[-1] < 0 or not 0 < sorted_down[0] < np.inf:
                raise ValueError(f"the losses of {name} must be finite, from 0 up, not all 0.")
            carried = np.concatenate([[0], np.cumsum(sorted_down) / sorted_down.sum()])
            share = np.linspace(0, 1, len(carried))
            few = np.linspace(0, len(share) - 1, 400).astype(int)
            axis.plot(
                share[few], carried[few], color=OTHER_COLOURS[i], ls=LINES[i % 4], lw=2, label=name
            )
        axis.set_xlabel("share of the patches, the hardest first")
        axis.set_ylabel("share of the loss")
        axis.set_xlim(0, 1)
        axis.set_ylim(0, 1.01)
        axis.legend(frameon=False, loc="lower right")
    return Picture(
        figure,
        "Curves that rise from 0 to 1: the share of the loss that the hardest patches carry, over "
        f"their share of all patches, for {', '.join(losses)}; a dotted diagonal marks patches "
        "that all cost alike.",
    )
