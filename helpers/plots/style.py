"""What the charts share: axes in the book's style, dots by class, markers, checks of the input."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator
from numpy.typing import ArrayLike

from helpers.plots.picture import CLASS_COLOURS, LINES, MARKERS, STYLE, class_colours

GREY = "#666666"
OUTLINE = "#00e5ff"
CHART = 5.6  # inches wide: on a phone the letters stay readable
PAGE = 7.0


@contextmanager
def panels(
    rows: int, columns: int, height: float, width: float = PAGE, **shared: bool
) -> Iterator[tuple[Figure, np.ndarray]]:
    """Give a figure and its rows×columns axes, in the book's style; sizes in inches."""
    with mpl.rc_context(STYLE):
        figure = Figure((width, height), layout="constrained")
        yield figure, figure.subplots(rows, columns, squeeze=False, **shared)


@contextmanager
def chart(height: float, width: float = CHART) -> Iterator[tuple[Figure, Axes]]:
    """Give a figure and its only axes, in the book's style; sizes in inches."""
    with panels(1, 1, height, width) as (figure, axes):
        yield figure, axes[0, 0]


def dots(axis: Axes, values: np.ndarray, classes: np.ndarray, names: Sequence[str]) -> None:
    """Draw N values as dots, a row for each of the names, from the top down."""
    colours = class_colours(names)
    # A fixed spread: the same dots at the same places in every run.
    spread = np.random.default_rng(0).uniform(-0.28, 0.28, len(values))
    for row, name in enumerate(names):
        mine = classes == name
        axis.plot(
            values[mine], row + spread[mine], marker_of(CLASS_COLOURS, name, row),
            color=colours[name], ms=5, alpha=0.75, mew=0,
        )  # fmt: skip
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.5, -0.5)


def marker_of(fixed: Mapping[str, str], name: str, place: int) -> str:
    """Return the marker that goes with a name's fixed colour; by its place for another name."""
    return MARKERS[(list(fixed).index(name) if name in fixed else place) % len(MARKERS)]


def line_style(place: int) -> dict:
    """Return the line and the marker of the curve at this place: colour is never the only cue."""
    return {"ls": LINES[place % len(LINES)], "marker": MARKERS[place % len(MARKERS)]}


def count_axis(axis: Axes, counts: Sequence[int], base: int) -> None:
    """Give an axis of counts a logarithmic scale with a label at each of them."""
    axis.set_xscale("log", base=base)
    axis.xaxis.set_major_locator(FixedLocator(counts))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter("{x:g}")


def check_any(things: Sequence | Mapping, what: str) -> None:
    """Raise ValueError when there is nothing to draw."""
    if not len(things):
        raise ValueError(f"there is no {what} to draw.")


def check_lengths(**given: Sequence | np.ndarray | None) -> None:
    """Raise ValueError unless all that is given is of one length, at least 1."""
    lengths = {name: len(things) for name, things in given.items() if things is not None}
    if len(set(lengths.values())) > 1 or 0 in lengths.values():
        counts = ", ".join(map(str, lengths.values()))
        raise ValueError(f"{', '.join(lengths)} must be of one length, at least 1; got {counts}.")


def plane_points(points: ArrayLike) -> np.ndarray:
    """Return points of a plane as a float array N×2; raise ValueError when they are not."""
    points = np.asarray(points, float)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise ValueError(f"points must be finite, of shape N×2; got shape {points.shape}.")
    return points


def paired(values: ArrayLike, names: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return N finite values and their N names as arrays, or raise ValueError."""
    values, names = np.asarray(values, float), np.asarray(names)
    if values.ndim != 1 or values.shape != names.shape or not len(values):
        raise ValueError(
            "values and names must be of one length, at least 1; got shapes "
            f"{values.shape} and {names.shape}."
        )
    if not np.isfinite(values).all():
        raise ValueError(f"{(~np.isfinite(values)).sum()} of {len(values)} values are not finite.")
    return values, names
