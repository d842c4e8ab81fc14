"""Noisy bottleneck: reconstruct a frozen network's features through dropout, loosely compared."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn import functional

from helpers.detectors.feature_network import FeatureNetworkDetector
from helpers.errors import check_least
from helpers.networks.training import TrainingSettings

EASY_GRADIENT = 0.1  # of the patches that are reconstructed well already


@dataclass(frozen=True)
class NoisyBottleneckSettings:
    """Settings of the noisy bottleneck; dropout and the share of easy patches are Dinomaly's.

    Attributes
    ----------
    architecture, weights, layers
        Of the frozen backbone; see ``helpers.networks.backbone.backbone``.
    stride
        Pixels from one patch to the next.
    width, depth
        Of the decoder: its channels, and how many blocks it has.
    dropout
        Share of the bottleneck's numbers that are set to zero in each step of the training.
    loose
        Whether all layers are compared at once; else each on its own.
    easy_share
        Share of the patches, the best reconstructed ones, whose gradient is made small; it rises
        from 0 to this share over the first third of the steps.
    smoothing
        Standard deviation of the Gaussian that smooths the maps, as a share of the image's side.
    top_share
        Image score: mean over this share of the map's highest pixels; 0 for the maximum.
    training
        Of the decoder.
    """

    architecture: str = "auto"
    weights: str = "auto"
    layers: tuple[str, ...] = ("stride 4", "stride 8", "stride 16")
    stride: int = 8
    width: int = 128
    depth: int = 2
    dropout: float = 0.2
    loose: bool = True
    easy_share: float = 0.9
    smoothing: float = 1 / 64
    top_share: float = 0.01
    training: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(epochs=30, batch_size=16, learning_rate=1e-3)
    )

    def __post_init__(self) -> None:
        check_least(self, stride=1, width=1, depth=0)
        for name in ("dropout", "easy_share"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(
                    f"{name} must be at least 0 and below 1; got {getattr(self, name)}."
                )


class NoisyDecoder(nn.Module):
    """Dropout in a bottleneck of half as many patches a side, and blocks that reconstruct.

    Input and output: B×C×h×w features.
    """

    def __init__(self, channels: int, width: int, depth: int, dropout: float) -> None:
        super().__init__()
        self.bottleneck = nn.Sequential(
            nn.Conv2d(channels, width, 2, stride=2),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Conv2d(width, width, 1),
            nn.Dropout(dropout),
        )
        self.blocks = nn.ModuleList(_block(width) for _ in range(depth))
        self.head = nn.ConvTranspose2d(width, channels, 2, stride=2)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Reconstruct ``features``."""
        value = self.bottleneck(features)
        for block in self.blocks:
            value = value + block(value)
        made = self.head(value)
        if made.shape == features.shape:
            return made
        return functional.interpolate(made, features.shape[2:], mode="bilinear")  # an odd side


def _block(width: int) -> nn.Sequential:
    """Look 5×5 patches far, each channel on its own, then mix the channels."""
    return nn.Sequential(
        nn.Conv2d(width, width, 5, padding=2, groups=width),
        nn.BatchNorm2d(width),
        nn.Conv2d(width, 2 * width, 1),
        nn.GELU(),
        nn.Conv2d(2 * width, width, 1),
    )


class NoisyBottleneckDetector(FeatureNetworkDetector):
    """Score patches by how badly a decoder reconstructs their features through a noisy bottleneck.

    Two ideas of Guo et al., "Dinomaly: The Less Is More Philosophy in Multi-Class Unsupervised
    Anomaly Detection" (CVPR 2025, arXiv 2405.14325), on a convolutional network. A decoder that is
    too good copies defects too. So dropout makes what it gets unreliable (Section 3.2), and it is
    held to the layers together, not to each, and to patches that it does badly more than to others
    (3.4). Theirs has DINOv2's tokens, a decoder of linear attention, and adds layers up; here
    layers have different channels and are put side by side.

    Parameters and attributes are those of ``FeatureNetworkDetector``; ``network`` is the decoder.
    """

    revision = 1
    settings_class = NoisyBottleneckSettings
    trained = "decoder"

    def _new_network(self, channels: int) -> NoisyDecoder:
        s = self.settings
        return NoisyDecoder(channels, s.width, s.depth, s.dropout)

    def _loss(self, network: nn.Module, batch: torch.Tensor, done: float) -> torch.Tensor:
        easy = self.settings.easy_share * min(1.0, 3 * done)
        pairs = self._pairs(batch, network(batch).float())
        return torch.stack([loose_loss(*pair, easy) for pair in pairs]).mean()

    def _map(self, features: torch.Tensor) -> torch.Tensor:
        pairs = self._pairs(features, self.network(features).float())
        return torch.stack([cosine_distance(*pair) for pair in pairs]).mean(0)

    def _pairs(
        self, wanted: torch.Tensor, made: torch.Tensor
    ) -> Iterable[tuple[torch.Tensor, ...]]:
        """Pair what is compared: all layers' features at once, or each layer's."""
        if self.settings.loose:
            return [(wanted, made)]
        channels = list(self.backbone.channels.values())
        return zip(wanted.split(channels, dim=1), made.split(channels, dim=1), strict=True)


def cosine_distance(wanted: torch.Tensor, made: torch.Tensor) -> torch.Tensor:
    """Return 1 minus the cosine between the features of each patch: B×h×w of B×C×h×w."""
    return 1 - functional.cosine_similarity(wanted, made, dim=1)


def loose_loss(wanted: torch.Tensor, made: torch.Tensor, easy_share: float) -> torch.Tensor:
    """Return 1 minus the cosine between whole images' features, the mean over B×C×h×w.

    One number an image, so that a patch need not be reconstructed exactly. The share of the patches
    with the smallest distances gets a tenth of its gradient; the loss is the same.
    """
    if easy_share:
        distances = cosine_distance(wanted, made.detach())
        ranked = distances.flatten().sort().values
        limit = ranked[int(easy_share * (len(ranked) - 1)) + 1]
        share = torch.where(distances < limit, EASY_GRADIENT, 1.0)[:, None]
        made = share * made + (1 - share) * made.detach()
    return (1 - functional.cosine_similarity(wanted.flatten(1), made.flatten(1))).mean()
