"""Published figures of many methods on many data sets, with what the test images can tell apart."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.patches import Rectangle

from helpers.plots.picture import LINE_COLOURS, MARKERS, Picture
from helpers.plots.style import check_any, panels

HEIGHT = 0.8  # of a band, where a row's is 1


def benchmark_dots(
    figures: pd.DataFrame,
    lows: Mapping[str, float],
    groups: Mapping[str, str],
    label: str,
    least: float,
) -> Picture:
    """Draw a row for each data set and in it a dot for each method, over a band that ends at 1.

    Parameters
    ----------
    figures
        A row for each data set, a column for each method; at most 1, or nan where there is none.
    lows
        For each data set, where its band begins: what lies in it cannot be told from the best.
    groups
        For each method, the group whose colour and marker it has.
    label
        What the figures are.
    least
        Where the axis begins; smaller figures are drawn at its edge, as triangles.

    Raises
    ------
    ValueError
        When there is nothing to draw, or a data set or method has no band or group.
    """
    check_any(figures.index, "data set")
    check_any(figures.columns, "method")
    lacking = [*set(figures.index) - set(lows), *set(figures.columns) - set(groups)]
    if lacking:
        raise ValueError(f"no band or group was given for {', '.join(sorted(lacking))}.")
    names = list(dict.fromkeys(groups[method] for method in figures.columns))
    # A lane for each method: the same method lies at the same height in every row.
    lanes = np.linspace(-0.32, 0.32, len(figures.columns))
    with panels(1, 1, 0.34 * len(figures) + 1.3) as (figure, axes):
        axis = axes[0, 0]
        for row, name in enumerate(figures.index):
            low = max(lows[name], least)
            axis.add_patch(
                Rectangle((low, row - HEIGHT / 2), 1 - low, HEIGHT, color="#d9d9d9", lw=0, zorder=0)
            )
        for place, group in enumerate(names):
            mine = [groups[method] == group for method in figures.columns]
            values = figures.loc[:, mine].to_numpy()
            rows = np.arange(len(figures))[:, None] + lanes[mine]
            shown = np.isfinite(values)
            for chosen, marker, size in (
                (shown & (values >= least), MARKERS[place % len(MARKERS)], 4.5),
                (shown & (values < least), "<", 5.5),
            ):
                axis.plot(
                    np.maximum(values[chosen], least), rows[chosen], marker, ms=size, mew=0,
                    color=LINE_COLOURS[place % len(LINE_COLOURS)], alpha=0.8, clip_on=False,
                    label=group if marker != "<" else None,
                )  # fmt: skip
        axis.set_yticks(range(len(figures)), figures.index)
        axis.set_ylim(len(figures) - 0.4, -0.6)
        axis.set_xlim(least, 1)
        axis.set_xlabel(f"{label}; grey: not told from the best; ◂: below {least:g}")
        axis.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.4, 1), ncols=len(names))
    inside = sum(int((figures.loc[name] >= lows[name]).sum()) for name in figures.index)
    return Picture(
        figure,
        f"Dots in a row for each of {', '.join(figures.index)}: the {label} of "
        f"{len(figures.columns)} methods, in the colours of {', '.join(names)}. {inside} of "
        f"{int(figures.notna().sum().sum())} dots lie in grey bands that reach up to 1.",
    )
