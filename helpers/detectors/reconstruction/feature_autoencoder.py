"""Attempt 2, second way: reconstruct not the picture but a frozen network's features of it."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch

from helpers.detectors.base import FeatureDetector
from helpers.machine import this_machine
from helpers.metrics.scores import Scores, scores_from_maps
from helpers.networks.backbone import FeatureExtractor
from helpers.networks.features import concatenated, patch_features, patch_vectors
from helpers.networks.found_again import backbone_from, backbone_state
from helpers.networks.inference import check_fitted, here, to_array

BATCH = 16


@dataclass(frozen=True)
class FeatureReconstructionSettings:
    """Settings of feature reconstruction.

    Attributes
    ----------
    architecture, weights, layers
        Of the frozen backbone; see ``helpers.networks.backbone.backbone``.
    patch
        Side of the neighbourhood over which features are averaged, in patches.
    code_share
        Share of the features' dimensions that the code keeps.
    smoothing
        Standard deviation of the Gaussian that smooths the maps, as a share of the image's side.
    top_share
        Share of the pixels, the highest ones, whose mean is the image score.
    seed
        Of random weights; nothing else here is random.
    """

    architecture: str = "auto"
    weights: str = "auto"
    layers: tuple[str, ...] = ("stride 4", "stride 8", "stride 16")
    patch: int = 3
    code_share: float = 0.5
    smoothing: float = 1 / 64
    top_share: float = 0.01
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.code_share < 1:
            raise ValueError(f"code_share must lie between 0 and 1; got {self.code_share}.")


@dataclass(frozen=True, eq=False)
class LinearAutoencoder:
    """The best linear encoder and decoder of the features of good pictures.

    Of all linear autoencoders with a code of K numbers, none reconstructs its training data with a
    smaller squared error than the projection on their K main directions (Baldi and Hornik, Neural
    Networks 2, 1989). So it is computed, not trained.

    Attributes
    ----------
    mean, std
        D numbers each: features are brought to mean 0 and standard deviation 1 first.
    directions
        D×D, a principal direction a column, orthonormal, the least variance first.
    variances
        D numbers, of the good features along each direction.
    code
        How many directions, the last ones, the code keeps.
    """

    mean: torch.Tensor
    std: torch.Tensor
    directions: torch.Tensor
    variances: torch.Tensor
    code: int

    def standardise(self, features: torch.Tensor) -> torch.Tensor:
        """Bring N×D features to mean 0 and standard deviation 1."""
        return (features - self.mean) / self.std

    def reconstruct(self, features: torch.Tensor) -> torch.Tensor:
        """Encode and decode standardised features N×D."""
        kept = self.directions[:, -self.code :]
        return features @ kept @ kept.T

    def error(self, features: torch.Tensor) -> torch.Tensor:
        """Return how badly N×D features are reconstructed, next to good ones: N, 1 on average.

        Only the components that the code discards have an error. Its square along each is divided
        by its mean over good pictures, so that those in which good pictures never vary count as
        much as the others: the Mahalanobis distance along these directions, as in NPCA (Rippel,
        Mertens and Merhof, "Modeling the Distribution of Normal Data in Pre-Trained Deep Features
        for Anomaly Detection", ICPR 2020).
        """
        discarded = len(self.variances) - self.code
        errors = self.standardise(features) @ self.directions[:, :discarded]
        return (errors.square() / self.variances[:discarded]).mean(1)


def fit_linear_autoencoder(
    network: FeatureExtractor, images: np.ndarray, patch: int, code_share: float
) -> LinearAutoencoder:
    """Find the main directions of the features of uint8 images N×3×H×W.

    The features are summed up batch by batch and never kept.

    Raises
    ------
    ValueError
        When the images are too small for the backbone.
    """
    machine, count, total, squares = this_machine(), 0, 0, 0
    for start in range(0, len(images), BATCH):
        features = patch_vectors(patch_features(network, images[start : start + BATCH], patch))
        count += len(features)
        total = total + features.sum(0, dtype=machine.widest).cpu().double()
        squares = squares + (features.T @ features).cpu().double()
    mean = total / count
    covariance = squares / count - mean[:, None] * mean
    # A feature that never varies has no spread to divide by.
    std = covariance.diagonal().clamp_min(1e-12).sqrt()
    variances, directions = torch.linalg.eigh(covariance / std[:, None] / std)
    code = min(max(1, round(code_share * len(std))), len(std) - 1)
    parts = (mean, std, directions, variances.clamp_min(1e-4))
    return LinearAutoencoder(*(part.float().to(machine.device) for part in parts), code)


class FeatureReconstructionDetector(FeatureDetector):
    """Score patches by how badly a frozen network's features of them are reconstructed.

    The idea is that of Yang, Shi and Qi, "DFR: Deep Feature Reconstruction for Unsupervised Anomaly
    Segmentation" (arXiv 2012.07122); theirs reconstructs VGG19's features with a network that
    is trained, this one those of any backbone with the best linear one.

    Parameters are those of ``FeatureDetector``.

    Attributes
    ----------
    model
        The linear autoencoder, after ``fit``.
    """

    revision = 3
    settings_class = FeatureReconstructionSettings

    def fit(self, images: np.ndarray) -> Self:
        """Learn from good images: uint8, N×3×H×W.

        Raises
        ------
        ValueError
            When the images are too small for the backbone.
        """
        s = self.settings
        self._make_backbone(s.seed)
        self.model = fit_linear_autoencoder(self.backbone, images, s.patch, s.code_share)
        return self

    def _learned(self) -> dict[str, Any]:
        return {"backbone": backbone_state(self.backbone), "model": vars(self.model)}

    def _recall(self, state: dict[str, Any]) -> None:
        self.backbone = backbone_from(state["backbone"])
        self.model = LinearAutoencoder(**here(state["model"]))

    def tensor_maps(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the errors of the patches' features, see ``Learner``."""
        features = concatenated(self.backbone(batch), self.settings.patch)
        errors = self.model.error(patch_vectors(features))
        return errors.view(-1, *features.shape[2:]), None

    def predict(self, images: np.ndarray) -> Scores:
        """Score uint8 images N×3×H×W."""
        check_fitted(self)
        parts = []
        for start in range(0, len(images), BATCH):
            batch = images[start : start + BATCH]
            features = patch_features(self.backbone, batch, self.settings.patch)
            vectors = patch_vectors(features).to(self.model.mean.device)
            errors = self.model.error(vectors).view(len(batch), *features.shape[2:])
            parts.append(errors)
        s = self.settings
        return scores_from_maps(to_array(parts), images.shape[2:], s.smoothing, s.top_share)
