"""Blemishes that sound hazelnuts have too: scratches, stains, scuffs and dark seams.

They share the sizes and contrasts of mild defects, so that neither size nor contrast alone tells a
defect from a blemish.
"""

import numpy as np

from helpers.hazelnuts.charts import chart_at, locate
from helpers.hazelnuts.shape import Shape
from helpers.hazelnuts.skin import CREAM, DARK, FUZZ, SCAR_DARK, Skin

MOST = 7
# As often as it is listed here.
BLEMISHES = ("scratch", "scratch", "scratch", "stain", "scuff", "scuff", "seam")


def add_blemishes(skin: Skin, shape: Shape, mean: float, rng: np.random.Generator) -> None:
    """Draw a random number of blemishes, ``mean`` of them on average, into ``skin.albedo``."""
    for _ in range(min(rng.poisson(mean), MOST)):
        kind = BLEMISHES[rng.integers(len(BLEMISHES))]
        radius, turn = 0.95 * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
        along_grain = kind in ("scuff", "seam")
        angle = rng.normal(0, 0.12) if along_grain else rng.uniform(0, np.pi)
        place = radius * np.array([np.cos(turn), np.sin(turn)])
        traits = rng.random(4).tolist()
        chart = chart_at(shape, place, angle)
        reach = {"scratch": 0.42, "stain": 0.5, "scuff": 0.8, "seam": 0.77}[kind]
        x, y, _ = skin.surface.position
        close = (np.abs(x - chart.origin[0]) < reach) & (np.abs(y - chart.origin[1]) < reach)
        close = np.flatnonzero(close)
        near = skin.part(close)
        a, b = locate(chart, near.surface)
        cover, colour = _draw(kind, a, b, near, traits)
        skin.albedo[:, close] += cover * (colour - near.albedo)


def _draw(
    kind: str, a: np.ndarray, b: np.ndarray, skin: Skin, traits: list[float]
) -> tuple[np.ndarray, np.ndarray]:
    """Return how much of each sample a blemish covers (n) and its colour (3 × 1)."""
    size, width, strength, curve = traits
    blotch, mottle, rough = skin.marks[:3]
    if kind in ("scratch", "seam"):
        long = 0.05 * 8**size if kind == "scratch" else 0.15 * 5**size
        half = 0.005 + (0.013 if kind == "scratch" else 0.006) * width**2
        bent = b - 0.5 * (curve - 0.5) * a * a - 0.006 * mottle
        line = np.clip(1.5 * (half - np.abs(bent)) / half, 0, 1)
        line *= np.clip(4 * (1 - np.abs(a) / long), 0, 1)
        line *= np.clip(0.8 + 0.4 * mottle + 0.4 * blotch, 0, 1)
        if kind == "seam":
            return (0.25 + 0.5 * strength) * line, SCAR_DARK
        return (0.2 + 0.7 * strength) * line, CREAM
    radius = 0.025 * 4**size if kind == "stain" else 0.06 * 5**size
    away = np.hypot(a / (1 + 1.5 * width), b) / radius
    if kind == "stain":
        spot = np.clip(1.4 - away + 0.25 * mottle + 0.25 * blotch, 0, 1)
        return (0.15 + 0.5 * strength**1.5) * spot, (DARK + SCAR_DARK) / 2
    patch = 0.6 - away + 0.35 * mottle + 0.5 * blotch
    patch += 0.25 * skin.grain[1] + 0.2 * rough
    return (0.15 + 0.4 * strength) * np.clip(1.8 * patch, 0, 1) * (away < 2), FUZZ
