"""Probability of detection over the size of a defect."""

from collections.abc import Mapping

import numpy as np

from helpers.metrics.detection_probability import DetectionCurve
from helpers.plots.picture import LINES, Picture, method_colour
from helpers.plots.style import GREY, chart, check_any

POINTS = 200


def detection_curves(
    curves: Mapping[str, DetectionCurve],
    defects: Mapping[str, tuple[np.ndarray, np.ndarray]],
    label: str = "size of the defect (pixels across)",
) -> Picture:
    """Draw the probability of detection of each method with its 95 % band.

    Parameters
    ----------
    curves
        One for each method.
    defects
        For each method, N sizes and whether each defect was found: marks at the top and the bottom.
    label
        Of the axis of sizes.

    Raises
    ------
    ValueError
        When there is no curve.
    """
    check_any(curves, "curve")
    with chart(3.8) as (figure, axis):
        axis.axhline(0.9, color=GREY, lw=1, ls=":")
        for place, (name, curve) in enumerate(curves.items()):
            sizes = np.geomspace(curve.smallest, curve.largest, POINTS)
            colour, low_high = method_colour(name), curve.bounds(sizes)
            axis.fill_between(sizes, *low_high, color=colour, alpha=0.15, lw=0)
            axis.plot(
                sizes, curve.probability(sizes), color=colour, lw=2, ls=LINES[place % len(LINES)],
                label=name,
            )  # fmt: skip
            known, found = defects[name]
            height = np.where(found, 1.03 + 0.03 * place, -0.03 - 0.03 * place)
            axis.plot(known, height, ls="", marker="|", ms=5, color=colour, alpha=0.7)
        axis.set_xscale("log")
        ticks = [t for t in (1, 2, 3, 5, 10, 20, 30, 50, 100) if sizes[0] <= t <= sizes[-1]]
        axis.set_xticks(ticks, [str(tick) for tick in ticks])
        axis.minorticks_off()
        axis.set_xlabel(label)
        axis.set_ylabel("probability of detection")
        axis.set_yticks([0, 0.25, 0.5, 0.75, 0.9, 1])
        axis.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return Picture(
        figure,
        f"Curves of the probability of detection over a defect's size for {', '.join(curves)}, "
        "each with a 95 % band; a dotted line at 0.9; marks at the top for found defects and at "
        "the bottom for missed ones.",
    )
