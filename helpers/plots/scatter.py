"""Points in a plane, such as embeddings brought to two dimensions."""

import numpy as np
from numpy.typing import ArrayLike

from helpers.plots.picture import MARKERS, Picture, class_colours
from helpers.plots.style import chart, check_any


def point_cloud(points: ArrayLike, classes: ArrayLike, labels: tuple[str, str]) -> Picture:
    """Draw points in a plane, a colour and a mark for each class.

    Parameters
    ----------
    points
        N×2.
    classes
        N names.
    labels
        What the two axes are.

    Raises
    ------
    ValueError
        When the lengths differ, or a number is not finite.
    """
    points, classes = np.asarray(points, float), np.asarray(classes)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) != len(classes):
        raise ValueError(
            f"a cloud needs N points of two numbers and N names; got shape {points.shape} and "
            f"{len(classes)} names."
        )
    if not np.isfinite(points).all():
        raise ValueError("some points are not finite numbers: they cannot be drawn.")
    names = list(dict.fromkeys(classes.tolist()))
    check_any(names, "point")
    colours = class_colours(names)
    with chart(4.2, 6.2) as (figure, axis):
        for place, name in enumerate(names):
            chosen = points[classes == name]
            axis.scatter(
                chosen[:, 0], chosen[:, 1], s=26, color=colours[name], alpha=0.75, lw=0.4,
                edgecolor="black", marker=MARKERS[place % len(MARKERS)], label=name,
            )  # fmt: skip
        axis.set_xlabel(labels[0])
        axis.set_ylabel(labels[1])
        axis.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return Picture(
        figure,
        f"Points in a plane, a colour and a mark for each of {', '.join(names)}; the axes are "
        f"{labels[0]} and {labels[1]}.",
    )
