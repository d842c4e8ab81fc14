"""Patterns given by a formula: stripes, lattices, noise, cells, dots, strokes, fractals, shapes.

Each family maps positions to values between 0 and 1. Coordinates are in wavelengths, so that a
family knows nothing of pixels, and every random number comes from the generator it is handed.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

TABLE = 64


@dataclass(frozen=True)
class Field:
    """One pattern: its family and its parameters.

    Attributes
    ----------
    family
        A key of ``FAMILIES``.
    wavelength
        Pixels from one repeat to the next, in a picture of 128 × 128.
    angle
        Direction, in radians.
    squash
        How many times longer a repeat is along the direction than across it.
    profile
        From 0 (thin lines, small spots) to 1 (broad ones).
    disorder
        From 0 (regular) to 1 (random).
    order
        Whole number that selects the variety: harmonics, octaves, corners.
    warp, warp_wavelength
        Amplitude and repeat of the bending of the coordinates, in wavelengths.
    seed
        Of what belongs to the pattern itself, such as a fractal's maps.
    """

    family: str
    wavelength: float
    angle: float
    squash: float
    profile: float
    disorder: float
    order: int
    warp: float
    warp_wavelength: float
    seed: int


def values(field: Field, x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the pattern at positions in pixels (of a picture of 128 × 128).

    Parameters
    ----------
    field
        The pattern.
    x, y
        H×W, in pixels.
    rng
        Chooses one of the endlessly many pictures of the same pattern.

    Returns
    -------
    numpy.ndarray
        float32, H×W, between 0 and 1.
    """
    cos, sin = np.cos(field.angle), np.sin(field.angle)
    u = (cos * x + sin * y) / field.wavelength
    v = (cos * y - sin * x) / field.wavelength * field.squash
    u, v = u + rng.uniform(0, TABLE), v + rng.uniform(0, TABLE)
    if field.warp:
        a, b = u / field.warp_wavelength, v / field.warp_wavelength
        u = u + field.warp * (noise(a, b, rng) - 0.5)
        v = v + field.warp * (noise(a + 7.3, b + 2.9, rng) - 0.5)
    result = FAMILIES[field.family](field, u.astype(np.float32), v.astype(np.float32), rng)
    return np.clip(result, 0, 1).astype(np.float32)


def noise(u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return smooth random values in 0…1 that change over about one unit (Perlin, 1985)."""
    table = rng.random((TABLE, TABLE), dtype=np.float32)
    i, j = np.floor(u), np.floor(v)
    a, b = u - i, v - j
    a, b = a * a * (3 - 2 * a), b * b * (3 - 2 * b)
    i, j = i.astype(np.int32) % TABLE, j.astype(np.int32) % TABLE
    i1, j1 = (i + 1) % TABLE, (j + 1) % TABLE
    top = table[i, j] * (1 - a) + table[i1, j] * a
    bottom = table[i, j1] * (1 - a) + table[i1, j1] * a
    return top * (1 - b) + bottom * b


def _wave(field: Field, phase: np.ndarray) -> np.ndarray:
    """Return a wave of period 1: a line where the phase is whole, as broad as the profile says."""
    distance = np.abs(phase - np.round(phase))
    half = 0.06 + 0.34 * field.profile
    soft = 0.03 + 0.2 * (field.order % 3) / 2
    return 1 / (1 + np.exp(np.clip((distance - half) / soft * 4, -30, 30)))


def stripes(field: Field, u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Parallel lines; with disorder their strength differs from line to line."""
    strength = 1 - field.disorder * noise(np.round(u) * 1.7, np.zeros_like(u), rng)
    return _wave(field, u) * strength


def lattice(field: Field, u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Two crossing sets of lines: mesh, weave or checks, as the order says."""
    skew = field.disorder * 0.6
    one, two = _wave(field, u), _wave(field, v + skew * u)
    kind = field.order % 4
    if kind == 0:
        return np.maximum(one, two)
    if kind == 1:
        over = (np.floor(u + 0.5) + np.floor(v + skew * u + 0.5)) % 2
        return np.maximum(one * (0.45 + 0.55 * over), two * (1 - 0.55 * over))
    if kind == 2:
        return np.abs(one - two)
    return (one + two) / 2


def octaves(field: Field, u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Noise over several octaves; a small profile leaves only its ridges."""
    total, weight = np.zeros_like(u), 0.0
    gain = 0.35 + 0.5 * field.disorder
    for octave in range(1 + field.order % 5):
        layer = noise(u * 2**octave, v * 2**octave, rng)
        if field.profile < 0.4:
            layer = 1 - np.abs(2 * layer - 1) * 1.6
        total += gain**octave * layer
        weight += gain**octave
    return 0.5 + (total / weight - 0.5) * 1.8


def cells(field: Field, u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cells round jittered points: walls, pebbles or tiles (Worley, 1996)."""
    points = rng.random((3, TABLE, TABLE), dtype=np.float32)
    shift = 0.5 * (field.order % 2)  # every second row moved on: bricks and honeycombs
    j = np.floor(v).astype(np.int32)
    first = np.full(u.shape, 9.0, np.float32)
    second, shade = first.copy(), first.copy()
    for dj in (-1, 0, 1):
        row = j + dj
        moved = u + shift * (row % 2)
        i = np.floor(moved).astype(np.int32)
        for di in (-1, 0, 1):
            column = i + di
            key = row % TABLE, column % TABLE
            px = column + 0.5 + field.disorder * (points[0][key] - 0.5)
            py = row + 0.5 + field.disorder * (points[1][key] - 0.5)
            distance = np.hypot(px - moved, py - v)
            nearer = distance < first
            second = np.where(nearer, first, np.minimum(second, distance))
            shade = np.where(nearer, points[2][key], shade)
            first = np.minimum(first, distance)
    wall = np.clip((second - first) / (0.08 + 0.5 * field.profile), 0, 1)
    kind = field.order % 3
    if kind == 0:
        return wall
    if kind == 1:
        return wall * (0.4 + 0.6 * shade)
    return 1 - first * 1.1


def dots(field: Field, u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Spots on a jittered grid, of one size or of many."""
    points = rng.random((4, TABLE, TABLE), dtype=np.float32)
    i, j = np.floor(u).astype(np.int32), np.floor(v).astype(np.int32)
    result = np.zeros_like(u)
    for dj in (-1, 0, 1):
        for di in (-1, 0, 1):
            key = (j + dj) % TABLE, (i + di) % TABLE
            px = i + di + 0.5 + field.disorder * (points[0][key] - 0.5)
            py = j + dj + 0.5 + field.disorder * (points[1][key] - 0.5)
            size = (0.12 + 0.35 * field.profile) * (1 - 0.7 * field.disorder * points[2][key])
            there = points[3][key] >= 0.6 * field.disorder
            distance = np.hypot(px - u, py - v)
            edge = 0.05 + 0.1 * (field.order % 3)
            result = np.maximum(result, there * np.clip((size - distance) / edge + 0.5, 0, 1))
    return result


def strokes(field: Field, u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Fibres, hairs and scratches: random curves, drawn point by point."""
    height, width = u.shape
    count = int(6 + 60 * field.disorder)
    steps = np.linspace(0, 1, 3 * width)
    length = width * np.exp(rng.uniform(np.log(0.1), np.log(1.2), (count, 1)))
    spread = 0.15 + 1.5 * (field.order % 3)
    angle = field.angle + rng.normal(0, spread, (count, 1)) + rng.normal(0, 1, (count, 1)) * steps
    step = length * (steps[1] - steps[0])
    x = rng.uniform(-0.2, 1.2, (count, 1)) * width + np.cumsum(np.cos(angle) * step, axis=1)
    y = rng.uniform(-0.2, 1.2, (count, 1)) * height + np.cumsum(np.sin(angle) * step, axis=1)
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    canvas = np.zeros(u.shape, np.float32)
    canvas[y[inside].astype(int), x[inside].astype(int)] = 1
    blur = 0.6 + 1.6 * field.profile
    return gaussian_filter(canvas, blur) * (1 + 2.2 * blur)


def fractal(field: Field, u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw an iterated function system by the chaos game (Barnsley, 1988), and repeat it."""
    own = np.random.default_rng(field.seed)
    maps = own.uniform(-1, 1, (2 + field.order % 4, 2, 3))
    # Contracting maps only: the largest singular value is brought below 1.
    for m in maps:
        m[:, :2] *= own.uniform(0.45, 0.85) / np.linalg.norm(m[:, :2], 2)
    weights = np.abs(np.linalg.det(maps[:, :, :2])) + 0.05
    points = rng.uniform(-1, 1, (512, 2))
    track = []
    for step in range(56):
        chosen = maps[rng.choice(len(maps), 512, p=weights / weights.sum())]
        points = np.einsum("nij,nj->ni", chosen[:, :, :2], points) + chosen[:, :, 2]
        if step >= 8:
            track.append(points)
    cloud = np.concatenate(track)
    low, high = np.percentile(cloud, [1, 99], axis=0)
    tile = 48
    position = ((cloud - low) / np.maximum(high - low, 1e-6) * 0.9 + 0.05) * tile
    position = position[((position >= 0) & (position < tile)).all(axis=1)].astype(int)
    canvas = np.zeros((tile, tile), np.float32)
    np.add.at(canvas, (position[:, 0], position[:, 1]), 1)
    canvas = gaussian_filter(np.log1p(canvas), 0.5, mode="wrap")
    canvas /= canvas.max()
    i = (np.floor(u * tile / 2).astype(np.int32)) % tile
    j = (np.floor(v * tile / 2).astype(np.int32)) % tile
    return canvas[i, j]


def shapes(field: Field, u: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One closed outline in each cell of a grid, its radius a Fourier series of the angle."""
    own = np.random.default_rng(field.seed)
    a, b = u - np.floor(u) - 0.5, v - np.floor(v) - 0.5
    turn, radius = np.arctan2(b, a), np.hypot(a, b)
    outline = np.full_like(u, 0.24 + 0.14 * field.profile)
    for harmonic in range(1, 3 + field.order % 5):
        outline += own.normal(0, 0.06 / harmonic**0.5) * np.cos(
            harmonic * turn + own.uniform(0, 2 * np.pi)
        )
    inside = np.clip((outline - radius) / 0.06 + 0.5, 0, 1)
    ring = np.clip(1 - np.abs(outline - radius) / 0.08, 0, 1)
    return ring if field.order % 3 == 2 else inside


Family = Callable[[Field, np.ndarray, np.ndarray, np.random.Generator], np.ndarray]

FAMILIES: dict[str, Family] = {
    "stripes": stripes,
    "lattice": lattice,
    "octaves": octaves,
    "cells": cells,
    "dots": dots,
    "strokes": strokes,
    "fractal": fractal,
    "shapes": shapes,
}
