"""Feature noise: a discriminator learns good features from the same ones with noise added."""

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from helpers.detectors.base import FeatureDetector
from helpers.detectors.filled_masks import random_masks
from helpers.errors import check_least
from helpers.machine import this_machine
from helpers.metrics.scores import Scores, scores_from_maps
from helpers.networks.features import at_stride, concatenated, grid_features
from helpers.networks.found_again import backbone_from, backbone_state
from helpers.networks.inference import check_fitted, here, inference, to_array, with_numbers
from helpers.networks.seeding import epoch_order, epoch_seed, seeded
from helpers.networks.training import TrainingSettings, check_batch, finite_loss, optimise

BATCH = 16
AREA = (0.02, 0.5)  # of a region with noise, as a share of the picture


@dataclass(frozen=True)
class FeatureNoiseSettings:
    """Settings of feature noise; the neighbourhood and the margin are SimpleNet's.

    Attributes
    ----------
    architecture, weights, layers
        Of the frozen backbone; see ``helpers.networks.backbone.backbone``.
    patch
        Side of the neighbourhood over which features are averaged, in patches; odd.
    stride
        Pixels from one patch to the next.
    noise
        Standard deviation of the noise, next to that of a feature over the good images.
    regions
        Whether the noise is added in ragged regions; else everywhere.
    adaptor
        Whether a linear layer changes the features before the noise is added.
    hidden
        Width of the discriminator.
    margin
        A patch whose score is this far on its own side of 0 teaches nothing more.
    smoothing
        Standard deviation of the Gaussian that smooths the maps, as a share of the image's side.
    top_share
        Image score: mean over this share of the map's highest pixels; 0 for the maximum.
    training
        Of the discriminator and the adaptor.
    """

    architecture: str = "auto"
    weights: str = "auto"
    layers: tuple[str, ...] = ("stride 4", "stride 8", "stride 16")
    patch: int = 3
    stride: int = 8
    noise: float = 0.2
    regions: bool = False
    adaptor: bool = False
    hidden: int = 128
    margin: float = 0.5
    smoothing: float = 1 / 64
    top_share: float = 0.0
    training: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(epochs=30, batch_size=16, learning_rate=1e-3)
    )

    def __post_init__(self) -> None:
        check_least(self, patch=1, stride=1, hidden=1)
        for name in ("noise", "margin"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0; got {getattr(self, name)}.")


class Discriminator(nn.Module):
    """An adaptor where it is asked for, and a head that scores each patch on its own."""

    def __init__(self, channels: int, hidden: int, adaptor: bool) -> None:
        super().__init__()
        self.adaptor = nn.Conv2d(channels, channels, 1, bias=False) if adaptor else nn.Identity()
        self.head = nn.Sequential(
            nn.Conv2d(channels, hidden, 1),
            nn.BatchNorm2d(hidden),
            nn.LeakyReLU(0.2),
            nn.Conv2d(hidden, 1, 1, bias=False),
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Score B×C×h×w features: B×h×w, below 0 where they look good."""
        return self.head(self.adaptor(features))[:, 0]


class FeatureNoiseDetector(FeatureDetector):
    """Score patches by a discriminator of good features from the same ones with Gaussian noise.

    After Liu et al., "SimpleNet: A Simple Network for Image Anomaly Detection and Localization"
    (CVPR 2023, arXiv 2303.15140, Section 3): neighbourhood features, noise in their space instead
    of defects in pictures, a discriminator of two layers, the truncated L1 loss. What differs:
    features are standardised, and the adaptor is left out unless it is asked for; on generated nuts
    it made no clear difference.
    ``regions`` is from Rolih, Fučka and Skočaj, "SuperSimpleNet" (ICPR 2024, arXiv 2408.03143);
    its head for whole images and its focal loss are left out.

    Parameters are those of ``FeatureDetector``.

    Attributes
    ----------
    discriminator
        After ``fit``.
    losses
        The loss of each step.
    """

    revision = 1
    settings_class = FeatureNoiseSettings

    def fit(self, images: np.ndarray) -> Self:
        """Learn to tell good images' features from noisy ones: uint8, N×3×H×W.

        Raises
        ------
        ValueError
            When there are fewer images than a step needs.
        DivergedError
            When the loss is no longer finite.
        """
        s, t, machine = self.settings, self.settings.training, this_machine()
        check_batch(len(images), t)
        self._make_backbone(t.seed)
        known = grid_features(self.backbone, images, s.patch, s.stride)
        self.scale = torch.std_mean(known, dim=(0, 2, 3), keepdim=True)
        known = self._scaled(known)
        network = machine.place(self._discriminator()).train()
        optimiser = torch.optim.Adam(network.parameters(), lr=t.learning_rate, fused=True)
        self.losses: list[float] = []
        for epoch in range(t.epochs):
            order = epoch_order(t.seed, epoch, len(images))
            with seeded(epoch_seed(t.seed, epoch)):
                for rows in order.split(t.batch_size):
                    batch = known[rows.to(known.device)]
                    with machine.autocast():
                        good = network.adaptor(batch)
                        noisy, marked = self._with_noise(good)
                        scores = network.head(torch.cat([good, noisy]))[:, 0].float()
                    marked = torch.cat([torch.zeros_like(marked), marked])
                    loss = truncated_loss(scores, marked, s.margin)
                    self.losses.append(finite_loss(float(loss.detach()), t, "discriminator's"))
                    optimise(loss, optimiser)
        self.discriminator = network.eval()
        return self

    def _with_noise(self, good: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Add noise to B×C×h×w features; return them, and where it was added: bool, B×h×w."""
        s, (count, _, height, width) = self.settings, good.shape
        # Drawn in main memory, so that every device sees the same noise.
        noise = s.noise * torch.randn(good.shape)
        marked = torch.ones(count, height, width, dtype=torch.bool)
        if s.regions:
            marked = random_masks(count, height, AREA)
        noise, marked = noise.to(good.device), marked.to(good.device)
        return good + noise * marked[:, None], marked

    def _discriminator(self) -> Discriminator:
        s = self.settings
        with seeded(s.training.seed):
            return Discriminator(sum(self.backbone.channels.values()), s.hidden, s.adaptor)

    def _scaled(self, features: torch.Tensor) -> torch.Tensor:
        spread, mean = self.scale
        # A feature that is silent on good images would be divided by zero.
        return (features - mean) / spread.clamp_min(1e-3 * spread.max().clamp_min(1e-12))

    def _learned(self) -> dict[str, Any]:
        return {
            "backbone": backbone_state(self.backbone),
            "discriminator": self.discriminator.state_dict(),
            "scale": list(self.scale),
        }

    def _recall(self, state: dict[str, Any]) -> None:
        self.backbone = backbone_from(state["backbone"])
        self.scale = here(state["scale"])
        self.discriminator = with_numbers(self._discriminator(), state["discriminator"])

    def tensor_maps(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the discriminator's scores of the patches, see ``Learner``."""
        s = self.settings
        features = at_stride(concatenated(self.backbone(batch), s.patch), batch.shape[-1], s.stride)
        return self.discriminator(self._scaled(features)), None

    def predict(self, images: np.ndarray) -> Scores:
        """Score uint8 images N×3×H×W."""
        check_fitted(self, "discriminator")
        s, maps = self.settings, []
        for start in range(0, len(images), BATCH):
            batch = images[start : start + BATCH]
            features = self._scaled(grid_features(self.backbone, batch, s.patch, s.stride))
            with inference(this_machine()):
                maps.append(self.discriminator(features))
        return scores_from_maps(to_array(maps), images.shape[2:], s.smoothing, s.top_share)


def truncated_loss(scores: torch.Tensor, marked: torch.Tensor, margin: float) -> torch.Tensor:
    """Return SimpleNet's truncated L1 loss of patches' scores.

    How far good patches are above −``margin``, and noisy ones below ``margin``: a mean over each.

    Parameters
    ----------
    scores
        Of any shape, higher where a patch looks noisy.
    marked
        bool, of the same shape: true for noisy patches.
    margin
        Beyond it nothing is to be gained.
    """
    good = functional.relu(margin + scores[~marked]).mean()
    return good + functional.relu(margin - scores[marked]).mean()
