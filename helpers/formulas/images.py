"""Endless kinds of pictures, each given by a handful of numbers: what the backbone learns from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from scipy.ndimage import gaussian_filter

from helpers.formulas.fields import FAMILIES, Field, noise, values

SIDE = 128  # wavelengths are pixels of a picture of this side
# Strokes are rare: pictures of them have little in common.
SHARES = (0.16, 0.2, 0.16, 0.14, 0.12, 0.04, 0.08, 0.1)


@dataclass(frozen=True)
class Formula:
    """A kind of picture: patterns, colours, light, and how much pictures of it may differ.

    Attributes
    ----------
    ground, figure
        Two patterns.
    mixing
        How they meet: ``"add"``, ``"multiply"``, ``"object"`` (the second inside an outline) or
        ``"alone"`` (the first only).
    share
        Weight of the second pattern, 0…1.
    outline
        Radius of an object's outline in half sides, then amplitude and phase of its harmonics.
    palette
        Colours from dark to bright values: K×3 nested tuples in 0…1.
    relief
        Strength of the shading that a low light gives the pattern as if it were a height.
    light
        Direction of that light, in radians.
    dome
        Strength of the shading of a round object.
    blur
        Standard deviation of the picture's blur, in pixels of a side of 128.
    grain
        Standard deviation of the sensor's noise, in units of full brightness.
    turn
        Pictures of this kind are turned by up to this angle, in radians.
    unrest
        How much position, scale and brightness differ between pictures of this kind, 0…1.
    """

    ground: Field
    figure: Field
    mixing: str
    share: float
    outline: tuple[float, ...]
    palette: tuple[tuple[float, float, float], ...]
    relief: float
    light: float
    dome: float
    blur: float
    grain: float
    turn: float
    unrest: float


def draw_formula(rng: np.random.Generator) -> Formula:
    """Draw a kind of picture at random."""
    kinds = ("alone", "add", "multiply", "object")
    mixing = str(rng.choice(kinds, p=(0.35, 0.2, 0.15, 0.3)))
    harmonics = rng.normal(0, 0.07, 5) / np.arange(1, 6) ** 0.7
    return Formula(
        ground=_draw_field(rng),
        figure=_draw_field(rng),
        mixing=mixing,
        share=float(rng.uniform(0.2, 0.7)),
        outline=(
            float(rng.uniform(0.45, 0.85)),
            *harmonics.tolist(),
            *rng.uniform(0, 6.3, 5).tolist(),
        ),
        palette=_draw_palette(rng),
        relief=float(rng.choice((0.0, 1.0)) * rng.uniform(0.3, 1.5)),
        light=float(rng.uniform(0, 2 * np.pi)),
        dome=float(rng.uniform(0, 0.8)),
        blur=float(rng.uniform(0, 0.9)),
        grain=float(rng.uniform(0, 0.03)),
        turn=float(rng.choice((0.0, 0.04, 0.15, np.pi), p=(0.3, 0.35, 0.15, 0.2))),
        unrest=float(rng.uniform(0.1, 1)),
    )


def render_formula(formula: Formula, seed: int, side: int = SIDE) -> np.ndarray:
    """Draw one of the endlessly many pictures of a kind.

    Parameters
    ----------
    formula
        The kind.
    seed
        Which picture.
    side
        Its side in pixels; wavelengths do not change with it.

    Returns
    -------
    numpy.ndarray
        uint8, H×W×3.
    """
    rng = np.random.default_rng(seed)
    unrest = formula.unrest
    turn = rng.uniform(-1, 1) * formula.turn
    scale = np.exp(0.08 * unrest * rng.uniform(-1, 1))
    grid = (np.arange(side, dtype=np.float32) - (side - 1) / 2) * np.float32(scale)
    x, y = np.meshgrid(grid, grid)
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    x, y = cos * x + sin * y, cos * y - sin * x

    value = values(formula.ground, x, y, rng)
    dome = None
    if formula.mixing != "alone":
        other = values(formula.figure, x, y, rng)
        if formula.mixing == "add":
            value = (1 - formula.share) * value + formula.share * other
        elif formula.mixing == "multiply":
            value = value * (1 - formula.share + formula.share * other)
        else:
            inside, dome = _object(formula, x, y, rng, side)
            value = 0.35 * value * (1 - inside) + inside * (0.3 + 0.7 * other)
    picture = _coloured(value, formula.palette)
    if formula.relief:
        picture *= _shading(value, formula, rng)[..., None]
    if dome is not None:
        picture *= (1 - formula.dome + formula.dome * dome)[..., None]
    return _photograph(picture, formula, rng)


def render_formulas(
    formulas: Sequence[Formula], variants: int, seed: int, side: int = SIDE
) -> np.ndarray:
    """Draw ``variants`` pictures of each kind, on all cores.

    Returns
    -------
    numpy.ndarray
        uint8, K×V×3×H×W.
    """

    def one(number: int, formula: Formula) -> np.ndarray:
        seeds = np.random.SeedSequence((seed, number)).generate_state(variants)
        pictures = [render_formula(formula, int(s), side) for s in seeds]
        return np.stack(pictures).transpose(0, 3, 1, 2)

    jobs = (delayed(one)(number, formula) for number, formula in enumerate(formulas))
    return np.stack(Parallel(n_jobs=-1, batch_size=16)(jobs))


def _draw_field(rng: np.random.Generator) -> Field:
    order = int(rng.integers(0, 60))
    return Field(
        family=str(rng.choice(list(FAMILIES), p=SHARES)),
        wavelength=float(np.exp(rng.uniform(np.log(5), np.log(56)))),
        angle=float(rng.choice((0.0, np.pi / 4)) if rng.random() < 0.3 else rng.uniform(0, np.pi)),
        squash=float(np.exp(rng.choice((0.0, 1.0), p=(0.6, 0.4)) * rng.uniform(-1.6, 1.6))),
        profile=float(rng.random()),
        disorder=float(rng.random() * rng.random()),
        order=order,
        warp=float(rng.choice((0.0, 1.0), p=(0.45, 0.55)) * rng.uniform(0.05, 1.2)),
        warp_wavelength=float(np.exp(rng.uniform(np.log(0.7), np.log(6)))),
        seed=int(rng.integers(2**31)),
    )


def _draw_palette(rng: np.random.Generator) -> tuple[tuple[float, float, float], ...]:
    count = int(rng.integers(2, 5))
    if rng.random() < 0.6:  # from dark to bright, nearly of one hue, as most materials are
        level = np.sort(rng.uniform(0.02, 0.95, count))
        tint = 1 + rng.normal(0, rng.choice((0.0, 0.25)), 3)
        colours = level[:, None] * tint + rng.normal(0, 0.02, (count, 3))
        if rng.random() < 0.5:
            colours = colours[::-1]
    else:
        colours = rng.random((count, 3))
    return tuple(tuple(map(float, colour)) for colour in np.clip(colours, 0, 1))


def _coloured(value: np.ndarray, palette: tuple[tuple[float, float, float], ...]) -> np.ndarray:
    knots = np.linspace(0, 1, len(palette))
    table = np.stack(
        [np.interp(np.linspace(0, 1, 256), knots, channel) for channel in np.transpose(palette)],
        axis=1,
    ).astype(np.float32)
    return table[(value * 255).astype(np.uint8)]


def _object(
    formula: Formula, x: np.ndarray, y: np.ndarray, rng: np.random.Generator, side: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return how far each position is inside the outline (0…1), and the height of a dome."""
    half = side / 2
    dx, dy = rng.normal(0, 0.05 * formula.unrest, 2)
    a, b = x / half - dx, y / half - dy
    turn, radius = np.arctan2(b, a), np.hypot(a, b)
    base, *rest = formula.outline
    outline = np.full_like(x, base)
    for k, (amplitude, phase) in enumerate(zip(rest[:5], rest[5:], strict=True), start=1):
        outline += amplitude * np.cos(k * turn + phase)
    inside = np.clip((outline - radius) * half / 2 + 0.5, 0, 1)
    dome = np.sqrt(np.clip(1 - (radius / np.maximum(outline, 0.1)) ** 2, 0, 1))
    return inside, np.where(inside > 0, dome, 1)


def _shading(value: np.ndarray, formula: Formula, rng: np.random.Generator) -> np.ndarray:
    dy, dx = np.gradient(value)
    angle = formula.light + rng.normal(0, 0.1 * formula.unrest)
    slope = dx * np.float32(np.cos(angle)) + dy * np.float32(np.sin(angle))
    return np.clip(1 + 3 * formula.relief * slope, 0.2, 2)


def _photograph(picture: np.ndarray, formula: Formula, rng: np.random.Generator) -> np.ndarray:
    """Add what a camera adds: uneven light, exposure, blur and noise."""
    side = picture.shape[0]
    grid = np.arange(side, dtype=np.float32) / side
    uneven = noise(*np.meshgrid(grid, grid), rng) - 0.5
    light = 1 + 0.3 * formula.unrest * uneven + rng.normal(0, 0.04 * formula.unrest)
    picture = picture * light[..., None]
    if formula.blur > 0.3:
        picture = gaussian_filter(picture, (formula.blur, formula.blur, 0))
    picture = picture + rng.normal(0, 1, (side, side, 1)).astype(np.float32) * formula.grain
    return (np.clip(picture, 0, 1) * 255).astype(np.uint8)
