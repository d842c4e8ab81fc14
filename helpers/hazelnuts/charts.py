"""Local maps of a nut's surface, and distances to the lines and polygons drawn on them."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from helpers.hazelnuts.shape import Shape, Surface, trace_rays

SHRINK = (1.0, 0.9, 0.8, 0.65, 0.5, 0.3, 0.0)


@dataclass(frozen=True)
class Chart:
    """A point of the surface with two tangents there, and what the camera and the light see."""

    origin: np.ndarray  # float32 3, camera's axes, nut radii
    axes: np.ndarray  # float32 3 × 3: two tangents and the normal
    sight: np.ndarray  # float32 2: how far the line of sight runs sideways per unit of depth
    scar: bool  # whether the point lies on the basal scar


def chart_at(shape: Shape, place: np.ndarray, angle: float) -> Chart:
    """Return the chart at a place of the nut's disc.

    Parameters
    ----------
    shape
        The nut.
    place
        x right and y down, in nut radii from its middle; moved inwards until it is on the nut.
    angle
        Of the first tangent, from the meridian through the point.
    """
    for shrink in SHRINK:
        x = shape.centre[0] + shape.scale * shrink * place[0]
        y = shape.centre[1] + shape.scale * shrink * place[1]
        point = trace_rays(shape, np.array([x]), np.array([y]))
        if point.normal.shape[1] and point.normal[2, 0] > 0.3:
            break
    normal = point.normal[:, 0]
    meridian = shape.pose[2] - (shape.pose[2] @ normal) * normal
    meridian /= np.linalg.norm(meridian) + 1e-6
    other = np.cross(normal, meridian)
    first = np.cos(angle) * meridian + np.sin(angle) * other
    axes = np.stack([first, np.cross(normal, first), normal]).astype(np.float32)
    sight = -axes[:2, 2] / max(axes[2, 2], 0.35)
    return Chart(point.position[:, 0], axes, sight, bool(point.scar[0]))


def locate(chart: Chart, surface: Surface) -> np.ndarray:
    """Return the samples' coordinates in the chart (float32 2 × n, nut radii).

    Directions are those in the tangent plane, distances those straight through space, so a figure
    drawn in the chart bends with the surface.
    """
    offset = surface.position - chart.origin[:, None]
    flat = chart.axes[:2] @ offset
    length = np.sqrt((offset * offset).sum(axis=0))
    return flat * (length / (np.sqrt((flat * flat).sum(axis=0)) + np.float32(1e-6)))


def line_distance(points: np.ndarray, line: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distance to a broken line and the place along it of the nearest point.

    Parameters
    ----------
    points
        2 × n.
    line
        k × 2 corners.

    Returns
    -------
    tuple of np.ndarray
        float32 n each: distance; place from 0 (first corner) to 1 (last).
    """
    best = np.full(points.shape[1], np.inf, np.float32)
    place = np.zeros(points.shape[1], np.float32)
    lengths = np.hypot(*np.diff(line, axis=0).T)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    for start, end, before, length in zip(line[:-1], line[1:], starts, lengths, strict=False):
        way = ((end - start) / length).astype(np.float32)
        a = points[0] - np.float32(start[0])
        b = points[1] - np.float32(start[1])
        along = np.clip(a * way[0] + b * way[1], 0, np.float32(length))
        distance = np.hypot(a - along * way[0], b - along * way[1])
        nearer = distance < best
        best = np.where(nearer, distance, best)
        place = np.where(nearer, np.float32(before) + along, place)
    return best, place / np.float32(starts[-1])


def polygon_depth(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Return the distance to a polygon's edge, positive inside (float32 n)."""
    closed = np.concatenate([corners, corners[:1]])
    distance, _ = line_distance(points, closed)
    inside = np.zeros(points.shape[1], bool)
    for (a0, b0), (a1, b1) in pairwise(closed):
        if b0 != b1:
            crosses = (points[1] < b0) != (points[1] < b1)
            inside ^= crosses & (points[0] < a0 + (points[1] - b0) * ((a1 - a0) / (b1 - b0)))
    return np.where(inside, distance, -distance)


def jagged_line(
    start: np.ndarray, end: np.ndarray, roughness: float, rng: np.random.Generator
) -> np.ndarray:
    """Return a line of 17 corners from ``start`` to ``end``, its midpoints displaced at random."""
    line = np.stack([start, end])
    for _ in range(4):
        way = np.diff(line, axis=0)
        across = np.stack([-way[:, 1], way[:, 0]], axis=1)
        middle = (line[1:] + line[:-1]) / 2
        middle += across * rng.normal(0, roughness, (len(way), 1))
        joined = np.empty((2 * len(line) - 1, 2))
        joined[::2], joined[1::2] = line, middle
        line = joined
    return line
