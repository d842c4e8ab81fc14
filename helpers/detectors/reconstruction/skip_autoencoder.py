"""Attempt 4: an autoencoder with skip connections and outputs at several scales."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from pytorch_msssim import ssim
from torch import nn
from torch.nn import functional

from helpers.augmentation.cut_and_paste import CUTS, paste, stains
from helpers.detectors.reconstruction.autoencoder import double, halve, halving_widths
from helpers.detectors.reconstruction.ssim import blur, check_window, similarity
from helpers.metrics.scores import Scores, scores_from_maps
from helpers.networks.inference import check_fitted, infer, with_numbers
from helpers.networks.learner import Learner
from helpers.networks.seeding import seeded
from helpers.networks.training import History, TrainingSettings, train

Corruption = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]


def _pasted(name: str) -> Corruption:
    """Return what cuts and pastes as CutPaste does, as large for the picture as in the paper."""

    def corrupt(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        height, width = images.shape[2:]
        return paste(images, CUTS[name](len(images), (height, width), width))

    return corrupt


CORRUPTIONS: dict[str, Corruption] = {"stain": stains} | {name: _pasted(name) for name in CUTS}


@dataclass(frozen=True)
class SkipAutoencoderSettings:
    """Settings of attempt 4.

    Attributes
    ----------
    width
        Channels after the first halving; the next have 2, 4, 8, 8, … times as many.
    code_side, code_channels
        The code at the bottom, as in the baseline.
    skips
        Which of the encoder's stages hand their features across; 0 is the finest.
    scales
        How many sizes of the picture are reconstructed: whole, half, quarter, …
    corruptions
        How each input is damaged in training, one after the other; the aim is always the undamaged
        picture. With none, the network is shown what it should reconstruct.
    ssim_share
        Weight of 1 − SSIM in loss and residual; the rest goes to the absolute difference.
    smoothing, top_share
        From residual to map and score, as in the baseline.
    training
        How the network is trained.
    """

    width: int = 32
    code_side: int = 8
    code_channels: int = 16
    skips: tuple[int, ...] = (2,)
    scales: int = 3
    corruptions: tuple[str, ...] = ("stain", "scar", "patch", "stain", "scar", "scar")
    ssim_share: float = 0.1
    smoothing: float = 1 / 64
    top_share: float = 0.01
    training: TrainingSettings = field(default_factory=TrainingSettings)

    def __post_init__(self) -> None:
        unknown = [name for name in self.corruptions if name not in CORRUPTIONS]
        if unknown:
            raise ValueError(
                f"corruptions must be some of {', '.join(CORRUPTIONS)}; got {self.corruptions}."
            )
        if not 0 <= self.ssim_share <= 1:
            raise ValueError(f"ssim_share must be between 0 and 1; got {self.ssim_share}.")

    def widths(self, side: int) -> tuple[int, ...]:
        """Channels after each halving of a picture of ``side`` × ``side``, finest first.

        Raises
        ------
        ValueError
            When halving does not lead to the code, there are fewer halvings than skips or scales,
            or the smallest scale is smaller than the SSIM window.
        """
        widths = halving_widths(side, self.code_side, self.width)
        possible = range(len(widths) - 1)
        if not 1 <= self.scales <= len(widths) or not set(self.skips) <= set(possible):
            raise ValueError(
                f"from {side} to {self.code_side} there are {len(widths)} halvings: skips can be "
                f"some of {', '.join(map(str, possible))}, and there are from 1 to {len(widths)} "
                f"scales; got {self.skips} and {self.scales}."
            )
        check_window((side >> (self.scales - 1),) * 2)
        return widths


class SkipAutoencoder(nn.Module):
    """Squeeze a picture, and reconstruct it at several sizes, with help from the encoder's stages.

    Input: float B×3×H×W in [0, 1]. Output: a list of pictures, the whole size first, each half as
    large as the one before.
    """

    def __init__(
        self, widths: tuple[int, ...], code_channels: int, skips: tuple[int, ...], scales: int
    ) -> None:
        super().__init__()
        self.skips = skips
        self.down = nn.ModuleList(halve(a, b) for a, b in pairwise((3, *widths)))
        self.code = nn.Sequential(
            nn.Conv2d(widths[-1], code_channels, 1), nn.Conv2d(code_channels, widths[-1], 1)
        )
        inputs = [w * (2 if i in skips else 1) for i, w in enumerate(widths)]
        self.up = nn.ModuleList(double(a, b) for a, b in zip(inputs[1:], widths, strict=False))
        self.paint = nn.ModuleList(
            nn.ConvTranspose2d(inputs[i], 3, 4, stride=2, padding=1) for i in range(scales)
        )

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Reconstruct ``images`` at every scale."""
        stages = [images]
        for step in self.down:
            stages.append(step(stages[-1]))
        value, outputs = self.code(stages[-1]), []
        for i in reversed(range(len(self.down))):
            if i in self.skips:
                value = torch.cat([value, stages[i + 1]], 1)
            if i < len(self.paint):
                outputs.append(self.paint[i](value).sigmoid())
            if i:
                value = self.up[i - 1](value)
        return outputs[::-1]


def at_scales(images: torch.Tensor, scales: int) -> list[torch.Tensor]:
    """Return the pictures whole, halved, quartered, …: each pixel the mean of those it covers."""
    pictures = [images]
    for _ in range(scales - 1):
        pictures.append(functional.avg_pool2d(pictures[-1], 2))
    return pictures


def corrupted(images: torch.Tensor, corruptions: tuple[str, ...]) -> torch.Tensor:
    """Damage each picture B×3×H×W in all of the ways, one after the other."""
    for name in corruptions:
        images, _ = CORRUPTIONS[name](images)
    return images


class SkipAutoencoderDetector(Learner):
    """Score images by what a network that repairs synthetic defects changes in them.

    SSIM as loss and residual: Bergmann et al. (VISAPP 2019). Skip connections with corrupted
    inputs: Collin and De Vleeschouwer (ICPR 2020). A colour term beside SSIM, which compares the
    channels' structure and hardly their level, and outputs at several scales: the book's.

    Parameters
    ----------
    settings
        All choices.
    checkpoint
        File to continue an interrupted training from, or none.

    Attributes
    ----------
    model, history
        The network and what its training did, after ``fit``.
    """

    revision = 2
    settings_class = SkipAutoencoderSettings

    def __init__(
        self, settings: SkipAutoencoderSettings | None = None, checkpoint: Path | None = None
    ) -> None:
        super().__init__(settings)
        self.checkpoint = checkpoint

    def fit(self, images: np.ndarray) -> Self:
        """Train on good images: uint8, N×3×H×W.

        Raises
        ------
        ValueError
            When the settings do not fit the images' side (see ``SkipAutoencoderSettings.widths``),
            or there are fewer images than a batch.
        """
        s = self.settings
        self.model = self._network(images.shape[-1])
        self.history: History = train(
            self.model,
            images,
            self._loss,
            s.training,
            checkpoint=self.checkpoint,
            method=self.settings,
            title="repairing autoencoder",
        )
        return self

    def _network(self, side: int) -> SkipAutoencoder:
        s = self.settings
        widths = s.widths(side)
        with seeded(s.training.seed):
            return SkipAutoencoder(widths, s.code_channels, s.skips, s.scales)

    def _learned(self) -> dict[str, Any]:
        return {"model": self.model.state_dict()}

    def _recall(self, state: dict[str, Any]) -> None:
        self.model = with_numbers(self._network(state["side"]), state["model"])

    def _loss(self, model: nn.Module, batch: torch.Tensor) -> torch.Tensor:
        share = self.settings.ssim_share
        pictures = model(corrupted(batch, self.settings.corruptions))
        total = batch.new_zeros(())
        # SSIM subtracts nearly equal numbers, of which 16 bits leave nothing.
        with torch.autocast(batch.device.type, enabled=False):
            for wanted, got in zip(at_scales(batch, len(pictures)), pictures, strict=True):
                alike = ssim(wanted, got.float(), data_range=1.0)
                total = total + share * (1 - alike) + (1 - share) * (wanted - got).abs().mean()
        return total / len(pictures)

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """Reconstruct uint8 images N×3×H×W in full size: float32, in [0, 1]."""
        self._check(images)
        return infer(lambda batch: self.model(batch)[0], images)

    def _check(self, images: np.ndarray) -> None:
        check_fitted(self)
        self.settings.widths(images.shape[-1])

    def tensor_maps(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the residual, see ``Learner``."""
        return self._map(batch), None

    def predict(self, images: np.ndarray) -> Scores:
        """Score uint8 images N×3×H×W."""
        self._check(images)
        s = self.settings
        return scores_from_maps(infer(self._map, images), None, s.smoothing, s.top_share)

    def _map(self, batch: torch.Tensor) -> torch.Tensor:
        reconstructions = self.model(batch)
        pictures, total = at_scales(batch, len(reconstructions)), torch.zeros_like(batch[:, :1])
        # In 32 bits, as in the loss.
        with torch.autocast(batch.device.type, enabled=False):
            for wanted, got in zip(pictures, reconstructions, strict=True):
                residual = self.residual(wanted, got.float())
                total += functional.interpolate(residual, batch.shape[2:], mode="bilinear")
        return total[:, 0] / len(reconstructions)

    def residual(self, wanted: torch.Tensor, got: torch.Tensor) -> torch.Tensor:
        """Return how far two pictures B×3×H×W differ at each pixel, in structure and colour."""
        share = self.settings.ssim_share
        structure = 1 - similarity(wanted, got).ssim.mean(1, keepdim=True)
        colour = blur((wanted - got).abs()).mean(1, keepdim=True)
        return share * structure + (1 - share) * colour
