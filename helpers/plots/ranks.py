"""Two orders of the same methods, side by side."""

from collections.abc import Mapping

from scipy.stats import rankdata

from helpers.plots.picture import METHOD_COLOURS, Picture, method_colour
from helpers.plots.style import chart, check_any, line_style, marker_of


def two_orders(
    first: Mapping[str, float], second: Mapping[str, float], left: str, right: str
) -> Picture:
    """Draw each method as a line from its place in one order to its place in another, best on top.

    Parameters
    ----------
    first, second
        A figure of each method, higher is better; of the same methods. Equal figures share a
        place.
    left, right
        What the two are.

    Raises
    ------
    ValueError
        When the methods differ, or there is none.
    """
    check_any(first, "method")
    if set(first) != set(second):
        raise ValueError(f"one order is of {', '.join(first)}, the other of {', '.join(second)}.")
    names = list(first)
    places = [rankdata([-side[name] for name in names]) for side in (first, second)]
    with chart(0.36 * len(names) + 0.9, 7.0) as (figure, axis):
        for row, (name, start, end) in enumerate(zip(names, *places, strict=True)):
            axis.plot([0, 1], [start, end], color=method_colour(name), lw=2.2,
                      ls=line_style(row)["ls"], marker=marker_of(METHOD_COLOURS, name, row), ms=8,
                      mec="black", mew=0.7)  # fmt: skip
        for side, values, x, align in ((0, first, -0.04, "right"), (1, second, 1.04, "left")):
            at: dict[float, list[str]] = {}
            for name, place in zip(names, places[side], strict=True):
                at.setdefault(place, []).append(name)
            for place, sharing in at.items():
                parts = [" = ".join(sharing), f"{values[sharing[0]]:.3f}"]
                words = "  ".join(reversed(parts) if side else parts)
                axis.text(x, place, words, ha=align, va="center", size=9)
        axis.text(-0.04, 0, left, ha="right", va="center", weight="bold", size=10)
        axis.text(1.04, 0, right, ha="left", va="center", weight="bold", size=10)
        axis.set(xlim=(-1.15, 2.15), ylim=(len(names) + 0.6, -0.5))
        axis.axis("off")
    order = [sorted(names, key=lambda name: -side[name]) for side in (first, second)]
    return Picture(
        figure,
        f"Lines from each method's place by {left} to its place by {right}, the best on top. "
        f"{left}: {', '.join(order[0])}. {right}: {', '.join(order[1])}.",
    )
