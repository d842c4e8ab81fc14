"""Charts of many runs: what one seed shows, and what the others do."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from helpers.plots.picture import LINE_COLOURS, MARKERS, Picture
from helpers.plots.style import chart, check_any


def seed_strips(
    values: Mapping[str, Mapping[str, ArrayLike]], label: str, chance: float | None = None
) -> Picture:
    """Draw each run as a dot: a row for each name, a lane in it for each condition, medians marked.

    Parameters
    ----------
    values
        For each name and condition one finite number a run; all names have the same conditions.
    label
        What the values are.
    chance
        Drawn as a dotted line when given: what guessing gives.

    Raises
    ------
    ValueError
        When there is nothing to draw, a lane has no number or one that is not finite, or the
        conditions differ.
    """
    check_any(values, "name")
    lanes = list(next(iter(values.values())))
    check_any(lanes, "condition")
    for name, by_lane in values.items():
        if list(by_lane) != lanes:
            raise ValueError(f"{name} has the conditions {list(by_lane)}, the first name {lanes}.")
        for lane, runs in by_lane.items():
            runs = np.asarray(runs, float)
            if runs.ndim != 1 or not runs.size or not np.isfinite(runs).all():
                raise ValueError(
                    f"the values of {name}, {lane}, must be finite numbers; got {runs}."
                )
    height = 0.8 / len(lanes)
    with chart(0.3 * len(lanes) * len(values) + 1.1) as (figure, axis):
        for place, lane in enumerate(lanes):
            colour, marker = LINE_COLOURS[place % len(LINE_COLOURS)], MARKERS[place % len(MARKERS)]
            for row, by_lane in enumerate(values.values()):
                runs = np.asarray(by_lane[lane], float)
                middle = row + (place - (len(lanes) - 1) / 2) * height
                # A fixed spread: the same dots at the same places in every run.
                spread = np.random.default_rng(0).uniform(-0.3, 0.3, runs.size) * height
                axis.plot(
                    runs, middle + spread, marker, color=colour, ms=4.5, alpha=0.6, mew=0,
                    label=lane if row == 0 else None,
                )  # fmt: skip
                ends = [middle - 0.45 * height, middle + 0.45 * height]
                axis.plot([np.median(runs)] * 2, ends, color="black", lw=2)
        if chance is not None:
            axis.axvline(chance, color="#666666", ls=":", lw=1)
        axis.set_yticks(range(len(values)), list(values))
        axis.set_ylim(len(values) - 0.5, -0.5)
        axis.set_xlabel(f"{label}; black line: median")
        axis.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(lanes))
    return Picture(
        figure,
        f"Dots, one a run, in a row for each of {', '.join(values)}; in each row a lane for "
        f"{', '.join(lanes)}, with its median marked: {label}.",
    )
