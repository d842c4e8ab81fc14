"""Charts of counts and scores. They know nothing of models."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter
from numpy.typing import ArrayLike

from helpers.metrics.image import Confusion, Interval
from helpers.plots.picture import METHOD_COLOURS, Picture, class_colours, method_colour
from helpers.plots.style import GREY, chart, check_any, check_lengths, dots, marker_of, paired

WIDEST = 36  # letters of a label below an axis, so that it stays inside the figure
TWO_DECADES = 100  # between the ends of an axis: there 1, 2 and 5 of each are too many


def count_bars(counts: pd.Series) -> Picture:
    """Draw a bar for each (split, defect) with its number of images.

    Parameters
    ----------
    counts
        Numbers with a two-level index: split, defect.

    Raises
    ------
    ValueError
        When there is no number or the index has other than two levels.
    """
    if not len(counts) or counts.index.nlevels != 2:
        raise ValueError(
            f"counts needs an index of (split, defect) and one number at least; got {len(counts)} "
            f"numbers with {counts.index.nlevels} index levels."
        )
    colours = class_colours(counts.index.get_level_values(1))
    names = [f"{split}: {defect}" for split, defect in counts.index]
    with chart(0.36 * len(counts) + 0.7) as (figure, axis):
        bars = axis.barh(names, counts, color=[colours[defect] for _, defect in counts.index])
        axis.invert_yaxis()
        axis.bar_label(bars, padding=3)
        axis.set_xlabel("images")
    listed = ", ".join(f"{name} {count}" for name, count in zip(names, counts, strict=True))
    return Picture(figure, f"Bar chart of the number of images. {listed}.")


def strip_by_class(values: ArrayLike, classes: ArrayLike, label: str) -> Picture:
    """Draw every value as a dot, a row a class, on a logarithmic scale, medians marked.

    Parameters
    ----------
    values
        N positive numbers.
    classes
        N names.
    label
        What the values are, with their unit.

    Raises
    ------
    ValueError
        When the lengths differ, or a value is not a positive number.
    """
    values, classes = paired(values, classes)
    if values.min() <= 0:
        raise ValueError(f"a logarithmic scale needs positive values; the least is {values.min()}.")
    names = sorted(set(classes))
    medians = {name: np.median(values[classes == name]) for name in names}
    with chart(0.5 * len(names) + 0.8) as (figure, axis):
        dots(axis, values, classes, names)
        for row, name in enumerate(names):
            axis.plot([medians[name]] * 2, [row - 0.38, row + 0.38], color="black", lw=2)
        axis.set_xscale("log")
        wide = values.max() / values.min() > TWO_DECADES
        axis.xaxis.set_major_locator(LogLocator(subs=(1,) if wide else (1, 2, 5)))
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.set_xlabel(f"{label}; black line: median")
    largest = max(medians, key=medians.get)
    return Picture(
        figure,
        f"Dots in a row for each of {', '.join(names)}, on a logarithmic scale: {label}. The "
        f"largest value is about {values.max() / values.min():.0f} times the least; "
        f"{largest} has the largest median.",
    )


def score_histograms(
    scores: ArrayLike, defects: ArrayLike, threshold: float | None = None, label: str = "score"
) -> Picture:
    """Draw the image scores of each class: a dot an image, and where the threshold lies.

    With 17 images a class, dots show what bars would hide.

    Parameters
    ----------
    scores
        N numbers.
    defects
        N names; ``"good"`` comes first when it is among them.
    threshold
        Drawn as a line when given.
    label
        What the score is.

    Raises
    ------
    ValueError
        When the lengths differ, or a score or the threshold is not a finite number.
    """
    scores, defects = paired(scores, defects)
    if threshold is not None and not np.isfinite(threshold):
        raise ValueError(f"the threshold is {threshold}: it cannot be drawn.")
    names = sorted(set(defects), key=lambda name: (name != "good", name))
    alt = f"Dots in a row for each of {', '.join(names)}: the {label} of each image."
    if threshold is not None:
        alt += " A dashed line marks the threshold."
    with chart(0.5 * len(names) + 1.1) as (figure, axis):
        dots(axis, scores, defects, names)
        if threshold is not None:
            axis.axvline(threshold, color="black", ls="--", lw=1.5)
            axis.annotate(
                "threshold →", (threshold, -0.75), (4, 0), textcoords="offset points", va="center"
            )
            axis.set_ylim(len(names) - 0.5, -1.1)
        least = min(scores.min(), scores.min() if threshold is None else threshold)
        if least > 0 and scores.max() > 20 * np.median(scores):
            axis.set_xscale("log")
            label += ", log scale"
        axis.set_xlabel(label)
    return Picture(figure, alt)


def confusion_matrix_plot(confusion: Confusion) -> Picture:
    """Draw the four counts, shaded by their share of the row."""
    counts = np.array([[confusion.tn, confusion.fp], [confusion.fn, confusion.tp]])
    shares = counts / counts.sum(axis=1, keepdims=True).clip(1)
    with chart(2.9, 4.4) as (figure, axis):
        axis.imshow(shares, cmap="Blues", vmin=0, vmax=1.2, aspect="auto")
        for (row, column), count in np.ndenumerate(counts):
            share = shares[row, column]
            axis.text(
                column, row, f"{count}\n{share:.0%}", ha="center", va="center",
                color="white" if share > 0.65 else "black", size=13,
            )  # fmt: skip
        axis.set_xticks([0, 1], ["passed", "stopped"])
        axis.set_yticks([0, 1], ["good", "defective"])
        axis.spines[:].set_visible(False)
        axis.tick_params(length=0)
    return Picture(
        figure,
        "Confusion matrix with two rows, good and defective images, and two columns, passed and "
        "stopped; each cell has its count and its share of the row.",
    )


def interval_plot(
    names: Sequence[str],
    values: ArrayLike,
    lows: ArrayLike,
    highs: ArrayLike,
    label: str,
    chance: float | None = 0.5,
) -> Picture:
    """Draw a dot with an interval for each name.

    Parameters
    ----------
    names
        N texts; a method's name gives its colour.
    values, lows, highs
        N numbers each, the lows and highs being the ends of 95 % intervals.
    label
        What the values are.
    chance
        Drawn as a dotted line: what guessing gives.

    Raises
    ------
    ValueError
        When the lengths differ or are zero, or a low lies above its high.
    """
    values, lows, highs = (np.asarray(v, float) for v in (values, lows, highs))
    check_lengths(names=names, values=values, lows=lows, highs=highs)
    if (lows > highs).any():
        raise ValueError(f"the interval of {names[np.argmax(lows > highs)]} is upside down.")
    with chart(0.42 * len(names) + 1.0) as (figure, axis):
        for row, name in enumerate(names):
            colour = method_colour(name)
            axis.plot([lows[row], highs[row]], [row, row], color=colour, lw=2.5)
            marker = marker_of(METHOD_COLOURS, name, row)
            # The pale colours need an edge to stand out from white.
            axis.plot(values[row], row, marker, color=colour, ms=8, mec="black", mew=0.7)
        if chance is not None:
            axis.axvline(chance, color=GREY, ls=":", lw=1)
        axis.set_yticks(range(len(names)), names)
        axis.set_ylim(len(names) - 0.5, -0.5)
        axis.xaxis.set_major_locator(MaxNLocator(5))
        axis.set_xlabel(f"{textwrap.fill(label, WIDEST)},\nwith 95 % interval")
    return Picture(figure, f"Dots with 95 % intervals, a row each for {', '.join(names)}: {label}.")


def quality_against_cost(
    costs: Mapping[str, float],
    quality: Mapping[str, tuple[float, Interval]],
    cost: str,
    measure: str,
) -> Picture:
    """Draw each method as a point with its interval: quality upwards, cost to the right.

    Parameters
    ----------
    costs
        For each method a number above 0; the scale is logarithmic.
    quality
        For each method its value and interval.
    cost, measure
        What the axes are.

    Raises
    ------
    ValueError
        When the methods differ, there is none, or a cost is not above 0.
    """
    check_any(costs, "method")
    if set(costs) != set(quality):
        raise ValueError(f"costs are of {', '.join(costs)}, qualities of {', '.join(quality)}.")
    if not min(costs.values()) > 0:
        raise ValueError("every cost must be above 0, since the scale is logarithmic.")
    with chart(4.6, 7.0) as (figure, axis):
        for place, (name, value) in enumerate(costs.items()):
            middle, interval = quality[name]
            axis.errorbar(
                value, middle, [[middle - interval.low], [interval.high - middle]],
                fmt=marker_of(METHOD_COLOURS, name, place), color=method_colour(name), ms=9,
                mec="black", mew=0.7, elinewidth=1.2, capsize=2, label=name,
            )  # fmt: skip
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.set_xlabel(cost)
        axis.set_ylabel(f"{measure}, with 95 % interval")
        axis.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return Picture(
        figure,
        f"A point with a 95 % interval for each of {', '.join(costs)}: {measure} upwards, {cost} "
        "to the right on a logarithmic scale.",
    )
