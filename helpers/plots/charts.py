"""Charts: scores, ROC curves, intervals, counts. They know nothing of models."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter
from numpy.typing import ArrayLike

from helpers.metrics.image import Confusion, Interval, Roc
from helpers.plots.picture import LINES, METHODS, Picture, class_colours, method_colour
from helpers.plots.style import GREY, chart, check_any, dots, marker_of, paired


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
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
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
                marker=marker_of(METHODS, name, place), ms=4, label=name,
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
    if not len(names) == len(values) == len(lows) == len(highs):
        raise ValueError(
            "names, values, lows and highs must be of one length; got "
            f"{len(names)}, {len(values)}, {len(lows)} and {len(highs)}."
        )
    check_any(names, "name")
    if (lows > highs).any():
        raise ValueError(f"the interval of {names[np.argmax(lows > highs)]} is upside down.")
    with chart(0.42 * len(names) + 1.0) as (figure, axis):
        for row, name in enumerate(names):
            colour = method_colour(name)
            axis.plot([lows[row], highs[row]], [row, row], color=colour, lw=2.5)
            marker = marker_of(METHODS, name, row)
            # The pale colours need an edge to stand out from white.
            axis.plot(values[row], row, marker, color=colour, ms=8, mec="black", mew=0.7)
        if chance is not None:
            axis.axvline(chance, color=GREY, ls=":", lw=1)
        axis.set_yticks(range(len(names)), names)
        axis.set_ylim(len(names) - 0.5, -0.5)
        axis.xaxis.set_major_locator(MaxNLocator(5))
        axis.set_xlabel(f"{label},\nwith 95 % interval")
    return Picture(figure, f"Dots with 95 % intervals, a row each for {', '.join(names)}: {label}.")
