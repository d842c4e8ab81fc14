"""Attempt 1: a convolutional autoencoder that learns to reconstruct good images."""

import math
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from helpers.metrics.scores import Scores, scores_from_maps
from helpers.networks.inference import check_fitted, infer, with_numbers
from helpers.networks.learner import Learner
from helpers.networks.seeding import seeded
from helpers.networks.training import History, TrainingSettings, train


@dataclass(frozen=True)
class AutoencoderSettings:
    """Settings of the baseline autoencoder.

    Attributes
    ----------
    width
        Channels after the first halving of the image; the next have 2, 4, 8, 8, … times as many.
    code_side, code_channels
        The code is a grid of ``code_side`` × ``code_side`` positions with ``code_channels`` numbers
        each. Fewer mean that less can pass.
    smoothing
        Standard deviation of the Gaussian that smooths the error maps, as a share of the image's
        side: 1/64 is 4 pixels at a side of 256.
    top_share
        Share of the pixels, the highest ones, whose mean is the image score (1: all of them).
    training
        How the network is trained.
    """

    width: int = 32
    code_side: int = 8
    code_channels: int = 16
    smoothing: float = 1 / 64
    top_share: float = 0.01
    training: TrainingSettings = field(default_factory=TrainingSettings)

    def widths(self, side: int) -> tuple[int, ...]:
        """Channels after each halving of a picture of ``side`` × ``side`` pixels, finest first.

        Raises
        ------
        ValueError
            When halving does not lead from ``side`` to ``code_side``.
        """
        return halving_widths(side, self.code_side, self.width)


def halving_widths(side: int, code_side: int, width: int) -> tuple[int, ...]:
    """Return the channels after each halving from ``side`` to ``code_side``, finest first.

    Raises
    ------
    ValueError
        When halving does not lead there.
    """
    halvings = round(math.log2(side / code_side))
    if halvings < 1 or code_side * 2**halvings != side:
        raise ValueError(
            f"a code of {code_side}×{code_side} is reached by halving from a side of "
            f"{2 * code_side}, {4 * code_side}, {8 * code_side} … pixels, not from {side}. "
            "Load the category at another size."
        )
    return tuple(width * min(2**level, 8) for level in range(halvings))


class Autoencoder(nn.Module):
    """Squeeze a picture through a narrow code and reconstruct it.

    The encoder halves the picture once for each width; a 1×1 convolution
    makes the code; the decoder goes the same way back. Input and output:
    float B×3×H×W in [0, 1].
    """

    def __init__(self, widths: tuple[int, ...], code_channels: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            *(halve(a, b) for a, b in pairwise((3, *widths))),
            nn.Conv2d(widths[-1], code_channels, 1),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(code_channels, widths[-1], 1),
            *(double(a, b) for a, b in pairwise(reversed(widths))),
            nn.ConvTranspose2d(widths[0], 3, 4, stride=2, padding=1),
            nn.Sigmoid(),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Reconstruct ``images``."""
        return self.decoder(self.encoder(images))


def halve(inputs: int, outputs: int) -> nn.Sequential:
    """Make a step that halves height and width."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 4, stride=2, padding=1),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def double(inputs: int, outputs: int) -> nn.Sequential:
    """Make a step that doubles height and width.

    A kernel of twice the stride covers all output pixels equally often
    (Odena et al., Distill 2016), so that it favours none by construction.
    """
    return nn.Sequential(
        nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def reconstruction_loss(model: nn.Module, batch: torch.Tensor) -> torch.Tensor:
    """Mean squared error between a batch and its reconstruction."""
    return functional.mse_loss(model(batch).float(), batch)


class ReconstructionDetector(Learner):
    """What detectors that reconstruct pictures share: the error map and its highest pixels.

    A subclass has ``settings`` with ``smoothing``, ``top_share`` and ``widths``, and sets ``model``
    when it is fitted.
    """

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """Reconstruct uint8 images N×3×H×W: float32 of the same shape, in [0, 1]."""
        check_fitted(self)
        self.settings.widths(images.shape[-1])
        return np.ascontiguousarray(infer(self.model, images))

    def _learned(self) -> dict[str, Any]:
        return {"model": self.model.state_dict()}

    def _recall(self, state: dict[str, Any]) -> None:
        self.model = with_numbers(self._network(state["side"]), state["model"])

    def tensor_maps(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the squared error of the reconstruction, see ``Learner``."""
        return (self.model(batch) - batch).square().mean(1), None

    def predict(self, images: np.ndarray) -> Scores:
        """Score uint8 images N×3×H×W."""
        errors = (self.reconstruct(images) - images.astype(np.float32) / 255) ** 2
        s = self.settings
        return scores_from_maps(errors.mean(axis=1), smoothing=s.smoothing, top_share=s.top_share)


class AutoencoderDetector(ReconstructionDetector):
    """Score images by how badly an autoencoder trained on good ones reconstructs them.

    The error map is the squared difference of image and reconstruction, averaged over the colour
    channels and smoothed; the image score is the mean of its highest pixels. The idea of scoring
    by reconstruction error is as old as Japkowicz, Myers and Gluck (IJCAI 1995); on MVTec AD it is
    the l2 autoencoder of Bergmann et al. (CVPR 2019, Section 4.2), here with another network.

    Parameters
    ----------
    settings
        Network, scoring and training.
    checkpoint
        File to continue an interrupted training from, or none.

    Attributes
    ----------
    model
        The trained network, after ``fit``.
    history
        What the training did, after ``fit``.
    """

    revision = 1
    settings_class = AutoencoderSettings

    def __init__(
        self, settings: AutoencoderSettings | None = None, checkpoint: Path | None = None
    ) -> None:
        super().__init__(settings)
        self.checkpoint = checkpoint

    def fit(self, images: np.ndarray) -> Self:
        """Train on good images: uint8, N×3×H×W.

        Raises
        ------
        ValueError
            When the code's side cannot be reached by halving, or there are fewer images than a
            batch.
        """
        self.model = self._network(images.shape[-1])
        self.history: History = train(
            self.model,
            images,
            reconstruction_loss,
            self.settings.training,
            checkpoint=self.checkpoint,
            method=self.settings,
            title="autoencoder",
        )
        return self

    def _network(self, side: int) -> Autoencoder:
        widths = self.settings.widths(side)
        with seeded(self.settings.training.seed):
            return Autoencoder(widths, self.settings.code_channels)
