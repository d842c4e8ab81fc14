"""PaDiM: a Gaussian at each position, over a frozen network's features of good images."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch

from helpers.detectors.base import FeatureDetector
from helpers.errors import check_least
from helpers.machine import this_machine
from helpers.metrics.scores import Scores, scores_from_maps
from helpers.networks.features import at_stride, concatenated, grid_features
from helpers.networks.found_again import backbone_from, backbone_state
from helpers.networks.inference import check_fitted, here, to_array

BATCH = 8


@dataclass(frozen=True)
class PadimSettings:
    """Settings of PaDiM; the number of features and the regularisation are the paper's.

    Attributes
    ----------
    architecture, weights, layers
        Of the backbone; see ``helpers.networks.backbone.backbone``.
    stride
        Pixels from one position to the next; the features of finer layers are averaged to it.
    features
        How many of the layers' features are kept, drawn at random; all where there are fewer.
    regularisation
        Added to each variance, so that every covariance has an inverse.
    smoothing
        Standard deviation of the Gaussian that smooths the maps, as a share of the image's side.
    top_share
        Image score: mean over this share of the map's highest pixels; 0 for the maximum.
    seed
        Of the draw and of random weights.
    """

    architecture: str = "auto"
    weights: str = "auto"
    layers: tuple[str, ...] = ("stride 4", "stride 8", "stride 16")
    stride: int = 8
    features: int = 100
    regularisation: float = 0.01
    smoothing: float = 1 / 64
    top_share: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_least(self, stride=1, features=1)
        if not self.regularisation > 0:
            raise ValueError(f"regularisation must be above 0; got {self.regularisation}.")


class PadimDetector(FeatureDetector):
    """Score patches by the Mahalanobis distance to the good features of the same position.

    Defard et al., "PaDiM: a Patch Distribution Modeling Framework for Anomaly Detection and
    Localization" (ICPR 2021, arXiv 2011.08785, Section III): the features of three layers, a random
    part of them, a mean and a covariance at each position, the distance as the map and its maximum
    as the image's score. It takes the product to be at the same place in every image. The paper has
    a Gaussian at every patch of the finest layer; with one at every second, it is a quarter of the
    numbers, and on generated nuts as good.

    Parameters are those of ``FeatureDetector``.

    Attributes
    ----------
    chosen
        int64, which of the layers' features are kept.
    mean, inverse
        float32, P×d and P×d×d after ``fit``: of the Gaussian at each of P positions, row by row.
    """

    revision = 1
    settings_class = PadimSettings

    def fit(self, images: np.ndarray) -> Self:
        """Estimate the Gaussians of good images: uint8, N×3×H×W.

        Raises
        ------
        ValueError
            When there are fewer than two images, or they are too small for the backbone.
        """
        s = self.settings
        if len(images) < 2:
            raise ValueError("a covariance needs at least 2 images; got 1. Give more good images.")
        self._make_backbone(s.seed)
        draw = torch.Generator().manual_seed(s.seed)
        every = sum(self.backbone.channels.values())
        chosen = torch.randperm(every, generator=draw)[: s.features].sort().values
        self.chosen = chosen.to(this_machine().device)
        self.mean, self.inverse = position_gaussians(self._vectors(images), s.regularisation)
        return self

    def _vectors(self, images: np.ndarray) -> torch.Tensor:
        features = grid_features(self.backbone, images, 1, self.settings.stride)
        return _by_position(features[:, self.chosen])

    def _learned(self) -> dict[str, Any]:
        kept = {"chosen": self.chosen, "mean": self.mean, "inverse": self.inverse}
        return {"backbone": backbone_state(self.backbone), **kept}

    def _recall(self, state: dict[str, Any]) -> None:
        self.backbone = backbone_from(state["backbone"])
        self.chosen, self.mean, self.inverse = here(
            [state["chosen"], state["mean"], state["inverse"]]
        )

    def tensor_maps(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the distances at each position, see ``Learner``."""
        features = concatenated(self.backbone(batch), 1)[:, self.chosen]
        features = at_stride(features, batch.shape[-1], self.settings.stride)
        distances = mahalanobis(_by_position(features), self.mean, self.inverse)
        return distances.view(-1, *features.shape[2:]), None

    def predict(self, images: np.ndarray) -> Scores:
        """Score uint8 images N×3×H×W."""
        check_fitted(self, "inverse")
        s, size = self.settings, images.shape[2:]
        maps = [
            mahalanobis(self._vectors(images[start : start + BATCH]), self.mean, self.inverse)
            for start in range(0, len(images), BATCH)
        ]
        grid = (-1, *(max(1, side // s.stride) for side in size))
        return scores_from_maps(to_array(maps).reshape(grid), size, s.smoothing, s.top_share)


def _by_position(features: torch.Tensor) -> torch.Tensor:
    return features.flatten(2).transpose(1, 2)


def position_gaussians(
    vectors: torch.Tensor, regularisation: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the mean, P×d, and the inverse covariance, P×d×d, of N×P×d features at each position.

    The covariance is the unbiased one of N images, plus ``regularisation`` times the identity (the
    paper's Equation 1).
    """
    mean = vectors.mean(0)
    centred = (vectors - mean).permute(1, 2, 0)
    covariance = centred @ centred.transpose(1, 2) / (len(vectors) - 1)
    covariance = covariance.to(this_machine().widest)
    covariance.diagonal(dim1=1, dim2=2).add_(regularisation)
    return mean, torch.linalg.inv(covariance).float()


def mahalanobis(vectors: torch.Tensor, mean: torch.Tensor, inverse: torch.Tensor) -> torch.Tensor:
    """Return the Mahalanobis distance of B×P×d features from each position's Gaussian: B×P."""
    away = (vectors - mean).transpose(0, 1)
    return ((away @ inverse) * away).sum(2).clamp_min(0).sqrt().T
