"""Trays of nuts that keep a rule, and trays that break it: logical anomalies, drawn.

The rule: four compartments, one nut in each, pale ones on the left and dark ones on the right.
Where in its compartment a nut lies is free. Each nut of a tray that breaks the rule is sound.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from helpers.errors import did_you_mean
from helpers.hazelnuts.camera import BACKGROUND, add_sensor_noise
from helpers.hazelnuts.defects import draw_defect
from helpers.hazelnuts.render import JUST_VISIBLE
from helpers.hazelnuts.shape import random_shape, trace_rays
from helpers.hazelnuts.skin import gloss, paint, random_appearance
from helpers.hazelnuts.tiers import TIERS, Tier, Uniform

KINDS = ("good", "hole", "missing", "extra", "swapped")
SMALLEST, LARGEST = 64, 512  # pixels
SAMPLES = 2  # along a pixel's side
RADIUS = 0.09  # of a nut, in tray widths, as are all lengths here
WALL = 0.012  # half the width of the walls between the compartments and around them
MARGIN = 0.13  # from a compartment's border to the middle of a nut
APART = 0.23  # the middles of two nuts in one compartment
REACH = 1.6  # nut radii; no nut is longer from its middle
BRIGHTNESS = {"pale": 1.2, "dark": 0.55}  # factors on the shell
WOOD = np.array([0.34, 0.36, 0.40], np.float32)[:, None, None]  # of the walls
_CLEAR = TIERS["easy"].plain
_LOOK = replace(_CLEAR, hole=replace(_CLEAR.hole, radius=Uniform(0.3, 0.4)))
WIDE_HOLES: Tier = replace(TIERS["easy"], slight=_LOOK, plain=_LOOK)


@dataclass(frozen=True, eq=False)
class Tray:
    """One tray.

    Attributes
    ----------
    image
        uint8, 3 × size × size.
    mask
        bool, size × size: every pixel that one may point at to say what is wrong. For a missing nut
        it is the inside of its compartment, for it could lie anywhere in it; for a nut too many it
        is both nuts of the compartment. Empty for a tray that keeps the rule.
    saturation
        How many pixels of the mask are enough: of a missing nut, as many as that nut would cover;
        of a nut too many, the smaller one's. Else all of the mask.
    nuts
        How many there are.
    """

    image: np.ndarray
    mask: np.ndarray
    saturation: int
    nuts: int


@dataclass(frozen=True)
class _Nut:
    """What is drawn in a compartment."""

    seed: np.random.SeedSequence
    centre: tuple[float, float]  # from the tray's middle: right, down
    kind: str
    hole: bool = False


def draw_tray(seed: int, kind: str = "good", size: int = 128) -> Tray:
    """Draw one tray; the same seed shows the same nuts in the same places with each kind.

    Parameters
    ----------
    seed
        Any non-negative integer.
    kind
        ``"good"``; ``"hole"``, damage to one nut (a structural anomaly); or one that breaks the
        rule (a logical anomaly): ``"missing"``, a nut too few; ``"extra"``, a nut too many;
        ``"swapped"``, a pale and a dark nut that have changed places.
    size
        Height and width in pixels, 64 to 512.

    Raises
    ------
    ValueError
        When the kind is unknown or the size out of range.
    """
    if kind not in KINDS:
        raise ValueError(f"There is no tray {kind!r}. {did_you_mean(str(kind), KINDS)}")
    if not SMALLEST <= size <= LARGEST:
        raise ValueError(f"The size must lie between {SMALLEST} and {LARGEST} pixels, not {size}.")
    place_seed, change_seed, ground_seed, noise_seed, *nut_seeds = np.random.SeedSequence(
        seed
    ).spawn(9)
    places, changes = np.random.default_rng(place_seed), np.random.default_rng(change_seed)
    nuts = []
    for compartment in range(4):
        centre = _inside(compartment, places)
        nuts.append(_Nut(nut_seeds[compartment], centre, ("pale", "dark")[compartment % 2]))
    chosen = int(changes.integers(4))
    wrong: list[int] = []
    if kind == "hole":
        nuts[chosen] = replace(nuts[chosen], hole=True)
    elif kind == "swapped":
        wrong = [chosen - chosen % 2, chosen - chosen % 2 + 1]  # a row: one left, one right
        for i, other in zip(wrong, ("dark", "pale"), strict=True):
            nuts[i] = replace(nuts[i], kind=other)
    elif kind == "extra":
        first, second = _two_inside(chosen, changes)
        nuts[chosen] = replace(nuts[chosen], centre=first)
        nuts.append(replace(nuts[chosen], seed=nut_seeds[4], centre=second))
        wrong = [chosen, 4]

    picture = _ground(size, np.random.default_rng(ground_seed))
    shares, holed = [], np.zeros((size, size), bool)
    for i, nut in enumerate(nuts):
        share, hole = _draw(picture, nut, drawn=not (kind == "missing" and i == chosen))
        shares.append(share > 0.5)
        holed |= hole
    mask, saturation = holed, int(holed.sum())
    if kind == "missing":
        mask, saturation = _floor(chosen, size), int(shares[chosen].sum())
    elif wrong:
        mask = np.any([shares[i] for i in wrong], axis=0)
        areas = [int(shares[i].sum()) for i in wrong]
        saturation = min(areas) if kind == "extra" else sum(areas)
    image = add_sensor_noise(picture, np.random.default_rng(noise_seed)).transpose(2, 0, 1)
    return Tray(image, mask, saturation, len(nuts) - (kind == "missing"))


def draw_trays(
    seeds: Iterable[int], kind: str = "good", size: int = 128
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw a tray for each seed: uint8 N×3×H×H, masks, bool N×H×H, and saturations, int N."""
    drawn = [draw_tray(seed, kind, size) for seed in seeds]
    images, masks = np.stack([tray.image for tray in drawn]), np.stack([t.mask for t in drawn])
    return images, masks, np.array([tray.saturation for tray in drawn])


def _corner(compartment: int) -> np.ndarray:
    """Return the left and upper border of a compartment, from the tray's middle."""
    return np.array([compartment % 2, compartment // 2]) / 2 - 0.5


def _inside(compartment: int, rng: np.random.Generator) -> tuple[float, float]:
    x, y = _corner(compartment) + rng.uniform(MARGIN, 0.5 - MARGIN, 2)
    return float(x), float(y)


def _two_inside(compartment: int, rng: np.random.Generator) -> tuple:
    while True:
        first, second = _inside(compartment, rng), _inside(compartment, rng)
        if np.hypot(*np.subtract(first, second)) >= APART:
            return first, second


def _floor(compartment: int, size: int) -> np.ndarray:
    """Return which pixels (bool size × size) lie in a compartment, walls left out."""
    place = (np.arange(size) + 0.5) / size - 0.5
    left, top = _corner(compartment) + WALL
    side = 0.5 - 2 * WALL
    across, down = place - left, place - top
    return ((down >= 0) & (down <= side))[:, None] & ((across >= 0) & (across <= side))


def _ground(size: int, rng: np.random.Generator) -> np.ndarray:
    """Return the empty tray: float32 3 × size × size."""
    place = ((np.arange(size) + 0.5) / size - 0.5).astype(np.float32)
    x, y = place[None, :], place[:, None]
    shade = rng.normal(1, 0.04) * (1 - rng.uniform(0, 0.25) * (x * x + y * y))
    tint = rng.normal(0, 0.02, (2, 3, 1, 1)).astype(np.float32)
    picture = (BACKGROUND * shade * (1 + x * tint[0] + y * tint[1])).astype(np.float32)
    walls = ~np.any([_floor(compartment, size) for compartment in range(4)], axis=0)
    return np.where(walls, WOOD * np.float32(shade.mean()), picture)


def _draw(picture: np.ndarray, nut: _Nut, drawn: bool) -> tuple[np.ndarray, np.ndarray]:
    """Draw a nut into the tray in place; return each pixel's share of it, and where its hole is.

    With ``drawn`` false the tray stays empty, and the share is what the nut would have had.
    """
    size = picture.shape[1]
    shape_seed, look_seed, hole_seed = nut.seed.spawn(3)
    shape = random_shape(np.random.default_rng(shape_seed))
    shape = replace(shape, scale=shape.scale * 3 * RADIUS, centre=nut.centre)
    look = random_appearance(np.random.default_rng(look_seed))
    look = replace(look, shell=look.shell * np.float32(BRIGHTNESS[nut.kind]))

    # Only the pixels that the nut may cover are sampled.
    middle = (np.array(nut.centre) + 0.5) * size
    reach = REACH * shape.scale * size
    (left, top), (right, low) = (
        np.clip(np.floor(middle + way * reach).astype(int), 0, size) for way in (-1, 1)
    )
    fine = size * SAMPLES
    across = (np.arange(left * SAMPLES, right * SAMPLES, dtype=np.float32) + 0.5) / fine - 0.5
    down = (np.arange(top * SAMPLES, low * SAMPLES, dtype=np.float32) + 0.5) / fine - 0.5
    surface = trace_rays(shape, np.tile(across, len(down)), np.repeat(down, len(across)))
    grid = (len(down), len(across))

    def pixels(values: np.ndarray) -> np.ndarray:
        """Average samples (… × n) over the window's pixels."""
        flat = np.zeros((*values.shape[:-1], grid[0] * grid[1]), np.float32)
        flat[..., surface.index] = values
        parts = flat.reshape(*values.shape[:-1], low - top, SAMPLES, right - left, SAMPLES)
        return parts.mean((-3, -1))

    share, hole = np.zeros((size, size), np.float32), np.zeros((size, size), bool)
    window = np.s_[top:low, left:right]
    share[window] = pixels(np.ones(len(surface.index), np.float32))
    if not drawn:
        return share, hole
    skin = paint(surface, shape, look)
    colour = skin.albedo * skin.light + gloss(surface, look)
    if nut.hole:
        layer = draw_defect("hole", skin, shape, WIDE_HOLES, np.random.default_rng(hole_seed))
        sound, colour = colour, colour + layer.cover * (layer.colour - colour)
        change = np.abs(pixels(colour) - pixels(sound)).max(axis=0)
        hole[window] = (change > JUST_VISIBLE / 255) | (pixels(layer.body.astype(np.float32)) > 0.5)
    place = ((np.arange(size) + 0.5) / size - 0.5).astype(np.float32)
    away = np.hypot(place[None, :] - nut.centre[0], place[:, None] - nut.centre[1])
    picture *= 1 - 0.22 * np.exp(-np.square(away / (1.25 * shape.scale))).astype(np.float32)
    picture[:, top:low, left:right] *= 1 - share[window]
    picture[:, top:low, left:right] += pixels(colour)
    return share, hole
