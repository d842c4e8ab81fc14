"""What detectors share that train a network of their own on a frozen one's features."""

from typing import Any, Self

import numpy as np
import torch
from torch import nn

from helpers.detectors.base import FeatureDetector
from helpers.machine import this_machine
from helpers.metrics.scores import Scores, scores_from_maps
from helpers.networks.features import at_stride, concatenated, grid_features
from helpers.networks.found_again import backbone_from, backbone_state
from helpers.networks.inference import check_fitted, here, inference, to_array, with_numbers
from helpers.networks.seeding import seeded
from helpers.networks.training import check_batch, train_on_features

BATCH = 16


class FeatureNetworkDetector(FeatureDetector):
    """Standardise a frozen network's features, train a network on them, and ask it for a map.

    Which network, loss and map, a detector says in ``_new_network``, ``_loss`` and ``_map``. Its
    settings have ``stride``, ``smoothing``, ``top_share`` and ``training``.

    Parameters are those of ``FeatureDetector``.

    Attributes
    ----------
    network
        The trained one, after ``fit``.
    scale
        Standard deviation and mean of each feature on good images, after ``fit``.
    losses
        The loss of each step.
    """

    trained = "network"  # what it is, for an error
    patch = 1  # side of the neighbourhood over which features are averaged

    def fit(self, images: np.ndarray) -> Self:
        """Learn from good images' features: uint8, N×3×H×W.

        Raises
        ------
        ValueError
            When there are fewer images than a step needs.
        DivergedError
            When the loss is no longer finite.
        """
        t = self.settings.training
        check_batch(len(images), t)  # before the features are computed
        self._make_backbone(t.seed)
        known = self._features(images)
        self.scale = torch.std_mean(known, dim=(0, 2, 3), keepdim=True)
        network, known = self._seeded_network(), self._scaled(known)
        self.losses = train_on_features(
            network, known, self._loss, t, this_machine(), f"{self.trained}'s"
        )
        self.network = network
        return self

    def _new_network(self, channels: int) -> nn.Module:
        """Make the network, for so many features."""
        raise NotImplementedError

    def _loss(self, network: nn.Module, batch: torch.Tensor, done: float) -> torch.Tensor:
        """Return the loss on standardised features, B×C×h×w; see ``train_on_features``."""
        raise NotImplementedError

    def _map(self, features: torch.Tensor) -> torch.Tensor:
        """Score standardised features, B×C×h×w: B×h×w."""
        raise NotImplementedError

    def _seeded_network(self) -> nn.Module:
        with seeded(self.settings.training.seed):
            return self._new_network(sum(self.backbone.channels.values()))

    def _features(self, images: np.ndarray) -> torch.Tensor:
        return grid_features(self.backbone, images, self.patch, self.settings.stride)

    def _scaled(self, features: torch.Tensor) -> torch.Tensor:
        spread, mean = self.scale
        # A feature that is silent on good images would be divided by zero.
        return (features - mean) / spread.clamp_min(1e-3 * spread.max().clamp_min(1e-12))

    def _learned(self) -> dict[str, Any]:
        return {
            "backbone": backbone_state(self.backbone),
            "network": self.network.state_dict(),
            "scale": list(self.scale),
        }

    def _recall(self, state: dict[str, Any]) -> None:
        self.backbone = backbone_from(state["backbone"])
        self.scale = here(state["scale"])
        self.network = with_numbers(self._seeded_network(), state["network"])

    def tensor_maps(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the scores of the patches, see ``Learner``."""
        features = concatenated(self.backbone(batch), self.patch)
        features = at_stride(features, batch.shape[-1], self.settings.stride)
        return self._map(self._scaled(features)), None

    def predict(self, images: np.ndarray) -> Scores:
        """Score uint8 images N×3×H×W."""
        check_fitted(self, "network")
        s, maps = self.settings, []
        for start in range(0, len(images), BATCH):
            features = self._scaled(self._features(images[start : start + BATCH]))
            with inference(this_machine()):
                maps.append(self._map(features))
        return scores_from_maps(to_array(maps), images.shape[2:], s.smoothing, s.top_share)
