"""What the charts share: axes in the book's style, dots by class, markers, checks of the input."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from helpers.plots.picture import CLASSES, MARKERS, STYLE, class_colours

GREY = "#666666"
WIDTH = 5.6  # inches: on a phone the letters stay readable


@contextmanager
def chart(height: float, width: float = WIDTH) -> Iterator[tuple[Figure, Axes]]:
    """Give a figure and its only axes, in the book's style; sizes in inches."""
    with mpl.rc_context(STYLE):
        figure = Figure((width, height), layout="constrained")
        yield figure, figure.subplots()


def dots(axis: Axes, values: np.ndarray, classes: np.ndarray, names: Sequence[str]) -> None:
    """Draw N values as dots, a row for each of the names, from the top down."""
    colours = class_colours(names)
    # A fixed spread: the same dots at the same places in every run.
    spread = np.random.default_rng(0).uniform(-0.28, 0.28, len(values))
    for row, name in enumerate(names):
        mine = classes == name
        axis.plot(
            values[mine], row + spread[mine], marker_of(CLASSES, name, row), color=colours[name],
            ms=5, alpha=0.75, mew=0,
        )  # fmt: skip
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.5, -0.5)


def marker_of(fixed: Mapping[str, str], name: str, place: int) -> str:
    """Return the marker that goes with a name's fixed colour; by its place for another name."""
    return MARKERS[(list(fixed).index(name) if name in fixed else place) % len(MARKERS)]


def check_any(things: Sequence | Mapping, what: str) -> None:
    """Raise ValueError when there is nothing to draw."""
    if not len(things):
        raise ValueError(f"there is no {what} to draw.")


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
