"""One nut under chosen conditions: the lamp, the camera, the lens and the harvest, each exactly."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter, rotate

from helpers.hazelnuts.blemishes import add_blemishes
from helpers.hazelnuts.camera import Frame, add_sensor_noise, background
from helpers.hazelnuts.defects import DEFECT_TYPES, draw_defect
from helpers.hazelnuts.render import JUST_VISIBLE
from helpers.hazelnuts.shape import random_shape, trace_rays
from helpers.hazelnuts.skin import gloss, paint, random_appearance
from helpers.hazelnuts.tiers import TIERS, LogUniform, Tier

RADIUS = 1 / 3  # of a nut, in frame widths, on average


@dataclass(frozen=True)
class Conditions:
    """What may change on a line; the defaults are the conditions of the book's data set.

    Attributes
    ----------
    lamp
        Factor on all light, before the sensor adds its noise.
    turn
        Degrees that the camera is turned by about its line of sight.
    defocus
        Standard deviation of the lens's blur, in frame widths.
    shell
        Factor on the brightness of the shells: another harvest.
    """

    lamp: float = 1.0
    turn: float = 0.0
    defocus: float = 0.0
    shell: float = 1.0

    def __post_init__(self) -> None:
        if not (self.lamp > 0 and self.shell > 0 and self.defocus >= 0):
            raise ValueError(f"lamp and shell must be above 0 and defocus at least 0; got {self}.")


USUAL = Conditions()


def photograph(
    seed: int,
    conditions: Conditions = USUAL,
    defect: str = "good",
    size: int = 256,
    tier: Tier = TIERS["real"],
) -> tuple[np.ndarray, np.ndarray]:
    """Draw one nut; the same seed shows the same nut under all conditions.

    Under the usual ones the picture is that of ``helpers.hazelnuts.render.render_nut``.

    Returns
    -------
    image : np.ndarray
        uint8, 3 × size × size.
    mask : np.ndarray
        bool, size × size: the pixels that the defect changes by more than two grey levels, or
        covers by half; without the margin that a person's outline has.
    """
    seeds = np.random.SeedSequence(seed).spawn(6)
    shape_rng, look_rng, blemish_rng, _, back_rng, noise_rng = map(np.random.default_rng, seeds)
    shape, look = random_shape(shape_rng), random_appearance(look_rng)
    if conditions.shell != 1:
        look = replace(look, shell=look.shell * np.float32(conditions.shell))
    frame = Frame(size)
    surface = trace_rays(shape, *_turned(*frame.rays(), conditions.turn))
    skin = paint(surface, shape, look)
    add_blemishes(skin, shape, tier.blemishes, blemish_rng)
    colour = skin.albedo * skin.light + gloss(surface, look)
    backdrop = background(shape, size, back_rng)
    if conditions.turn:
        backdrop = rotate(backdrop, conditions.turn, (2, 1), reshape=False, order=1, mode="nearest")
    sound = picture = frame.picture(surface.index, colour, backdrop)
    mask = np.zeros((size, size), bool)
    if defect != "good":
        rng = np.random.default_rng([*seeds[3].generate_state(4), 1 + DEFECT_TYPES.index(defect)])
        layer = draw_defect(defect, skin, shape, tier, rng)
        colour = colour + layer.cover * (layer.colour - colour)
        picture = frame.picture(surface.index, colour, backdrop)
        change = np.abs(picture - sound).max(axis=0)
        mask = (change > JUST_VISIBLE / 255) | (frame.coverage(surface.index[layer.body]) > 0.5)
        mask.flat[change.argmax()] = True
    if conditions.lamp != 1:
        picture = picture * np.float32(conditions.lamp)
    if conditions.defocus:
        blur = conditions.defocus * size
        picture = gaussian_filter(picture, (0, blur, blur), mode="nearest")
    return add_sensor_noise(picture, noise_rng).transpose(2, 0, 1), mask


def photographs(
    seeds: Iterable[int],
    conditions: Conditions = USUAL,
    defect: str = "good",
    size: int = 256,
    tier: Tier = TIERS["real"],
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a nut for each seed: uint8 N×3×H×H and masks, bool N×H×H."""
    drawn = [photograph(seed, conditions, defect, size, tier) for seed in seeds]
    return np.stack([image for image, _ in drawn]), np.stack([mask for _, mask in drawn])


def defects_of_size(low: float, high: float, tier: Tier = TIERS["real"]) -> Tier:
    """Return a tier whose holes are from ``low`` to ``high`` frame widths across, as are its cuts.

    Each factor is equally often. Everything else, such as how much they stand out, is as in the
    clear defects of ``tier``.

    Raises
    ------
    ValueError
        When the sizes do not rise from above 0 to at most a quarter of the frame.
    """
    if not 0 < low <= high <= 1 / 4:
        raise ValueError(f"sizes must rise from above 0 to at most 1/4; got {low} and {high}.")
    half = LogUniform(low / 2 / RADIUS, high / 2 / RADIUS)
    look = tier.plain
    look = replace(look, hole=replace(look.hole, radius=half), cut=replace(look.cut, width=half))
    return replace(tier, mild=0, slight=look, plain=look)


def _turned(x: np.ndarray, y: np.ndarray, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    if not degrees:
        return x, y
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return (cos * x - sin * y).astype(x.dtype), (sin * x + cos * y).astype(x.dtype)
