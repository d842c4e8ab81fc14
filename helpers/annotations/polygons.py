"""Outlines: from a region to a polygon along its pixels' edges, and back to pixels."""

from collections.abc import Sequence

import numpy as np
from pycocotools import mask as coco_mask

from helpers.annotations.regions import Region, from_run_lengths, region_from_run_lengths

# Every pixel's centre is half a pixel or more from the edges: up to here none changes sides.
EXACT = 0.5
MOST_STEPS = 2**22  # pixels along outlines: pycocotools makes a list of five times as many
# Directions along the pixel edges as (dx, dy): right, down, left, up.
STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))


def outlines(region: Region) -> list[np.ndarray]:
    """Return the closed outlines of a region: around it first, then around each hole.

    The vertices are corners of pixels, so pixel (row, column) covers the square from
    (column, row) to (column + 1, row + 1). The outside runs clockwise on the screen, holes run
    counter-clockwise. Pixels that touch at a corner stay within one outline.

    Returns
    -------
    list of np.ndarray
        int, N×2 each: x and y of the vertices, in the image.
    """
    goes = _edges(region.bits)
    loops = []
    while goes:
        place = start = min(goes)
        heading, loop = None, []
        while heading is None or place != start:
            heading = _turn(goes, place, heading)
            loop.append(place)
            place = (place[0] + STEPS[heading][0], place[1] + STEPS[heading][1])
        loops.append(_corners(np.array(loop)) + np.array([region.left, region.top]))
    return sorted(loops, key=lambda loop: -signed_area(loop))


def signed_area(polygon: np.ndarray) -> float:
    """Return the area of a polygon (N×2): positive when it runs clockwise on the screen.

    The shoelace formula, with y pointing down as rows do.
    """
    x, y = np.asarray(polygon, float).T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def simplified(polygon: np.ndarray, tolerance: float) -> np.ndarray:
    """Drop vertices of a closed polygon that lie within ``tolerance`` pixels of what remains.

    Ramer (1972), Douglas and Peucker (1973), on the two halves between the first vertex and the
    one farthest from it. A polygon that would be left with less than three vertices stays whole.

    Raises
    ------
    ValueError
        When the tolerance is negative.
    """
    if not tolerance >= 0:
        raise ValueError(f"the tolerance is a distance in pixels, at least 0; got {tolerance}.")
    if tolerance == 0:
        return polygon
    far = int(np.hypot(*(polygon - polygon[0]).T).argmax())
    closed = np.concatenate([polygon, polygon[:1]]).astype(float)
    kept = np.zeros(len(closed), bool)
    kept[[0, far, -1]] = True
    stretches = [(0, far), (far, len(polygon))]
    while stretches:
        first, last = stretches.pop()
        if last - first < 2:
            continue
        apart = _distances(closed[first + 1 : last], closed[first], closed[last])
        worst = int(apart.argmax())
        if apart[worst] > tolerance:
            middle = first + 1 + worst
            kept[middle] = True
            stretches += [(first, middle), (middle, last)]
    short = polygon[kept[:-1]]
    return short if len(short) >= 3 and signed_area(short) else polygon


def polygon(region: Region, tolerance: float = EXACT) -> np.ndarray:
    """Return a region as one polygon: N×2, x and y in the image.

    No format lets a polygon have holes. Each hole is tied to the outside by a cut of no width,
    there and back, so that the polygon goes around it. Filled by the even-odd rule or by pixel
    centres, as COCO's tools do, the cut covers nothing.

    Parameters
    ----------
    region
        One object.
    tolerance
        In pixels; see `simplified`. Up to ``EXACT``, half a pixel, `filled` gives the region back.
    """
    outside, *holes = (simplified(loop, tolerance) for loop in outlines(region))
    for hole in holes:
        square = ((outside[:, None] - hole[None]) ** 2).sum(-1)
        here, there = np.unravel_index(square.argmin(), square.shape)
        around = np.concatenate([np.roll(hole, -there, axis=0), hole[there : there + 1]])
        outside = np.concatenate([outside[: here + 1], around, outside[here:]])
    return outside


def filled(polygons: Sequence[np.ndarray], height: int, width: int) -> np.ndarray:
    """Return the pixels whose centres lie in one of the polygons: bool, height × width.

    Filled by pycocotools, hence just as COCO's evaluation does.

    Raises
    ------
    ValueError
        When there is no polygon, or one has less than three vertices.
    """
    return from_run_lengths(_runs(polygons, height, width))


def filled_region(polygons: Sequence[np.ndarray], height: int, width: int) -> Region:
    """Return the same pixels as one region, without making the image.

    Raises
    ------
    ValueError
        As for `filled`, and when no centre is covered or the outlines are too long.
    """
    steps = sum(np.abs(points - np.roll(points, 1, axis=0)).max(1).sum() for points in polygons)
    if steps > MOST_STEPS:
        raise ValueError(f"an outline is {steps:.0f} pixels long; at most {MOST_STEPS} are read.")
    return region_from_run_lengths(_runs(polygons, height, width))


def _runs(polygons: Sequence[np.ndarray], height: int, width: int) -> dict:
    flat = [np.asarray(points, float).ravel().tolist() for points in polygons]
    if not flat or min(map(len, flat)) < 6:
        raise ValueError(f"a polygon needs three vertices or more; got {list(map(len, flat))} / 2.")
    return coco_mask.merge(coco_mask.frPyObjects(flat, height, width))


def _edges(bits: np.ndarray) -> dict[tuple[int, int], list[int]]:
    """Return for each corner the headings of the pixel edges that start there, inside on the right.

    An edge of length 1 lies between a marked pixel and one that is not.
    """
    padded = np.pad(bits, 1)
    inside = padded[1:-1, 1:-1]
    beyond = (padded[:-2, 1:-1], padded[1:-1, 2:], padded[2:, 1:-1], padded[1:-1, :-2])
    first = ((0, 0), (1, 0), (1, 1), (0, 1))  # where the upper, right, lower, left edge starts
    goes: dict[tuple[int, int], list[int]] = {}
    for heading, (other, (dx, dy)) in enumerate(zip(beyond, first, strict=True)):
        for row, column in np.argwhere(inside & ~other).tolist():
            goes.setdefault((column + dx, row + dy), []).append(heading)
    return goes


def _turn(goes: dict, place: tuple[int, int], heading: int | None) -> int:
    """Take the edge that goes on from here; at a crossing turn left, into the pixel across."""
    choices = goes[place]
    left = None if heading is None else (heading - 1) % 4
    taken = left if left in choices else choices[0]
    choices.remove(taken)
    if not choices:
        del goes[place]
    return taken


def _corners(loop: np.ndarray) -> np.ndarray:
    """Drop the vertices in the middle of straight stretches."""
    before, after = loop - np.roll(loop, 1, axis=0), np.roll(loop, -1, axis=0) - loop
    return loop[(before != after).any(axis=1)]


def _distances(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the distances of N×2 points from the straight stretch between two points."""
    along = end - start
    square = float(along @ along)
    share = ((points - start) @ along / square).clip(0, 1)[:, None] if square else 0.0
    return np.hypot(*(points - start - share * along).T)
