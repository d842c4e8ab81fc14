"""Charts about memories of features: a coreset that grows, what the size of a memory changes."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator
from numpy.typing import ArrayLike

from helpers.plots.picture import LINES, MARKERS, OTHERS, STYLE, Picture, method_colour
from helpers.plots.style import GREY, chart, check_any


def coreset_growth(points: ArrayLike, order: ArrayLike, counts: Sequence[int]) -> Picture:
    """Draw the first so many points of a coreset, a panel for each number.

    Every point has the colour of its distance to the nearest chosen one; the farthest, which is
    chosen next, has a ring round it.

    Parameters
    ----------
    points
        N×2.
    order
        Positions of the chosen points, in the order they were chosen.
    counts
        How many of them each panel shows.

    Raises
    ------
    ValueError
        When the points are not N×2, or a count is not between 1 and the number chosen.
    """
    points, order = np.asarray(points, float), np.asarray(order)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise ValueError(f"points must be finite, N×2; got shape {points.shape}.")
    check_any(counts, "count")
    if not all(1 <= count <= len(order) for count in counts):
        raise ValueError(f"counts must be between 1 and the {len(order)} chosen; got {counts}.")
    remaining = [_remaining(points, points[order[:count]]) for count in counts]
    with mpl.rc_context(STYLE):
        wide, high = np.ptp(points, axis=0).clip(1e-9)
        panel = 6.6 / len(counts) * float(np.clip(high / wide, 0.3, 1.5))
        figure = Figure((7.0, panel + 1.3), layout="constrained")
        axes = figure.subplots(1, len(counts), squeeze=False, sharex=True, sharey=True)[0]
        for axis, count, distance in zip(axes, counts, remaining, strict=True):
            shown = axis.scatter(*points.T, c=distance, s=7, lw=0, vmin=0, vmax=remaining[0].max())
            axis.plot(*points[order[:count]].T, "x", color="#D55E00", ms=5, mew=1.6)
            axis.plot(*points[distance.argmax()], "o", mfc="none", mec="black", ms=10, mew=1.2)
            axis.set_title(f"{count} chosen,\nradius {distance.max():.1f}")
            axis.set_aspect("equal")
            axis.set_axis_off()
        figure.colorbar(
            shown, ax=axes, location="bottom", shrink=0.5, aspect=40,
            label="distance to the nearest chosen point",
        )  # fmt: skip
    radii = ", ".join(
        f"{count} chosen: {distance.max():.1f}"
        for count, distance in zip(counts, remaining, strict=True)
    )
    return Picture(
        figure,
        f"{len(counts)} panels of the same points in a plane, coloured by their distance to the "
        "nearest chosen point. The chosen are orange crosses, the next one has a ring. The "
        f"largest distance shrinks ({radii}).",
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
    colours = (method_colour(highlight), *OTHERS)
    with chart(3.2) as (figure, axis):
        for place, (name, line) in enumerate(values.items()):
            line = np.asarray(line, float)
            if line.shape != (len(sizes),):
                raise ValueError(f"{name} needs {len(sizes)} figures; got shape {line.shape}.")
            axis.plot(
                sizes, line, color=colours[place % len(colours)], ls=LINES[place % len(LINES)],
                marker=MARKERS[place % len(MARKERS)], ms=6, label=name,
            )  # fmt: skip
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(FixedLocator(sizes))
        axis.xaxis.set_minor_locator(NullLocator())
        axis.xaxis.set_major_formatter("{x:g}")
        axis.set_xlabel("entries in the memory")
        axis.set_ylabel(label)
        axis.grid(axis="y", color=GREY, alpha=0.25)
        axis.legend(frameon=False, loc="lower right")
    return Picture(
        figure,
        f"Lines of {label} against the entries in the memory, {sizes[0]} to {sizes[-1]}, on a "
        f"logarithmic scale, for {', '.join(values)}.",
    )


def _remaining(points: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    apart = points[:, None] - chosen
    return np.sqrt((apart**2).sum(-1)).min(1)
