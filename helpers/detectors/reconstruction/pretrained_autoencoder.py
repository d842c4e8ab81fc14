"""Attempt 2, first way: a pretrained network encodes, and a decoder reconstructs the pixels."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from helpers.detectors.reconstruction.autoencoder import (
    Autoencoder,
    AutoencoderSettings,
    ReconstructionDetector,
    reconstruction_loss,
)
from helpers.machine import this_machine
from helpers.networks.backbone import FeatureExtractor, backbone, trainable_backbone
from helpers.networks.found_again import backbone_from, backbone_state
from helpers.networks.inference import with_numbers
from helpers.networks.seeding import seeded
from helpers.networks.training import History, train


@dataclass(frozen=True)
class PixelReconstructionSettings(AutoencoderSettings):
    """Settings of the autoencoder with a pretrained encoder.

    The baseline's, of which ``width`` is that of the decoder, and its ``training`` that of what is
    not frozen.

    Attributes
    ----------
    architecture, weights
        The encoder, and what it begins with; see ``helpers.networks.backbone.backbone``.
    layer
        The encoder's last layer.
    frozen
        Whether the encoder keeps its weights while the decoder learns.
    """

    architecture: str = "auto"
    weights: str = "auto"
    layer: str = "stride 16"
    frozen: bool = True


class PretrainedAutoencoder(nn.Module):
    """Encode a picture with a pretrained network, squeeze its features, and reconstruct it.

    Input and output: float B×3×H×W in [0, 1].
    """

    def __init__(
        self, encoder: FeatureExtractor, widths: tuple[int, ...], code_side: int, code_channels: int
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.code_side = code_side
        self.squeeze = nn.Conv2d(encoder.channels[encoder.layers[-1]], code_channels, 1)
        self.decoder = Autoencoder(widths, code_channels).decoder  # the baseline's

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Reconstruct ``images``."""
        (features,) = self.encoder(images).values()
        code = self.squeeze(functional.adaptive_avg_pool2d(features, self.code_side))
        return self.decoder(code)


class PixelReconstructionDetector(ReconstructionDetector):
    """Score images by how badly a decoder reconstructs them from a pretrained network's features.

    As the baseline (Bergmann et al., CVPR 2019, Section 4.2), with another encoder.

    Parameters
    ----------
    settings
        Network, scoring and training.

    Attributes
    ----------
    backbone
        The encoder, after ``fit``; its ``source`` says which weights it began with.
    model, history
        The whole network and what its training did, after ``fit``.
    """

    revision = 2
    settings_class = PixelReconstructionSettings

    def fit(self, images: np.ndarray) -> Self:
        """Train on good images: uint8, N×3×H×W.

        Raises
        ------
        ValueError
            When the code's side cannot be reached by halving, the encoder's map is smaller than
            the code, or there are fewer images than a batch.
        """
        s = self.settings
        s.widths(images.shape[-1])
        seed = s.training.seed
        make = backbone if s.frozen else trainable_backbone
        self.backbone = make(s.architecture, s.weights, (s.layer,), seed)
        if images.shape[-1] // self.backbone.strides[s.layer] < s.code_side:
            raise ValueError(
                f"{s.layer} of an image of {images.shape[-1]} pixels has "
                f"{images.shape[-1] // self.backbone.strides[s.layer]} positions a side, fewer "
                f"than the code's {s.code_side}. Take an earlier layer or larger images."
            )
        self.model = self._network(images.shape[-1])
        self.history: History = train(
            self.model, images, reconstruction_loss, s.training, title="decoder"
        )
        return self

    def _network(self, side: int) -> PretrainedAutoencoder:
        s = self.settings
        with seeded(s.training.seed):
            return PretrainedAutoencoder(
                self.backbone, s.widths(side), s.code_side, s.code_channels
            )

    def _learned(self) -> dict[str, Any]:
        m = self.model
        return {
            "backbone": backbone_state(self.backbone),
            "squeeze": m.squeeze.state_dict(),
            "decoder": m.decoder.state_dict(),
        }

    def _recall(self, state: dict[str, Any]) -> None:
        self.backbone = backbone_from(state["backbone"])
        self.model = this_machine().place(self._network(state["side"])).eval()
        with_numbers(self.model.squeeze, state["squeeze"])
        with_numbers(self.model.decoder, state["decoder"])
