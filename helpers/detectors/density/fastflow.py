"""FastFlow: the density of a frozen network's features, learned by one flow for each layer."""

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from helpers.detectors.base import FeatureDetector
from helpers.detectors.density.flow import Flow, fit_flow
from helpers.machine import Machine, this_machine
from helpers.metrics.scores import Scores, scores_from_maps
from helpers.networks.found_again import backbone_from, backbone_state
from helpers.networks.inference import (
    check_fitted,
    collect,
    each_batch,
    here,
    inference,
    to_array,
    with_numbers,
)
from helpers.networks.training import TrainingSettings, check_batch

BATCH = 16

Maps = dict[str, torch.Tensor]


@dataclass(frozen=True)
class FastFlowSettings:
    """Settings of FastFlow; steps, widths and learning rate default to the paper's for a ResNet18.

    Attributes
    ----------
    architecture, weights, layers
        Of the frozen backbone; see ``helpers.networks.backbone.backbone``.
    kernels
        Of the flow's steps.
    hidden_share
        Width of the couplings' networks, as a share of the layer's channels.
    top_share
        Image score: mean over this share of the map's highest pixels; 0 for the maximum.
    smoothing
        Standard deviation of the Gaussian that smooths the maps, as a share of the image's side.
    training
        Of each flow.
    """

    architecture: str = "auto"
    weights: str = "auto"
    layers: tuple[str, ...] = ("stride 4", "stride 8", "stride 16")
    kernels: tuple[int, ...] = (3,) * 8
    hidden_share: float = 1.0
    top_share: float = 0.01
    smoothing: float = 1 / 64
    training: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(epochs=50, batch_size=32, learning_rate=1e-3)
    )

    def __post_init__(self) -> None:
        if not self.hidden_share > 0:
            raise ValueError(f"hidden_share must be above 0; got {self.hidden_share}.")


class FastFlowDetector(FeatureDetector):
    """Score patches by where a flow puts their features: far from the centre is unlikely.

    Yu et al., "FastFlow: Unsupervised Anomaly Detection and Localization via 2D Normalizing Flows"
    (arXiv 2111.07677, Section 3): a flow of convolutions for each layer, trained to give the
    features of good images a high likelihood. The maps of the layers (``anomaly_map``) are resized
    and averaged. The backbone is frozen, so its features are computed once, not every epoch; the
    flows have no weight in common, so they are trained one by one.

    Parameters are those of ``FeatureDetector``.

    Attributes
    ----------
    flows
        One for each layer, after ``fit``.
    losses
        For each layer, the mean negative log-likelihood of a feature value, in nats, in each step.
    """

    revision = 3
    settings_class = FastFlowSettings

    def fit(self, images: np.ndarray) -> Self:
        """Learn the density of good images' features: uint8, N×3×H×W.

        Raises
        ------
        ValueError
            When there are fewer images than a step needs.
        DivergedError
            When the likelihood is no longer finite.
        """
        t = self.settings.training
        check_batch(len(images), t)  # before the features are computed
        self._make_backbone(t.seed)
        machine = this_machine()
        known = self._features(images, machine)
        self.scales = {name: _scale(values) for name, values in known.items()}
        self.flows, self.losses = nn.ModuleDict(), {}
        for name, values in known.items():
            flow = self._flow(values.shape[1])
            self.losses[name] = fit_flow(flow, self._scaled(name, values), t, machine)
            self.flows[name] = flow
        return self

    def _flow(self, channels: int) -> Flow:
        s = self.settings
        hidden = max(1, round(s.hidden_share * channels))
        return Flow(channels, s.kernels, hidden, s.training.seed)

    def _learned(self) -> dict[str, Any]:
        return {
            "backbone": backbone_state(self.backbone),
            "flows": {name: flow.state_dict() for name, flow in self.flows.items()},
            "scales": self.scales,
        }

    def _recall(self, state: dict[str, Any]) -> None:
        self.backbone = backbone_from(state["backbone"])
        self.scales = here(state["scales"])
        self.flows = nn.ModuleDict(
            {
                name: with_numbers(self._flow(channels), state["flows"][name])
                for name, channels in self.backbone.channels.items()
            }
        )

    def tensor_maps(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the mean of the layers' maps, see ``Learner``."""
        layers = []
        for name, values in self.backbone(batch).items():
            mean, spread = self.scales[name]
            latent, _ = self.flows[name]((values - mean) / spread)
            layers.append(
                functional.interpolate(
                    anomaly_map(latent)[:, None], batch.shape[2:], mode="bilinear"
                )
            )
        return torch.stack(layers).mean(0)[:, 0], None

    def predict(self, images: np.ndarray) -> Scores:
        """Score uint8 images N×3×H×W."""
        maps = []
        for start in range(0, len(images), BATCH):
            layers = [
                functional.interpolate(
                    anomaly_map(latent)[:, None], images.shape[2:], mode="bilinear"
                )
                for latent, _ in self.transform(images[start : start + BATCH]).values()
            ]
            maps.append(torch.stack(layers).mean(0)[:, 0])
        s = self.settings
        return scores_from_maps(to_array(maps), None, s.smoothing, s.top_share)

    def transform(self, images: np.ndarray) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
        """Return for each layer what its flow makes of uint8 images N×3×H×W.

        Returns
        -------
        dict
            The latent, N×C×h×w, and each patch's part of the log-determinant, N×h×w.
        """
        check_fitted(self, "flows")
        machine = this_machine()
        features = self._features(images, machine)
        with inference(machine):
            return {
                name: self.flows[name](self._scaled(name, values).to(machine.device))
                for name, values in features.items()
            }

    def _features(self, images: np.ndarray, machine: Machine) -> Maps:
        network = machine.place(self.backbone)
        return collect(each_batch(network, images, BATCH, machine), len(images), machine)

    def _scaled(self, name: str, values: torch.Tensor) -> torch.Tensor:
        mean, spread = (scale.to(values.device) for scale in self.scales[name])
        return (values - mean) / spread


def anomaly_map(latent: torch.Tensor) -> torch.Tensor:
    """Return how far from the centre a latent B×C×… lies at each patch: 1 − exp(−½ mean z²), B×….

    Between 0 and 1, so that no layer outvotes the others; the log-determinant is left out. Both are
    as in the open implementations (anomalib 2, models/image/fastflow/anomaly_map.py); the paper
    speaks of the likelihood.
    """
    return 1 - torch.exp(-0.5 * latent.square().mean(1))


def _scale(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return each channel's mean and spread over images and patches: 1×C×1×1."""
    spread, mean = torch.std_mean(values, dim=(0, 2, 3), keepdim=True)
    # A channel that is silent on good images would be divided by zero.
    return mean, spread.clamp_min(1e-3 * spread.max().clamp_min(1e-12))
