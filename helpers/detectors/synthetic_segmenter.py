"""A segmenter of synthetic defects: made on good pictures, with exact masks, to learn from."""

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import torch
from torch import nn

from helpers.augmentation.colour_jitter import colour_jitter
from helpers.detectors.base import FeatureDetector
from helpers.detectors.filled_masks import fill_masks, formula_textures, random_masks, upsampled
from helpers.errors import check_least
from helpers.metrics.scores import Scores, scores_from_maps
from helpers.networks.found_again import backbone_from, backbone_state
from helpers.networks.inference import check_fitted, infer, with_numbers
from helpers.networks.normalisation import settle_normalisation
from helpers.networks.seeding import seeded
from helpers.networks.training import TrainingSettings, train
from helpers.segmentation.losses import MaskLoss
from helpers.segmentation.unet import PretrainedEncoder, UNet

ENCODER = "encoder.backbone."  # of the U-Net's state: what the backbone keeps itself


@dataclass(frozen=True)
class SyntheticSegmenterSettings:
    """Settings of a segmenter of synthetic defects.

    Attributes
    ----------
    architecture, weights, layers
        The frozen network that is the U-Net's encoder; see ``networks.backbone.backbone``.
    width
        Channels of the U-Net's finest level; each coarser one has twice as many.
    area
        Range of a defect's share of the picture.
    opacity
        Range of how much of the texture shows through.
    textures
        How many formula pictures to fill with.
    good_share
        Probability that a training picture stays good.
    jitter
        Strength of the change of colours of every training picture.
    loss
        What the U-Net is trained on.
    smoothing
        Standard deviation of the Gaussian that smooths the maps, as a share of the image's side.
    training
        How the U-Net is trained.
    """

    architecture: str = "auto"
    weights: str = "auto"
    layers: tuple[str, ...] = ("stride 2", "stride 4", "stride 8")
    width: int = 16
    area: tuple[float, float] = (0.0005, 0.06)
    opacity: tuple[float, float] = (0.1, 1.0)
    textures: int = 64
    good_share: float = 0.25
    jitter: float = 0.05
    loss: MaskLoss = field(default_factory=MaskLoss)
    smoothing: float = 1 / 64
    training: TrainingSettings = field(default_factory=TrainingSettings)

    def __post_init__(self) -> None:
        for name in ("area", "opacity"):
            low, high = getattr(self, name)
            if not 0 < low <= high <= 1:
                raise ValueError(f"{name} must rise within 0…1; got {low} to {high}.")
        if not 0 <= self.good_share < 1:
            raise ValueError(f"good_share must be at least 0 and below 1; got {self.good_share}.")
        check_least(self, textures=1, width=1)


class SyntheticSegmenterDetector(FeatureDetector):
    """Mark what a U-Net, trained on synthetic defects with their masks, takes for defective.

    After DRAEM (Zavrtanik, Kristan and Skočaj, ICCV 2021): ragged masks from Perlin noise are
    filled with textures of something else, a network is trained to predict the masks, and the
    image's score is the maximum of the smoothed map. What differs: there, a second network
    reconstructs the good picture first, and the segmenter compares both; here the encoder is a
    frozen pretrained network. Textures are formula pictures, not photographs; the loss is
    cross-entropy and Dice, not focal loss; the map is smoothed by a Gaussian, not by a mean.

    Attributes
    ----------
    textures
        uint8, K×3×H×W: what the masks were filled with, after ``fit``.
    model, history
        The U-Net and what its training did, after ``fit``.
    """

    revision = 1
    settings_class = SyntheticSegmenterSettings

    def fit(self, images: np.ndarray) -> Self:
        """Train on good images: uint8, N×3×H×W.

        Raises
        ------
        ValueError
            When there are fewer images than a batch, no such backbone, layer or weights, or the
            side of the images is no multiple of the last layer's stride.
        DivergedError
            When the loss is no longer finite.
        """
        s, seed = self.settings, self.settings.training.seed
        self._make_backbone(seed)
        model = self._network()
        self.textures = formula_textures(s.textures, images.shape[-1], seed)
        self._fillings = upsampled(self.textures, images.shape[-1])
        self.history = train(model, images, self._loss, s.training, method=s, title="U-Net")
        settle_normalisation(model, images, self._loss, s.training)
        self.model = model
        return self

    def _network(self) -> UNet:
        s = self.settings
        with seeded(s.training.seed):
            encoder = PretrainedEncoder(self.backbone, s.width)
            return UNet(encoder, [s.width << level for level in range(len(s.layers))])

    def _learned(self) -> dict[str, Any]:
        numbers = self.model.state_dict()
        for name in self.backbone.state_dict():
            del numbers[f"{ENCODER}{name}"]
        return {"backbone": backbone_state(self.backbone), "model": numbers}

    def _recall(self, state: dict[str, Any]) -> None:
        self.backbone = backbone_from(state["backbone"])
        found = {f"{ENCODER}{name}": value for name, value in self.backbone.state_dict().items()}
        self.model = with_numbers(self._network(), found | state["model"])

    def _loss(self, model: nn.Module, batch: torch.Tensor) -> torch.Tensor:
        pictures, masks = self.damaged(batch, self._fillings)
        pictures = colour_jitter(pictures, self.settings.jitter)
        logits = model(pictures.contiguous(memory_format=torch.channels_last))
        return self.settings.loss(logits, masks)

    def damaged(
        self, images: torch.Tensor, textures: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Make a synthetic defect on each picture, but for the share that stays good.

        Parameters
        ----------
        images, textures
            B×3×H×W and K×3×H×W in [0, 1].

        Returns
        -------
        tuple
            The pictures, and B×H×W, true where the defect is.
        """
        s = self.settings
        masks = random_masks(len(images), images.shape[-1], s.area)
        masks &= (torch.rand(len(images)) >= s.good_share)[:, None, None]
        masks = masks.to(images.device)
        return fill_masks(images, masks, textures.to(images), s.opacity), masks

    def tensor_maps(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the probabilities, see ``Learner``."""
        return self.model(batch).sigmoid(), None

    def predict(self, images: np.ndarray) -> Scores:
        """Return the probability of each pixel of uint8 images N×3×H×W to be defective."""
        check_fitted(self)
        maps = infer(lambda batch: self.model(batch).float().sigmoid(), images, 16)
        return scores_from_maps(maps, None, self.settings.smoothing)
