"""Attempt 2, second way: redraw not the picture but a frozen network's features of it."""

from dataclasses import dataclass, field
from typing import Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from helpers.backbones import FeatureExtractor, backbone
from helpers.detectors import Scores, in_batches, pool, smooth
from helpers.features import joined, patch_features
from helpers.machine import this_machine
from helpers.training import History, TrainingSettings, seeded, train


@dataclass(frozen=True)
class FeatureReconstructionSettings:
    """Settings of feature reconstruction.

    Attributes
    ----------
    architecture, weights, layers
        Of the frozen backbone; see ``helpers.backbones.backbone``.
    patch
        Side of the neighbourhood over which features are averaged, in places.
    code_channels
        Numbers that are left of each place's features.
    smoothing
        Standard deviation of the Gaussian that smooths the maps, as a share of the image's side.
    top_share
        Share of the pixels, the highest ones, whose mean is the image score.
    training
        How the feature autoencoder is trained.
    """

    architecture: str = "resnet18"
    weights: str = "auto"
    layers: tuple[str, ...] = ("layer1", "layer2", "layer3")
    patch: int = 3
    code_channels: int = 32
    smoothing: float = 1 / 64
    top_share: float = 0.01
    training: TrainingSettings = field(default_factory=TrainingSettings)


class FeatureAutoencoder(nn.Module):
    """Squeeze the features of each place, alone, to a few numbers, and restore them.

    All convolutions are 1×1: the neighbourhood is in the features already. Features are first
    brought to mean 0 and standard deviation 1, channel by channel, so that none outweighs the
    others. Input and output: float B×C×h×w.
    """

    def __init__(self, mean: torch.Tensor, std: torch.Tensor, code_channels: int) -> None:
        super().__init__()
        channels = len(mean)
        middle = (channels + code_channels) // 2
        self.register_buffer("mean", mean.view(1, -1, 1, 1))
        self.register_buffer("std", std.view(1, -1, 1, 1))
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, middle, 1),
            nn.BatchNorm2d(middle),
            nn.ReLU(),
            nn.Conv2d(middle, code_channels, 1),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(code_channels, middle, 1),
            nn.BatchNorm2d(middle),
            nn.ReLU(),
            nn.Conv2d(middle, channels, 1),
        )

    def standard(self, features: torch.Tensor) -> torch.Tensor:
        """Bring features to mean 0 and standard deviation 1."""
        return (features - self.mean) / self.std

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Restore standardised features."""
        return self.decoder(self.encoder(features))


class FeatureReconstructionDetector:
    """Score places by how badly a frozen network's features of them are restored.

    After Yang, Shi and Qi, "DFR: Deep Feature Reconstruction for Unsupervised Anomaly
    Segmentation" (arXiv 2012.07122), with ResNet18 in place of VGG19.

    Parameters
    ----------
    settings
        All choices.
    network
        A backbone made before; otherwise ``fit`` makes the one that the settings describe.

    Attributes
    ----------
    backbone
        The network in use.
    model, history
        The feature autoencoder and what its training did, after ``fit``.
    """

    def __init__(
        self,
        settings: FeatureReconstructionSettings | None = None,
        network: FeatureExtractor | None = None,
    ) -> None:
        self.settings = settings or FeatureReconstructionSettings()
        self.backbone = network

    def fit(self, images: np.ndarray) -> Self:
        """Train on good images: uint8, N×3×H×W.

        Raises
        ------
        ValueError
            When the images are too small for the backbone, or fewer than a batch.
        """
        s = self.settings
        if self.backbone is None:
            self.backbone = backbone(s.architecture, s.weights, s.layers, s.training.seed)
        some = patch_features(self.backbone, images[:64], s.patch)
        std, mean = torch.std_mean(some, dim=(0, 2, 3))
        with seeded(s.training.seed):
            self.model = FeatureAutoencoder(mean, std.clamp_min(1e-6), s.code_channels)
        self.history: History = train(
            self.model, images, self._loss, s.training, title="feature autoencoder"
        )
        return self

    def features(self, batch: torch.Tensor) -> torch.Tensor:
        """Return what is to be restored: standardised features of float B×3×H×W in [0, 1]."""
        with torch.no_grad():
            return self.model.standard(joined(self.backbone(batch), self.settings.patch))

    def _loss(self, model: nn.Module, batch: torch.Tensor) -> torch.Tensor:
        features = self.features(batch)
        return functional.mse_loss(model(features).float(), features)

    def predict(self, images: np.ndarray) -> Scores:
        """Score uint8 images N×3×H×W."""
        if not hasattr(self, "model"):
            raise ValueError("this detector has not been fitted; call fit(good_images) first.")
        machine, parts = this_machine(), []
        with torch.inference_mode(), machine.autocast():
            for batch in in_batches(images, machine):
                features = self.features(batch)
                errors = (self.model(features).float() - features).square().mean(1, keepdim=True)
                parts.append(
                    functional.interpolate(errors, images.shape[2:], mode="bilinear").cpu()
                )
        maps = smooth(torch.cat(parts)[:, 0].numpy(), self.settings.smoothing * images.shape[-1])
        return Scores(pool(maps, self.settings.top_share), maps)
