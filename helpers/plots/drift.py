"""A capital that bets against the scores of good parts, part by part."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from helpers.plots.picture import LINE_COLOURS, LINES, Picture
from helpers.plots.style import GREY, chart, check_any


def capital_plot(paths: Mapping[str, ArrayLike], alarm: float = 100.0) -> Picture:
    """Draw how a capital of 1 has grown after each part, on a logarithmic scale.

    Parameters
    ----------
    paths
        Capital after each part, for each way the line may have changed.
    alarm
        The capital that raises the alarm: a dotted line.

    Raises
    ------
    ValueError
        When there is no path, or a capital is not above 0.
    """
    check_any(paths, "path")
    for name, path in paths.items():
        if not len(path) or not (np.asarray(path) > 0).all():
            raise ValueError(f"the capital of {name} must be above 0, one number a part.")
    with chart(3.4) as (figure, axis):
        axis.axhline(alarm, color=GREY, lw=1, ls=":")
        axis.text(1, alarm * 1.15, "alarm", color=GREY, va="bottom")
        for place, (name, path) in enumerate(paths.items()):
            axis.plot(
                np.arange(1, len(path) + 1), path, lw=2, label=name,
                color=LINE_COLOURS[place % len(LINE_COLOURS)], ls=LINES[place % len(LINES)],
            )  # fmt: skip
        axis.set_yscale("log")
        axis.set_xlabel("good parts since the change")
        axis.set_ylabel("capital")
        axis.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return Picture(
        figure,
        f"Lines of the capital after each good part, on a logarithmic scale, for "
        f"{', '.join(paths)}; a dotted line marks the alarm at {alarm:g}.",
    )
