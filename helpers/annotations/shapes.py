"""Shapes that people draw, as regions of whole pixels: boxes, rotated boxes, polygons."""

import math
import reprlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from numbers import Real

import numpy as np

from helpers.annotations.polygons import filled_region
from helpers.annotations.regions import NOTHING, Region, check_size

SLACK = 1.0  # pixels that a shape may reach beyond the picture before it is an error


def box_region(box: Sequence[float], width: int, height: int) -> Region:
    """Return a box, filled, as a region of whole pixels: one width for one width, wherever it lies.

    Width and height are rounded, halves up, to a pixel at least; then the box is put where its
    centre is kept best.

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
    check_size(width, height)
    numbers = left, top, across, down = finite(box, 4)
    if across <= 0 or down <= 0:
        raise ValueError(
            f"the box {_shown(numbers)} (left, top, width, height) has no size. Draw it anew or "
            "remove it."
        )
    _check_inside([left, left + across], [top, top + down], width, height, _shown(numbers))
    first_x, last_x = _whole_pixels(left, across, width)
    first_y, last_y = _whole_pixels(top, down, height)
    # One value for all pixels, so that a large box takes no memory.
    bits = np.broadcast_to(np.True_, (last_y - first_y, last_x - first_x))
    return Region(first_x, first_y, bits)


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
    check_size(width, height)
    drawn = []
    for flat in polygons:
        points = finite(flat, None)
        if len(points) < 6 or len(points) % 2:
            raise ValueError(
                f"a polygon is x, y, x, y … of three vertices or more; got {len(points)} numbers."
            )
        x, y = points[::2], points[1::2]
        _check_inside(x, y, width, height, "a polygon")
        drawn.append(np.stack([np.clip(x, 0, width), np.clip(y, 0, height)], axis=1))
    if not drawn:
        raise ValueError("a shape has no polygon, so there is nothing of three vertices.")
    try:
        return filled_region(drawn, height, width)
    except ValueError as error:
        if str(error) != NOTHING:
            raise
        raise ValueError("the polygon covers no pixel. Draw it larger, or remove it.") from error


def rotated_box(box: Sequence[float], degrees: float, about: tuple[float, float]) -> list[float]:
    """Return the corners x, y, x, y … of a box rotated clockwise on the screen about a point."""
    (degrees,) = finite([degrees], 1)
    left, top, across, down = finite(box, 4)
    corners = np.array(
        [[left, top], [left + across, top], [left + across, top + down], [left, top + down]]
    )
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    rotated = (corners - about) @ np.array([[cos, sin], [-sin, cos]]) + about
    return rotated.ravel().tolist()


def finite(values: Sequence[float], count: int | None) -> list[float]:
    """Return ``values`` as floats, ``count`` of them where this is given.

    Raises
    ------
    ValueError
        When there are more or fewer, or one is no finite number.
    """
    numbers = [math.nan]
    # A text or a truth value is no coordinate, though Python would turn it into one.
    if isinstance(values, Iterable) and all(
        isinstance(v, Real) and not isinstance(v, bool) for v in values
    ):
        with suppress(OverflowError):
            numbers = [float(value) for value in values]
    if not all(map(math.isfinite, numbers)) or count not in (None, len(numbers)):
        wanted = f"{count} finite numbers" if count else "finite numbers"
        raise ValueError(f"coordinates must be {wanted}; got {reprlib.repr(values)}.")
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


def _whole_pixels(start: float, length: float, side: int) -> tuple[int, int]:
    """Return the first pixel and the one after the last of a stretch, within 0 and ``side``."""
    whole = max(math.floor(length + 0.5), 1)
    first = math.floor(start + (length - whole) / 2 + 0.5)
    inside = min(max(first, 0), side - 1)
    return inside, min(max(first + whole, inside + 1), side)


def _shown(numbers: Sequence[float]) -> str:
    return "(" + ", ".join(f"{number:g}" for number in numbers) + ")"
