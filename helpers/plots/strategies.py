"""Charts that compare strategies: score fields in a plane, quality against what it costs."""

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import ArrayLike

from helpers.metrics.image import Interval
from helpers.plots.picture import METHODS, STYLE, Picture, method_colour
from helpers.plots.style import chart, check_any, marker_of

SIDE = 3.2  # half the side of the plane that is shown
STEPS = 120


def plane(side: float = SIDE, steps: int = STEPS) -> np.ndarray:
    """Return the places at which a score field is drawn: steps²×2, row by row from the bottom."""
    line = np.linspace(-side, side, steps)
    return np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)


def score_fields(fields: Mapping[str, np.ndarray], held_out: ArrayLike, seen: ArrayLike) -> Picture:
    """Draw each strategy's score over the plane, with the points that it has seen.

    Scores of different strategies have different units. So a colour stands for a rank: the share of
    the plane's places with a lower score. The line encloses what scores no higher than 95 % of the
    held-out good points do.

    Parameters
    ----------
    fields
        For each strategy, the scores at ``plane()`` followed by those at the held-out points.
    held_out
        N×2, good.
    seen
        M×2, what the strategies have learned from.

    Raises
    ------
    ValueError
        When there is no field, or one has not a score for each place and each point.
    """
    check_any(fields, "field")
    wanted = STEPS**2 + len(held_out)
    columns = min(3, len(fields))
    rows = -(-len(fields) // columns)
    with mpl.rc_context(STYLE):
        figure = Figure((2.2 * columns, 2.45 * rows), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
        for axis, (name, values) in zip(axes, fields.items(), strict=False):
            if len(values) != wanted or not np.isfinite(values).all():
                raise ValueError(
                    f"{name} needs {wanted} finite scores, for the plane's places and the held-out "
                    f"points; got {len(values)}."
                )
            places, points = np.split(np.asarray(values, float), [STEPS**2])
            ranks = places.argsort().argsort().reshape(STEPS, STEPS) / (STEPS**2 - 1)
            axis.imshow(ranks, origin="lower", extent=(-SIDE, SIDE, -SIDE, SIDE))
            line = np.linspace(-SIDE, SIDE, STEPS)
            border = np.quantile(points, 0.95)
            axis.contour(
                line, line, places.reshape(STEPS, STEPS), [border], colors="white", linewidths=1.2
            )
            axis.plot(*np.asarray(seen, float).T, ".", color="black", ms=2)
            axis.set_title(name)
            axis.set_xticks([])
            axis.set_yticks([])
        for axis in axes[len(fields) :]:
            axis.set_axis_off()
    return Picture(
        figure,
        f"Panels of a plane coloured by anomaly score, one each for {', '.join(fields)}. Black "
        "dots are the points learned from; a white line encloses what passes as good.",
    )


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
                fmt=marker_of(METHODS, name, place), color=method_colour(name), ms=9,
                mec="black", mew=0.7, elinewidth=1.2, capsize=2, label=name,
            )  # fmt: skip
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.set_xlabel(cost)
        axis.set_ylabel(f"{measure}, with 95 % interval")
        axis.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return Picture(
        figure,
        f"A point with a 95 % interval for each of {', '.join(costs)}: {measure} upwards, {cost} "
        "to the right on a logarithmic scale.",
    )
