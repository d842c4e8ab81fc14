"""Feature noise: a discriminator learns good features from the same ones with noise added."""

from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn import functional

from helpers.detectors.feature_network import FeatureNetworkDetector
from helpers.detectors.filled_masks import random_masks
from helpers.errors import check_least
from helpers.networks.training import TrainingSettings

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


class FeatureNoiseDetector(FeatureNetworkDetector):
    """Score patches by a discriminator of good features from the same ones with Gaussian noise.

    After Liu et al., "SimpleNet: A Simple Network for Image Anomaly Detection and Localization"
    (CVPR 2023, arXiv 2303.15140, Section 3): neighbourhood features, noise in their space instead
    of defects in pictures, a discriminator of two layers, the truncated L1 loss. What differs:
    features are standardised, and the adaptor is left out unless it is asked for; on generated nuts
    it made no clear difference.
    ``regions`` is from Rolih, Fučka and Skočaj, "SuperSimpleNet" (ICPR 2024, arXiv 2408.03143);
    its head for whole images and its focal loss are left out.

    Parameters and attributes are those of ``FeatureNetworkDetector``; ``network`` is the
    discriminator.
    """

    revision = 1
    settings_class = FeatureNoiseSettings
    trained = "discriminator"

    @property
    def patch(self) -> int:
        """Side of the neighbourhood over which features are averaged."""
        return self.settings.patch

    def _new_network(self, channels: int) -> Discriminator:
        return Discriminator(channels, self.settings.hidden, self.settings.adaptor)

    def _loss(self, network: nn.Module, batch: torch.Tensor, done: float) -> torch.Tensor:
        good = network.adaptor(batch)
        noisy, marked = self._with_noise(good)
        scores = network.head(torch.cat([good, noisy]))[:, 0].float()
        marked = torch.cat([torch.zeros_like(marked), marked])
        return truncated_loss(scores, marked, self.settings.margin)

    def _map(self, features: torch.Tensor) -> torch.Tensor:
        return self.network(features)

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
