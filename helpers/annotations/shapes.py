"""Shapes that people draw, as regions of whole pixels: boxes, rotated boxes, polygons."""

import math
from collections.abc import Sequence

import numpy as np

from helpers.annotations.polygons import filled
from helpers.annotations.regions import Region, region_of

SLACK = 1.0  # pixels that a shape may reach beyond the picture before it is an error


def box_region(box: Sequence[float], width: int, height: int) -> Region:
    """Return a box, filled, as a region: its edges are rounded to whole pixels.

    Parameters
    ----------
    box
        Left, top, width, height in pixels.
    width, height
        Of the picture. What reaches beyond it by a pixel or less is cut off.

    Raises
    ------
    ValueError
        When the box has no size, leaves the picture, or is not four numbers.
    """
    numbers = left, top, across, down = _finite(box, 4)
    if across <= 0 or down <= 0:
        raise ValueError(
            f"the box {_shown(numbers)} (left, top, width, height) has no size. Draw it anew or "
            "remove it."
        )
    _check_inside([left, left + across], [top, top + down], width, height, _shown(numbers))
    first_x, first_y = (_clipped(round(v), s - 1) for v, s in ((left, width), (top, height)))
    # A box thinner than half a pixel still marks one.
    last_x = max(_clipped(round(left + across), width), first_x + 1)
    last_y = max(_clipped(round(top + down), height), first_y + 1)
    return Region(first_x, first_y, np.ones((last_y - first_y, last_x - first_x), bool))


def polygon_region(polygons: Sequence[Sequence[float]], width: int, height: int) -> Region:
    """Return the pixels whose centres lie in one of the polygons, as one region.

    Parameters
    ----------
    polygons
        Each x, y, x, y … in pixels.
    width, height
        Of the picture. What reaches beyond it by a pixel or less is cut off.

    Raises
    ------
    ValueError
        When a polygon has less than three vertices, leaves the picture or covers no pixel's centre.
    """
    drawn = []
    for flat in polygons:
        points = _finite(flat, None)
        if len(points) < 6 or len(points) % 2:
            raise ValueError(
                f"a polygon is x, y, x, y … of three vertices or more; got {len(points)} numbers."
            )
        x, y = points[::2], points[1::2]
        _check_inside(x, y, width, height, "a polygon")
        drawn.append(np.stack([np.clip(x, 0, width), np.clip(y, 0, height)], axis=1))
    mask = filled(drawn, height, width)
    if not mask.any():
        raise ValueError("the polygon covers no pixel. Draw it larger, or remove it.")
    return region_of(mask)


def rotated_box(box: Sequence[float], degrees: float, about: tuple[float, float]) -> list[float]:
    """Return the corners x, y, x, y … of a box rotated clockwise on the screen about a point."""
    left, top, across, down = _finite(box, 4)
    corners = np.array(
        [[left, top], [left + across, top], [left + across, top + down], [left, top + down]]
    )
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    rotated = (corners - about) @ np.array([[cos, sin], [-sin, cos]]) + about
    return rotated.ravel().tolist()


def _finite(values: Sequence[float], count: int | None) -> list[float]:
    try:
        numbers = [float(value) for value in values]
    except (TypeError, ValueError):
        numbers = [math.nan]
    if not all(map(math.isfinite, numbers)) or count not in (None, len(numbers)):
        wanted = f"{count} finite numbers" if count else "finite numbers"
        raise ValueError(f"coordinates must be {wanted}; got {values!r}.")
    return numbers


def _check_inside(
    x: Sequence[float], y: Sequence[float], width: int, height: int, what: str
) -> None:
    low, high = min(*x, *y), (max(x) - width, max(y) - height)
    if low < -SLACK or max(high) > SLACK:
        raise ValueError(
            f"{what} reaches from ({min(x):g}, {min(y):g}) to ({max(x):g}, {max(y):g}), outside "
            f"the picture of {width} × {height} pixels. Are the coordinates those of a picture of "
            "another size, or one turned by its camera (EXIF)?"
        )


def _clipped(value: int, most: int) -> int:
    return max(0, min(value, most))


def _shown(numbers: Sequence[float]) -> str:
    return "(" + ", ".join(f"{number:g}" for number in numbers) + ")"
