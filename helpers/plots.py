"""Charts: scores, ROC curves, intervals, counts. They know nothing of models."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from helpers.metrics import Confusion, Interval, Roc
from helpers.pictures import LINES, MARKERS, STYLE, Picture, class_colours, method_colour

GREY = "#666666"


@contextmanager
def _axes(height: float, width: float = 6.6) -> Iterator[tuple[Figure, Axes]]:
    with mpl.rc_context(STYLE):
        figure = Figure((width, height), layout="constrained")
        yield figure, figure.subplots()


def count_bars(counts: pd.Series) -> Picture:
    """Draw a bar for each (split, defect) with its number of images.

    Parameters
    ----------
    counts
        Numbers with a two-level index: split, defect.
    """
    colours = class_colours(counts.index.get_level_values(1))
    counts = counts.iloc[::-1]
    names = [f"{split}: {defect}" for split, defect in counts.index]
    with _axes(0.36 * len(counts) + 0.7) as (figure, axis):
        bars = axis.barh(names, counts, color=[colours[defect] for _, defect in counts.index])
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
    """
    values, classes = _same_length(values, classes)
    names = sorted(set(classes))
    medians = {name: np.median(values[classes == name]) for name in names}
    with _axes(0.5 * len(names) + 0.8) as (figure, axis):
        _dots(axis, values, classes, names)
        for row, name in enumerate(names):
            axis.plot([medians[name]] * 2, [row - 0.38, row + 0.38], color="black", lw=2)
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter("{x:g}")
        axis.set_xlabel(f"{label}; black line: median")
    largest = max(medians, key=medians.get)
    return Picture(
        figure,
        f"Dots in a row for each of {', '.join(names)}, on a logarithmic scale: {label}. The "
        f"values spread over about {np.log10(values.max() / values.min()):.0f} powers of ten; "
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
        N names, ``"good"`` among them.
    threshold
        Drawn as a line when given.
    label
        What the score is.
    """
    scores, defects = _same_length(scores, defects)
    names = ["good", *sorted(set(defects) - {"good"})]
    with _axes(0.5 * len(names) + 1.1) as (figure, axis):
        _dots(axis, scores, defects, names)
        if threshold is not None:
            axis.axvline(threshold, color="black", ls="--", lw=1.5)
            axis.annotate(
                "threshold →", (threshold, -0.75), (4, 0), textcoords="offset points", va="center"
            )
            axis.set_ylim(len(names) - 0.5, -1.1)
        if scores.min() > 0 and scores.max() > 20 * np.median(scores):
            axis.set_xscale("log")
        axis.set_xlabel(label)
    line = " A dashed line marks the threshold." if threshold is not None else ""
    return Picture(
        figure, f"Dots in a row for each of {', '.join(names)}: the {label} of each image.{line}"
    )


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
    """
    with _axes(4.4, 5.2) as (figure, axis):
        axis.plot([0, 1], [0, 1], color=GREY, lw=1, ls=":", label="guessing")
        for place, (name, roc) in enumerate(curves.items()):
            label = name
            if aurocs:
                value, interval = aurocs[name]
                label += f"\nAUROC {value:.2f} ({interval.low:.2f}–{interval.high:.2f})"
            colour = method_colour(name)
            axis.plot(roc.fpr, roc.tpr, color=colour, ls=LINES[place % 4], lw=2, label=label)
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
    with _axes(2.9, 4.4) as (figure, axis):
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
        "Confusion matrix with two rows, good and defective nuts, and two columns, passed and "
        "stopped; each cell has its count and its share of the row.",
    )


def training_curve(losses: Mapping[str, Sequence[float]], label: str = "loss") -> Picture:
    """Draw the loss of each epoch, on a logarithmic scale."""
    with _axes(2.8) as (figure, axis):
        for place, (name, values) in enumerate(losses.items()):
            epochs = np.arange(1, len(values) + 1)
            axis.plot(
                epochs, values, color=method_colour(name), ls=LINES[place % 4],
                marker=MARKERS[place % len(MARKERS)], ms=4, label=name,
            )  # fmt: skip
        axis.set_yscale("log")
        axis.set_xlabel("epoch")
        axis.set_ylabel(label)
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.legend(frameon=False)
    return Picture(
        figure,
        f"Line chart of the {label} after each training epoch, on a logarithmic scale, for "
        f"{', '.join(losses)}.",
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
        N numbers each.
    label
        What the values are.
    chance
        Drawn as a dotted line: what guessing gives.
    """
    values, lows, highs = (np.asarray(v, float) for v in (values, lows, highs))
    if not len(names) == len(values) == len(lows) == len(highs):
        raise ValueError("names, values, lows and highs must be of one length.")
    with _axes(0.42 * len(names) + 0.8) as (figure, axis):
        for row, name in enumerate(names):
            colour = method_colour(name)
            axis.plot([lows[row], highs[row]], [row, row], color=colour, lw=2.5)
            axis.plot(values[row], row, MARKERS[row % len(MARKERS)], color=colour, ms=8)
        if chance is not None:
            axis.axvline(chance, color=GREY, ls=":", lw=1)
        axis.set_yticks(range(len(names)), names)
        axis.set_ylim(len(names) - 0.5, -0.5)
        axis.set_xlabel(f"{label}, with 95 % interval")
    return Picture(figure, f"Dots with 95 % intervals, a row each for {', '.join(names)}: {label}.")


def _dots(axis: Axes, values: np.ndarray, classes: np.ndarray, names: Sequence[str]) -> None:
    colours = class_colours(names)
    # A fixed spread: the same dots at the same places in every run.
    spread = np.random.default_rng(0).uniform(-0.28, 0.28, len(values))
    for row, name in enumerate(names):
        mine = classes == name
        axis.plot(
            values[mine], row + spread[mine], MARKERS[row % len(MARKERS)], color=colours[name],
            ms=5, alpha=0.75, mew=0,
        )  # fmt: skip
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.5, -0.5)


def _same_length(values: ArrayLike, names: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    values, names = np.asarray(values, float), np.asarray(names)
    if len(values) != len(names) or not len(values):
        raise ValueError(f"there are {len(values)} values for {len(names)} names.")
    return values, names
