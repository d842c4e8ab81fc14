"""Scenes of formula-made objects with their exact masks: what the promptable segmenter learns from.

A ground, and on it objects: blobs, polygons, rings, stains and lines, plain or textured, with
shadows, soft edges and whatever contrast; or one large round part with damage on it. All is drawn
from random numbers; no photograph is involved.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np
from joblib import Parallel, delayed
from scipy.ndimage import gaussian_filter

from helpers.formulas.fields import noise
from helpers.formulas.images import draw_formula, render_formula

Made = TypeVar("Made")

SIDE = 128
MOST_OBJECTS = 6
FEWEST_PIXELS = 16  # of an object that counts; and so much of it must be in view
LEAST_IN_VIEW = 0.4
TEXTURE_MARGIN = 32  # a texture is so much larger than a scene, so that it can be cut anywhere


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture and its objects.

    Attributes
    ----------
    picture
        uint8, 3×S×S.
    masks
        bool, K×S×S, 1 ≤ K ≤ ``MOST_OBJECTS``: what is seen of each object. Damage belongs to
        itself and to the part it is on; what lies behind another object is not seen.
    """

    picture: np.ndarray
    masks: np.ndarray


@dataclass(frozen=True, eq=False)
class Scenes:
    """Many scenes in little memory.

    Attributes
    ----------
    pictures
        uint8, N×3×S×S.
    bits
        uint8, N×S×S: bit k of a pixel says whether it belongs to the scene's object k.
    counts
        int64, N: objects of each scene.
    """

    pictures: np.ndarray
    bits: np.ndarray
    counts: np.ndarray

    def masks(self, scene: int) -> np.ndarray:
        """Return the masks of a scene's objects: bool, K×S×S."""
        planes = 1 << np.arange(self.counts[scene])
        return (self.bits[scene] & planes[:, None, None]) > 0


def draw_textures(count: int, seed: int, side: int = SIDE) -> np.ndarray:
    """Draw patterns that fill a picture: uint8, N×P×P×3, P a margin larger than ``side``."""
    rng = np.random.default_rng((seed, 1))
    pictures = []
    for number in range(count):
        formula = draw_formula(rng)
        if formula.mixing == "object":  # an outline without a mask would teach to overlook it
            formula = replace(formula, mixing="alone")
        pictures.append(render_formula(formula, number, side + TEXTURE_MARGIN))
    return np.stack(pictures)


def draw_scene(
    textures: np.ndarray, difficulty: float, rng: np.random.Generator, side: int = SIDE
) -> Scene:
    """Draw a scene.

    Parameters
    ----------
    textures
        From ``draw_textures`` for this side.
    difficulty
        From 0 (a few large, plain, clear objects) to 1 (small, thin, textured and faint ones too).
    rng
        Source of the random numbers.
    side
        Of the picture, in pixels.
    """
    while True:
        picture = _surface(textures, difficulty, rng, side)
        masks: list[np.ndarray] = []
        areas: list[int] = []
        damaged_part = rng.random() < 0.4
        for number in range(int(rng.integers(2, MOST_OBJECTS - 1))):
            large = damaged_part and number == 0
            depth = _outline(difficulty, rng, side, masks[0] if masks and damaged_part else None,
                             large)  # fmt: skip
            mask = depth > 0
            if damaged_part and number:
                mask &= masks[0]
                depth = np.minimum(depth, np.where(masks[0], np.inf, -1))
            if mask.sum() < FEWEST_PIXELS:
                continue
            picture = _paint(picture, depth, textures, difficulty, rng, large)
            first = 1 if damaged_part else 0
            for behind in masks[first:]:
                behind &= ~mask
            masks.append(mask)
            areas.append(int(mask.sum()))
        seen = [
            mask
            for mask, area in zip(masks, areas, strict=True)
            if mask.sum() >= max(FEWEST_PIXELS, LEAST_IN_VIEW * area)
        ]
        if seen:
            return Scene(_photograph(picture, difficulty, rng), np.stack(seen))


def draw_each(
    made_of: Callable[[Scene], Made],
    count: int,
    seed: int,
    textures: np.ndarray,
    side: int = SIDE,
    workers: int = 1,
) -> list[Made]:
    """Draw scenes, each harder than the one before, and return what is made of each.

    Parameters
    ----------
    made_of
        Called with a scene where it was drawn; a function of a module.
    count, seed
        How many, and the source of the random numbers, which are each scene's own.
    textures, side
        See ``draw_scene``.
    workers
        Processes that draw; their number changes nothing.
    """
    draw = partial(_made, made_of, textures, seed, side)
    hardness = np.linspace(0, 1, count).tolist()
    return Parallel(n_jobs=workers, batch_size=64)(map(delayed(draw), range(count), hardness))


def _made(
    made_of: Callable[[Scene], Made],
    textures: np.ndarray,
    seed: int,
    side: int,
    number: int,
    difficulty: float,
) -> Made:
    rng = np.random.default_rng((seed, 2, number))
    return made_of(draw_scene(textures, difficulty, rng, side))


def draw_scenes(
    count: int, seed: int, textures: np.ndarray, side: int = SIDE, workers: int = 1
) -> Scenes:
    """Draw scenes, each harder than the one before; see ``draw_each``."""
    drawn = draw_each(_packed, count, seed, textures, side, workers)
    pictures, bits, counts = zip(*drawn, strict=True)
    return Scenes(np.stack(pictures), np.stack(bits), np.array(counts, np.int64))


def _packed(scene: Scene) -> tuple[np.ndarray, np.ndarray, int]:
    bits = np.zeros(scene.masks.shape[1:], np.uint8)
    for k, mask in enumerate(scene.masks):
        bits |= mask.astype(np.uint8) << k
    return scene.picture, bits, len(scene.masks)


def blob(u: np.ndarray, v: np.ndarray, size: float, rng: np.random.Generator) -> np.ndarray:
    """Depth inside a round outline whose radius is a Fourier series of the angle, in pixels."""
    turn, radius = np.arctan2(v, u), np.hypot(u, v)
    outline = np.full_like(u, size)
    unrest = size * rng.uniform(0, 0.25)
    for harmonic in range(2, 7):
        outline += (
            unrest
            / harmonic**0.7
            * np.float32(rng.normal())
            * np.cos(harmonic * turn + np.float32(rng.uniform(0, 2 * np.pi)))
        )
    return outline - radius


def polygon(u: np.ndarray, v: np.ndarray, size: float, rng: np.random.Generator) -> np.ndarray:
    """Depth inside a convex polygon of 3 to 7 edges, in pixels."""
    edges = int(rng.integers(3, 8))
    angles = (np.arange(edges) + rng.uniform(-0.25, 0.25, edges)) * 2 * np.pi / edges
    reach = size * rng.uniform(0.6, 1.0, edges)
    depth = np.full_like(u, np.inf)
    for angle, distance in zip(angles, reach, strict=True):
        depth = np.minimum(
            depth,
            np.float32(distance) - u * np.float32(np.cos(angle)) - v * np.float32(np.sin(angle)),
        )
    return depth


def ring(u: np.ndarray, v: np.ndarray, size: float, rng: np.random.Generator) -> np.ndarray:
    """Depth inside what is left of a blob when a smaller one is taken out, in pixels."""
    half = np.float32(max(1.2, size * rng.uniform(0.08, 0.3)))
    return half - np.abs(blob(u, v, size, rng) - half)


def stain(u: np.ndarray, v: np.ndarray, size: float, rng: np.random.Generator) -> np.ndarray:
    """Depth inside a blob with a ragged edge and holes, in pixels."""
    scale = size * rng.uniform(0.25, 0.7)
    ragged = noise(u / scale, v / scale, rng) - 0.5
    return 0.5 * blob(u, v, size, rng) + np.float32(size * rng.uniform(0.4, 1.0)) * ragged


def line(u: np.ndarray, v: np.ndarray, size: float, rng: np.random.Generator) -> np.ndarray:
    """Depth inside a walk, perhaps with a branch, in pixels: a crack, a thread, a pen's mark."""
    steps = int(rng.integers(4, 16))
    wander = float(rng.choice((0.1, 0.35, 0.8)))
    width = float(np.exp(rng.uniform(np.log(0.7), np.log(max(1.2, min(5.0, size / 4))))))
    tapered = rng.random() < 0.5
    start, heading = np.zeros(2), 0.0
    depth = np.full_like(u, -np.inf)
    for branch in range(1 + int(rng.random() < 0.3)):
        turns = heading + np.cumsum(rng.normal(0, wander, steps))
        stride = 2 * size / steps
        points = start + np.cumsum(np.stack([np.cos(turns), np.sin(turns)], 1) * stride, 0)
        points = np.vstack([start, points])
        if not branch:
            points -= points.mean(0)
        widths = width * (
            np.sin(np.linspace(0.25, np.pi - 0.25, steps)) if tapered else np.ones(steps)
        )
        for a, b, half in zip(points, points[1:], widths, strict=False):
            depth = np.maximum(depth, np.float32(max(half, 0.6)) - _to_segment(u, v, a, b))
        start, heading = (
            points[steps // 2],
            heading + float(rng.choice((-1, 1))) * rng.uniform(0.5, 1.3),
        )
        steps = max(2, steps // 2)
    return depth


Outline = Callable[[np.ndarray, np.ndarray, float, np.random.Generator], np.ndarray]
OUTLINES: tuple[Outline, ...] = (blob, polygon, ring, stain, line)


def _to_segment(u: np.ndarray, v: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the distance of each position from the segment between two points."""
    (ax, ay), (bx, by) = a.astype(np.float32), b.astype(np.float32)
    dx, dy = bx - ax, by - ay
    along = ((u - ax) * dx + (v - ay) * dy) / max(dx * dx + dy * dy, np.float32(1e-6))
    along = np.clip(along, 0, 1)
    return np.hypot(u - ax - along * dx, v - ay - along * dy)


def _outline(
    difficulty: float,
    rng: np.random.Generator,
    side: int,
    part: np.ndarray | None,
    large: bool,
) -> np.ndarray:
    """Return the depth of each pixel inside a new object, in pixels: float32, S×S."""
    grid = np.arange(side, dtype=np.float32)
    if large:
        size, middle = side * rng.uniform(0.26, 0.46), side * rng.uniform(0.4, 0.6, 2)
        shape: Outline = blob
    else:
        smallest, largest = 0.1 * side * (1 - difficulty) + 2.5, 0.3 * side
        size = float(np.exp(rng.uniform(np.log(smallest), np.log(largest))))
        middle = side * rng.uniform(0.05, 0.95, 2)
        shares = np.array((0.3, 0.2, 0.12, 0.13 + 0.1 * difficulty, 0.1 + 0.2 * difficulty))
        shape = OUTLINES[int(rng.choice(len(OUTLINES), p=shares / shares.sum()))]
        if shape is line:
            size *= 1.6
        if part is not None:
            size *= 0.6
            rows, columns = np.nonzero(part)
            pixel = int(rng.integers(len(rows)))
            middle = np.array((columns[pixel], rows[pixel]), float)
    turn, squash = rng.uniform(0, 2 * np.pi), np.exp(rng.uniform(-0.5, 0.5) * (0.4 if large else 1))
    x, y = np.meshgrid(grid - np.float32(middle[0]), grid - np.float32(middle[1]))
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    u, v = (cos * x + sin * y), (cos * y - sin * x)
    if shape is not line:  # a line has a width of its own
        u, v = u * np.float32(squash), v / np.float32(squash)
    return shape(u, v, float(size), rng).astype(np.float32)


def _colour(rng: np.random.Generator) -> np.ndarray:
    level = rng.uniform(0.03, 0.97)
    tint = rng.normal(0, float(rng.choice((0.03, 0.25))), 3)
    return np.clip(level * (1 + tint), 0, 1).astype(np.float32)


def _surface(
    textures: np.ndarray, difficulty: float, rng: np.random.Generator, side: int
) -> np.ndarray:
    """Return a material that fills the picture: float32 S×S×3."""
    if rng.random() < 0.5 - 0.35 * difficulty:
        return np.broadcast_to(_colour(rng), (side, side, 3)).copy()
    texture = textures[int(rng.integers(len(textures)))]
    top, left = rng.integers(0, texture.shape[0] - side + 1, 2)
    cut = np.rot90(texture[top : top + side, left : left + side], int(rng.integers(4)))
    cut = cut.astype(np.float32) / 255
    strength = np.float32(rng.uniform(0.1, 0.3 + 0.7 * difficulty))
    mean = cut.mean((0, 1))
    base = mean if rng.random() < 0.5 else _colour(rng)
    return np.clip(base + strength * (cut - mean), 0, 1)


def _paint(
    picture: np.ndarray,
    depth: np.ndarray,
    textures: np.ndarray,
    difficulty: float,
    rng: np.random.Generator,
    large: bool,
) -> np.ndarray:
    """Return the picture with an object on it, float32 S×S×3."""
    side = len(picture)
    soft = np.float32(rng.uniform(0.7, 1.2 + 1.6 * difficulty))
    cover = np.clip(depth / soft + 0.5, 0, 1)
    mask = depth > 0
    if large or rng.random() < 0.6:
        material = _surface(textures, difficulty, rng, side)
    else:  # what is beneath shines through: burns, wet spots, scratches, prints
        weight = np.float32(rng.uniform(0.3, 0.9))
        material = (1 - weight) * picture + weight * _colour(rng)
    difference = (material - picture)[mask]
    least = np.float32(0.22 - 0.15 * difficulty)
    if np.abs(difference.mean(0)).mean() < least:
        sign = 1.0 if picture[mask].mean() < 0.5 else -1.0
        material = material + np.float32(sign * rng.uniform(1, 3)) * least
    if large or rng.random() < 0.25:  # a dome, or a hollow
        deepest = max(float(depth.max()), 1.0)
        height = np.sqrt(np.clip(1 - (1 - np.clip(depth / deepest, 0, 1)) ** 2, 0, 1))
        strength = np.float32(rng.uniform(0.1, 0.6))
        material = material * (1 - strength + strength * height)[..., None]
    if rng.random() < 0.2:  # a rim, darker or brighter
        rim = np.exp(-((depth / np.float32(rng.uniform(1, 3))) ** 2))
        material = material * (1 + np.float32(rng.uniform(-0.5, 0.4)) * rim)[..., None]
    if rng.random() < 0.3:
        grid = np.linspace(-1, 1, side, dtype=np.float32)
        slope = rng.uniform(-0.3, 0.3, 2).astype(np.float32)
        material = material * (1 + slope[0] * grid + slope[1] * grid[:, None])[..., None]
    if rng.random() < 0.25:
        shift = tuple(int(s) for s in rng.integers(-5, 6, 2))
        shade = gaussian_filter(np.roll(cover, shift, (0, 1)), rng.uniform(1, 5))
        picture = picture * (1 - np.float32(rng.uniform(0.2, 0.7)) * shade)[..., None]
    cover = cover[..., None]
    return np.clip(picture * (1 - cover) + material * cover, 0, 1)


def _photograph(picture: np.ndarray, difficulty: float, rng: np.random.Generator) -> np.ndarray:
    """Add what a camera adds: uneven light, blur and noise. uint8, 3×S×S."""
    side = len(picture)
    grid = np.linspace(-1, 1, side, dtype=np.float32)
    slope = rng.normal(0, 0.1, 2).astype(np.float32)
    picture = picture * (1 + slope[0] * grid + slope[1] * grid[:, None])[..., None]
    blur = rng.uniform(0, 0.3 + 0.5 * difficulty)
    if blur > 0.3:
        picture = gaussian_filter(picture, (blur, blur, 0))
    grain = np.float32(rng.uniform(0, 0.01 + 0.03 * difficulty))
    picture = picture + grain * rng.standard_normal((side, side, 1), dtype=np.float32)
    return (np.clip(picture, 0, 1) * 255).astype(np.uint8).transpose(2, 0, 1)
