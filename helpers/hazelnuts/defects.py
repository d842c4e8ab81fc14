"""The four defects of MVTec AD's hazelnut, drawn on a nut's surface: crack, cut, hole and print."""

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from helpers.hazelnuts.charts import (
    Chart,
    chart_at,
    jagged_line,
    line_distance,
    locate,
    polygon_depth,
)
from helpers.hazelnuts.noise import sample_grain
from helpers.hazelnuts.shape import Shape
from helpers.hazelnuts.skin import Skin
from helpers.hazelnuts.tiers import Crack, Cut, Hole, Print, Tier

PLACES = 3  # drawn at most, as damage to the scar itself is rare
SOFT = 0.006  # nut radii over which an edge fades
GAP = np.array([0.085, 0.07, 0.075], np.float32)[:, None]
WOOD = np.array([0.815, 0.58, 0.415], np.float32)[:, None]
KERNEL = np.array([0.42, 0.25, 0.195], np.float32)[:, None]
INK = np.array([0.97, 0.97, 0.94], np.float32)[:, None]

# Strokes on a grid 2 wide and 4 high; a comma lifts the pen.
LETTERS = MappingProxyType(
    {
        "N": "00 04 20 24",
        "U": "04 01 10 21 24",
        "T": "10 14,04 24",
        "O": "01 03 14 23 21 10 01",
        "B": "00 04 14 23 12 02,12 21 10 00",
        "A": "00 14 20,02 22",
        "K": "00 04,24 02 20",
        "E": "24 04 00 20,02 12",
        "R": "00 04 14 23 12 02,12 20",
        "L": "04 00 20",
    }
)


@dataclass(frozen=True)
class DefectLayer:
    """What a defect does to each sample of the surface."""

    cover: np.ndarray  # float32 n, 0 untouched to 1 replaced
    colour: np.ndarray  # float32 3 × n, as lit
    body: np.ndarray  # bool n, inside the defect whether or not its colour differs


def _edge(depth: np.ndarray) -> np.ndarray:
    return np.clip(depth * (1 / SOFT) + 0.5, 0, 1)


def _mix(under: np.ndarray, over: np.ndarray, cover: np.ndarray) -> np.ndarray:
    return under + cover * (over - under)


def draw_crack(skin: Skin, chart: Chart, look: Crack, rng: np.random.Generator) -> DefectLayer:
    """Draw a jagged crack: a hairline, a gaping one, or one that leads to a missing piece."""
    points = locate(chart, skin.surface)
    missing = look.missing > 0 and rng.random() < look.missing
    reach, width = look.reach.draw(rng), look.width.draw(rng)
    strength = look.strength.draw(rng)
    begin = np.array([0.0, 0.0]) if missing else np.array([-reach / 2, 0])
    line = jagged_line(begin, begin + np.array([reach, 0]), 0.17, rng)
    wobbly = points + 0.006 * skin.marks[:2]
    distance, place = line_distance(wobbly, line)
    taper = np.clip(3.5 * (1 - place), 0, 1)
    if not missing:
        taper *= np.clip(3.5 * place, 0, 1)
    half = width * taper * (1 + 0.5 * np.clip(skin.marks[1], -1.2, 2))
    cover = strength * _edge(half - distance) * (half > 0.001)
    lip = np.clip(1 - (distance - half) / 0.016, 0, 1) * (taper > 0.3)
    lip *= rng.uniform(0, 0.5) * np.clip(skin.marks[1] + 0.2, 0, 1)
    colour = np.where(cover > lip, GAP, WOOD * skin.light)
    cover = np.maximum(cover, lip * strength)
    body = cover > 0.2
    if missing:
        piece = _missing_piece(skin, points, chart, look, rng)
        colour = _mix(colour, piece.colour, piece.cover)
        cover = np.maximum(cover, piece.cover)
        body |= piece.body
    return DefectLayer(cover, colour, body)


def _missing_piece(
    skin: Skin, points: np.ndarray, chart: Chart, look: Crack, rng: np.random.Generator
) -> DefectLayer:
    """Draw an opening with its pale broken edge, and the kernel in the shadow within."""
    count = int(rng.integers(5, 9))
    size = look.piece.draw(rng)
    turn = np.sort((np.arange(count) + rng.uniform(-0.35, 0.35, count)) / count) * 2 * np.pi
    radius = size * rng.uniform(0.6, 1.25, count)
    corners = np.stack([radius * np.cos(turn) - 0.6 * size, radius * np.sin(turn)], axis=1)
    blotch, mottle, rough = skin.marks[:3]
    torn = points + 0.01 * np.stack([mottle, blotch]) + 0.003 * rough
    depth = polygon_depth(torn, corners)
    wall = rng.uniform(0.03, 0.075)
    bevel = rng.uniform(0.012, 0.04)
    within = polygon_depth(torn + wall * chart.sight[:, None], corners)
    within -= bevel * (1 + 0.35 * blotch + 0.25 * mottle)

    light = skin.light
    ring = 1 + 0.10 * rough + 0.12 * mottle
    wood = WOOD * (ring * light * 1.05)
    rind = np.clip(1 - depth / 0.012, 0, 1)
    wood = _mix(wood, GAP + 0.18, 0.5 * rind)
    wrinkle = 1 + 0.16 * mottle + 0.1 * rough
    wrinkle -= 0.5 * np.exp(-np.square(blotch / 0.12))
    shadow = np.clip(within / (0.35 * size), 0, 1) ** 0.7
    kernel = KERNEL * (light * wrinkle * (0.2 + 0.8 * shadow))
    gap = rng.uniform(0.02, 0.06)
    kernel = _mix(GAP * 0.8, kernel, np.clip(within / gap, 0, 1))
    colour = _mix(wood, kernel, _edge(within))
    return DefectLayer(_edge(depth), colour, depth > 0)


def draw_cut(skin: Skin, chart: Chart, look: Cut, rng: np.random.Generator) -> DefectLayer:
    """Draw one or two straight gashes: pale torn fibre about a dark core."""
    points = locate(chart, skin.surface)
    cover = np.zeros(points.shape[1], np.float32)
    colour = np.zeros((3, points.shape[1]), np.float32)
    count = 1 + (look.second > 0 and rng.random() < look.second)
    length, width = look.length.draw(rng), look.width.draw(rng)
    strength, core = look.strength.draw(rng), look.core.draw(rng)
    blotch, mottle, rough = skin.marks[:3]
    for number in range(count):
        aside = number * rng.uniform(0.14, 0.4)
        ahead = rng.normal(0, 0.12) * number
        a = (points[0] - ahead) / (length / 2)
        b = points[1] - (aside + rng.normal(0, 0.03) * number)
        b = b - rng.normal(0, 0.03) * a**2
        lens = np.sqrt(np.clip(1 - np.abs(a) ** 2.5, 0, 1))
        ragged = 1 + 0.14 * mottle + 0.16 * blotch + 0.06 * rough
        half = width * lens * np.clip(ragged, 0.25, 1.8)
        across = b / np.maximum(half, 1e-3)
        fibre = sample_grain(b * 0.9, a * 0.6, rough)[1]
        tone = skin.light * (1 + 0.13 * fibre + 0.08 * rough)
        gash = WOOD * 0.9 * tone
        offset = rng.uniform(-0.4, 0.4)
        slit = np.exp(-np.square((across - offset - 0.15 * mottle) / 0.3))
        slit *= np.clip(0.75 + 0.5 * blotch, 0, 1) * core
        gash = _mix(gash, GAP, slit)
        rim = np.clip((across - 0.62) * 2.5, 0, 1)
        gash = _mix(gash, GAP + 0.1, 0.55 * core * rim)
        here = strength * _edge(half - np.abs(b)) * (lens > 0)
        colour = np.where(here > cover, gash, colour)
        cover = np.maximum(cover, here)
    return DefectLayer(cover, colour, cover > 0.5 * strength)


def draw_hole(skin: Skin, chart: Chart, look: Hole, rng: np.random.Generator) -> DefectLayer:
    """Draw a round bore, often with a pale torn rim drawn out along the grain."""
    points = locate(chart, skin.surface)
    radius = look.radius.draw(rng)
    strength, torn = look.strength.draw(rng), look.torn.draw(rng)
    blotch, mottle, rough = skin.marks[:3]
    squash = rng.uniform(0.85, 1.15)
    wobble = radius * (0.10 * mottle + 0.06 * blotch)

    def inside(at: np.ndarray) -> np.ndarray:
        return radius - np.hypot(at[0] * squash, at[1] / squash) + wobble

    depth = inside(points)
    floor = inside(points + rng.uniform(0.5, 1.0) * radius * chart.sight[:, None])
    side = KERNEL * (skin.light * 0.62 * (1 + 0.2 * rough))
    bore = _mix(side, GAP * 0.9, _edge(floor))
    rind = np.clip(1 - np.abs(depth) / 0.014, 0, 1)
    # The torn rim: splinters leave along the grain, farther on one side.
    stretch = rng.uniform(1, 2.2)
    shift = (rng.normal(0, 0.5, 2) * radius * torn).tolist()
    flat = np.hypot((points[0] - shift[0]) / stretch, points[1] - shift[1])
    fray = 0.45 * radius * np.tanh(mottle + blotch + 0.4 * skin.grain[1])
    rim = radius * (0.9 + 1.1 * torn) + fray - flat
    rim_cover = min(1, 0.25 + 1.2 * torn) * _edge(rim) * (rim > -2 * SOFT)
    wood = WOOD * (skin.light * (1 + 0.1 * rough + 0.1 * mottle))
    wood = _mix(wood, GAP + 0.15, 0.45 * rind)
    cover = np.maximum(rim_cover, _edge(depth))
    colour = _mix(wood, bore, _edge(depth))
    return DefectLayer(strength * cover, colour, (depth > 0) | (rim_cover > 0.5))


def draw_print(skin: Skin, chart: Chart, look: Print, rng: np.random.Generator) -> DefectLayer:
    """Draw a stamped word in white ink that took on only part of the rough surface."""
    points = locate(chart, skin.surface)
    height, strength = look.height.draw(rng), look.strength.draw(rng)
    count = look.letters.draw(rng)
    stroke = height * rng.uniform(0.07, 0.12)
    word = rng.choice(list(LETTERS), count)
    pitch = height * rng.uniform(0.74, 0.9)
    blotch, mottle, rough = skin.marks[:3]
    wobbly = points + 0.02 * height * np.stack([mottle, blotch])
    distance = np.full(points.shape[1], np.inf, np.float32)
    close = np.flatnonzero(np.abs(points[1]) < height)
    for number, letter in enumerate(word):
        left = (number - (count - 1) / 2) * pitch - 0.28 * height
        low = -height / 2 + rng.normal(0, 0.02) * height
        for path in LETTERS[letter].split(","):
            corners = np.array([[int(c[0]), 4 - int(c[1])] for c in path.split()]) * height / 4
            corners = corners * [1.12, 1] + [left, low]
            found, _ = line_distance(wobbly[:, close], corners)
            distance[close] = np.minimum(distance[close], found)
    ink = _edge(stroke - distance + 0.024 * height * rough)
    took = 0.4 * mottle + 0.28 * rough + 0.4 * blotch
    took += 0.35 * skin.grain[1] + rng.uniform(0.2, 1.2)
    took += rng.normal(0, 0.6) / height / count * points[0]
    ink *= np.clip(0.5 + 1.8 * took, 0, 1)
    colour = INK * np.sqrt(np.clip(skin.light, 0, 1.05))
    cover = strength * ink
    return DefectLayer(cover, colour, ink > 0.5)


DRAWERS = MappingProxyType(
    {"crack": draw_crack, "cut": draw_cut, "hole": draw_hole, "print": draw_print}
)
DEFECT_TYPES = tuple(DRAWERS)


def draw_defect(
    defect: str, skin: Skin, shape: Shape, tier: Tier, rng: np.random.Generator
) -> DefectLayer:
    """Draw a defect of a random size, strength and place on the visible surface."""
    look = tier.slight if rng.random() < tier.mild else tier.plain
    angle = rng.normal(0, 0.3) if defect == "hole" else rng.uniform(0, 2 * np.pi)
    for _ in range(PLACES):
        radius, turn = 0.88 * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
        chart = chart_at(shape, radius * np.array([np.cos(turn), np.sin(turn)]), angle)
        if not chart.scar:
            break
    return DRAWERS[defect](skin, chart, getattr(look, defect), rng)
