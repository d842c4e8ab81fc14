"""Synthetic defects: ragged masks from Perlin noise, filled with textures of something else."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch.nn import functional

from helpers.augmentation.cut_and_paste import CUTS, paste
from helpers.detectors.reconstruction.diffusion import DiffusionDetector, DiffusionSettings
from helpers.detectors.self_supervision.cutpaste import CutPasteDetector, CutPasteSettings
from helpers.errors import check_least, check_names
from helpers.formulas.images import draw_formula, render_formulas

FILLED = "fill"  # the defect type that this module adds to CutPaste's


@dataclass(frozen=True)
class FilledMasksSettings(CutPasteSettings):
    """Settings of CutPaste with one more defect type: masks filled with other textures.

    Attributes
    ----------
    defect_types
        Which ones; ``"fill"`` is a Perlin mask filled with a texture.
    area
        Range of a mask's share of the picture.
    opacity
        Range of how much of the texture shows through.
    textures
        Pictures to fill with.
    diffusion
        The model that generates them, trained on the same good images; ``None``: formula pictures.
    """

    defect_types: tuple[str, ...] = ("patch", "scar", FILLED)
    area: tuple[float, float] = (0.002, 0.06)
    opacity: tuple[float, float] = (0.3, 1.0)
    textures: int = 64
    diffusion: DiffusionSettings | None = None

    def __post_init__(self) -> None:
        check_names(self, "defect_types", (*CUTS, FILLED))
        for name in ("area", "opacity"):
            low, high = getattr(self, name)
            if not 0 < low <= high <= 1:
                raise ValueError(f"{name} must rise within 0…1; got {low} to {high}.")
        check_least(self, textures=1)


class FilledMasksDetector(CutPasteDetector):
    """The classifier of chapter 4, which also learns masks filled with foreign textures.

    Masks and blending follow DRAEM (Zavrtanik, Kristan and Skočaj, ICCV 2021, Section 3.3), whose
    textures are photographs of other things; here they are formula pictures, or what a generative
    model made. The score is that of ``CutPasteDetector``.

    Attributes
    ----------
    textures
        uint8, K×3×h×w: what the masks were filled with, after ``fit``.
    """

    revision = 3
    settings_class = FilledMasksSettings

    def fit(self, images: np.ndarray) -> Self:
        """Train on good images; parameters and errors as for ``CutPasteDetector.fit``."""
        self.textures = _textures(self.settings, images)
        self._fillings = upsampled(self.textures, images.shape[-1])
        return super().fit(images)

    def _views(self, batch: torch.Tensor) -> list[torch.Tensor]:
        textures = self._fillings.to(batch)
        defects = (self.add_defect(batch, name, textures) for name in self.settings.defect_types)
        return [batch, *defects]

    def add_defect(
        self, images: torch.Tensor, defect_type: str, textures: torch.Tensor
    ) -> torch.Tensor:
        """Return pictures B×3×H×W in [0, 1] with a defect of one type."""
        s, side = self.settings, images.shape[-1]
        if defect_type in CUTS:
            return paste(
                images, CUTS[defect_type](len(images), tuple(images.shape[2:]), side), s.jitter
            )[0]
        masks = random_masks(len(images), side, s.area).to(images.device)
        return fill_masks(images, masks, textures, s.opacity)


def perlin_noise(count: int, side: int, cells: tuple[int, int]) -> torch.Tensor:
    """Draw ``count`` fields of gradient noise, count×side×side (Perlin, SIGGRAPH 1985).

    A random slope at each corner of a grid of ``cells`` (down, across); between the corners the
    four planes are mixed, smoothly.

    Raises
    ------
    ValueError
        When a cell would be smaller than a pixel, or there is none.
    """
    if not all(1 <= number <= side for number in cells):
        raise ValueError(f"a side of {side} pixels has 1 to {side} cells; got {cells}.")
    angle = 2 * math.pi * torch.rand(count, cells[0] + 1, cells[1] + 1)
    y, x = ((torch.arange(side) + 0.5) * number / side for number in cells)
    row, column = y.long(), x.long()
    dy, dx = (y - row)[:, None], (x - column)[None]

    def plane(down: int, across: int) -> torch.Tensor:
        slope = angle[:, row + down][:, :, column + across]
        return slope.cos() * (dx - across) + slope.sin() * (dy - down)

    def ease(t: torch.Tensor) -> torch.Tensor:
        return t**3 * (t * (6 * t - 15) + 10)

    upper = torch.lerp(plane(0, 0), plane(0, 1), ease(dx))
    lower = torch.lerp(plane(1, 0), plane(1, 1), ease(dx))
    return torch.lerp(upper, lower, ease(dy))


def random_masks(count: int, side: int, area: tuple[float, float]) -> torch.Tensor:
    """Draw ragged spots: bool, count×side×side, each covering a share within ``area``.

    The highest pixels of Perlin noise near a random point; small shares are as frequent as large
    ones on a logarithmic scale.
    """
    grids = 2 ** torch.randint(1, 6, (count, 2))
    noise = torch.cat([perlin_noise(1, side, tuple(min(int(n), side) for n in g)) for g in grids])
    line = (torch.arange(side) + 0.5) / side
    y, x = (0.15 + 0.7 * torch.rand(2, count, 1, 1)).unbind()
    away = (line[None, :, None] - y) ** 2 + (line[None, None] - x) ** 2
    low, high = math.log(area[0]), math.log(area[1])
    share = (low + (high - low) * torch.rand(count)).exp()
    height = noise - 2 * away / share.sqrt().view(-1, 1, 1)
    ranks = height.flatten(1).argsort(1, descending=True).argsort(1)
    marked = (share * side**2).round().clamp_min(1)
    return (ranks < marked[:, None]).view(count, side, side)


def fill_masks(
    images: torch.Tensor,
    masks: torch.Tensor,
    textures: torch.Tensor,
    opacity: tuple[float, float] = (0.3, 1.0),
) -> torch.Tensor:
    """Blend a texture, a random one for each picture, into the marked pixels.

    Parameters
    ----------
    images
        B×3×H×W in [0, 1].
    masks
        bool, B×H×W.
    textures
        K×3×H×W in [0, 1]; each is used shifted by a random distance.
    opacity
        Range of the texture's weight.

    Raises
    ------
    ValueError
        When the sizes differ.
    """
    if textures.shape[1:] != images.shape[1:] or masks.shape != images[:, 0].shape:
        raise ValueError(
            f"images, masks and textures must be of one size; got {tuple(images.shape)}, "
            f"{tuple(masks.shape)} and {tuple(textures.shape)}."
        )
    count, side = len(images), images.shape[-1]
    chosen = textures[torch.randint(len(textures), (count,))]
    shifts = torch.randint(side, (count, 2)).tolist()
    chosen = torch.stack([t.roll(s, (1, 2)) for t, s in zip(chosen, shifts, strict=True)])
    weight = opacity[0] + (opacity[1] - opacity[0]) * torch.rand(count, 1, 1, 1)
    return torch.where(masks[:, None], torch.lerp(images, chosen, weight.to(images)), images)


def formula_textures(count: int, side: int, seed: int) -> np.ndarray:
    """Draw ``count`` pictures of as many formulas: uint8, count×3×side×side."""
    rng = np.random.default_rng(seed)
    formulas = [draw_formula(rng) for _ in range(count)]
    return render_formulas(formulas, 1, seed, side)[:, 0]


def upsampled(textures: np.ndarray, side: int) -> torch.Tensor:
    """Turn uint8 pictures K×3×h×w into float K×3×side×side in [0, 1]."""
    pictures = torch.tensor(textures).float() / 255
    if pictures.shape[-1] == side:
        return pictures
    return functional.interpolate(pictures, (side, side), mode="bilinear")


def _textures(settings: FilledMasksSettings, images: np.ndarray) -> np.ndarray:
    seed = settings.training.seed
    if settings.diffusion is None:
        return formula_textures(settings.textures, images.shape[-1], seed)
    return DiffusionDetector(settings.diffusion).fit(images).generate(settings.textures, seed)
