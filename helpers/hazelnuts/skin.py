"""The look of a sound hazelnut's surface: colours, grain, scar, fuzz, speckles and light."""

from dataclasses import dataclass

import numpy as np

from helpers.hazelnuts.noise import MARK_PERIOD, sample_grain, sample_marks
from helpers.hazelnuts.shape import Shape, Surface

SHELL = np.array([0.555, 0.262, 0.150], np.float32)[:, None]
DARK = np.array([0.275, 0.115, 0.075], np.float32)[:, None]
SCAR = np.array([0.535, 0.360, 0.240], np.float32)[:, None]
SCAR_DARK = np.array([0.125, 0.065, 0.040], np.float32)[:, None]
CREAM = np.array([0.760, 0.500, 0.310], np.float32)[:, None]
FUZZ = np.array([0.580, 0.410, 0.300], np.float32)[:, None]
VEIL = np.array([0.035, 0.050, 0.085], np.float32)[:, None]  # stray light, the same everywhere


@dataclass(frozen=True)
class Appearance:
    """What one sound nut looks like. Strengths are fractions of 1, colours RGB in 0..1."""

    shell: np.ndarray  # 3 × 1
    scar: np.ndarray  # 3 × 1
    place: np.ndarray  # where the nut lies in the noise: chart a and b, along the axis, round it
    stripes: float
    lines: float
    blotches: float
    marks: float
    pits: float
    fuzz: float
    fuzz_reach: float
    teeth: float
    teeth_pale: float
    rim_dark: float
    scar_blotch: float
    scar_weave: float
    light: np.ndarray  # direction, unit length
    exposure: float


@dataclass(frozen=True)
class Skin:
    """The surface's texture coordinates and colours, one column a sample."""

    surface: Surface
    marks: np.ndarray  # float32 5 × n, see helpers.hazelnuts.noise.mark_tile
    grain: np.ndarray  # float32 4 × n, see helpers.hazelnuts.noise.grain_tile
    albedo: np.ndarray  # float32 3 × n
    light: np.ndarray  # float32 n

    def part(self, chosen: np.ndarray) -> "Skin":
        """Return the samples with the indices ``chosen``."""
        surface, *arrays = vars(self).values()
        return Skin(surface.part(chosen), *(array.take(chosen, axis=-1) for array in arrays))


def random_appearance(rng: np.random.Generator) -> Appearance:
    """Draw a sound nut's colours and the strength of each kind of marking."""
    tone = rng.normal(0, 1, 3)
    shell = SHELL * (1 + 0.06 * tone[0]) + np.array([[0], [0.015], [0.006]]) * tone[1]
    scar = SCAR * (1 + 0.10 * tone[2]) * (0.62 if rng.random() < 0.08 else 1)
    light = np.array([rng.normal(-0.08, 0.05), rng.normal(-0.22, 0.05), 1])
    return Appearance(
        shell=shell.astype(np.float32),
        scar=scar.astype(np.float32),
        place=rng.uniform(0, 1, 4) * [MARK_PERIOD, MARK_PERIOD, 8, 1],
        stripes=rng.uniform(0.10, 0.27),
        lines=rng.uniform(0.03, 0.09),
        blotches=rng.uniform(0.02, 0.07),
        marks=0.05 + 0.9 * rng.beta(1, 2.4),
        pits=rng.beta(1, 4),
        fuzz=rng.beta(1, 1.8),
        fuzz_reach=rng.uniform(0.2, 1.0),
        teeth=float(np.exp(rng.uniform(np.log(0.007), np.log(0.04)))),
        teeth_pale=rng.beta(0.8, 1),
        rim_dark=rng.uniform(0.2, 0.9),
        scar_blotch=rng.beta(1, 1.8),
        scar_weave=rng.uniform(0.45, 1.0),
        light=light / np.linalg.norm(light),
        exposure=rng.normal(1, 0.03),
    )


def paint(surface: Surface, shape: Shape, look: Appearance) -> Skin:
    """Return the sound nut's colours (before its light) and the light that falls on it."""
    x, y, z = surface.position
    # Lambert's equal-area chart of the half that faces the camera: texture is foreshortened as it
    # is on the nut and has no seam.
    length = np.sqrt(x * x + y * y + z * z)
    chart = np.sqrt(2 / (length * np.maximum(length + z, 0.05)))
    a, b, along, round_ = look.place.tolist()
    marks = sample_marks(x * chart + a, y * chart + b)
    u, v, w = surface.body
    radial = np.sqrt(u * u + v * v)
    turn = np.arctan2(v, u) * (1 / (2 * np.pi)) + round_ + 0.003 * marks[0]
    # The scar's fibres run from its middle outwards, the shell's grain from base to tip.
    grain = sample_grain(turn, np.where(surface.scar, 1.6 * radial, w) + along, marks[2])

    edge = np.where(surface.scar, (radial - shape.rim_radius) * 0.8, w - shape.rim)
    beyond = edge - look.teeth * (0.6 * grain[3] + 0.25 * grain[1] + 0.5 * marks[1])
    inside = beyond < 0
    scar, weave = _scar(look, marks, grain)
    albedo = np.where(inside, scar, _shell(look, marks, grain, shape.tip - w))
    rim = np.flatnonzero(np.abs(beyond) < 0.12)
    _paint_rim(albedo, rim, edge.take(rim), beyond.take(rim), look, marks, grain)
    return Skin(surface, marks, grain, albedo, _light(surface, look, weave * inside))


def _shell(
    look: Appearance, marks: np.ndarray, grain: np.ndarray, to_tip: np.ndarray
) -> np.ndarray:
    """Return the shell's colours: dark meridian stripes, blotches, fuzz by the tip, speckles."""
    blotch, mottle, rough, pale, pits = marks
    stripe, line = grain[:2]
    dark = look.stripes * np.maximum(stripe + 0.5, 0) + look.lines * line
    dark += look.blotches * (0.6 * blotch + 0.5 * mottle) + 0.02 * rough + 0.6 * look.pits * pits
    albedo = look.shell + np.clip(dark, -0.25, 1) * (DARK - look.shell)
    near_tip = np.exp(-np.square(to_tip / look.fuzz_reach))
    streaks = 0.75 * line + 0.3 * stripe + 0.75 * blotch + 0.3 * mottle
    fuzz = near_tip * (0.9 + look.fuzz) + 0.45 * streaks * (near_tip + 0.4) + look.fuzz
    albedo += 0.55 * np.clip((fuzz - 1.1) * 1.6, 0, 1) * (FUZZ - albedo)
    albedo += np.minimum(look.marks * pale, 0.85) * (CREAM - albedo)
    return albedo


def _scar(look: Appearance, marks: np.ndarray, grain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the scar's colours (radial fibres and torn dark places) and its relief."""
    blotch, mottle, rough = marks[:3]
    stripe, line, fibre, _ = grain
    weave = look.scar_weave * (0.10 * fibre + 0.11 * rough + 0.07 * mottle + 0.05 * line)
    scar = look.scar * (1 + weave)
    gloom = 0.8 * blotch + 0.5 * mottle + 0.3 * fibre + 0.25 * stripe
    gloom = 0.75 * np.clip(gloom + (1.6 * look.scar_blotch - 1.9), 0, 1)
    return scar + gloom * (SCAR_DARK - scar), weave


def _paint_rim(
    albedo: np.ndarray,
    rim: np.ndarray,
    edge: np.ndarray,
    beyond: np.ndarray,
    look: Appearance,
    marks: np.ndarray,
    grain: np.ndarray,
) -> None:
    """Draw the scar's rim in place: a dark seam, pale chipped teeth and dark gaps between them."""
    chips = 1.2 * grain[3, rim] + 0.5 * grain[1, rim] + 0.7 * marks[0, rim]
    reach = np.clip(1 - np.abs(edge) / (2.2 * look.teeth), 0, 1)
    teeth = look.teeth_pale * np.clip(chips + 0.4, 0, 1) * np.minimum(2 * reach, 1)
    gaps = 0.8 * look.rim_dark * np.clip(-chips - 0.2, 0, 1) * reach * (beyond < 0)
    seam = look.rim_dark * np.exp(-np.square(beyond / 0.011))
    colour = albedo.take(rim, axis=1)
    colour += teeth * (CREAM - colour)
    colour += np.maximum(seam, gaps) * (SCAR_DARK - colour)
    albedo[:, rim] = colour


def _light(surface: Surface, look: Appearance, relief: np.ndarray) -> np.ndarray:
    """Return the light on each sample: ambient and diffuse, darker towards the limb."""
    facing = np.clip(look.light.astype(np.float32) @ surface.normal, 0, 1)
    limb = np.sqrt(np.clip(surface.normal[2], 0, 1))
    light = 0.10 + 0.46 * facing + 0.44 * limb
    return light * look.exposure * (1 + 0.4 * relief)


def gloss(surface: Surface, look: Appearance) -> np.ndarray:
    """Return what is added to the lit colours (float32 3 × n): a broad highlight and the veil."""
    half = look.light + np.array([0, 0, 1])
    half = (half / np.linalg.norm(half)).astype(np.float32)
    highlight = 0.025 * np.clip(half @ surface.normal, 0, 1) ** 8
    return VEIL + highlight
