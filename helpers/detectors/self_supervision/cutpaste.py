"""Attempt 3: CutPaste, a classifier of synthetic defects."""

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from helpers.augmentation.colour_jitter import colour_jitter
from helpers.augmentation.cut_and_paste import CUTS, paste
from helpers.detectors.self_supervision.gaussian import Gaussian, fit_gaussian
from helpers.errors import check_names
from helpers.machine import this_machine
from helpers.metrics.scores import Scores, scores_from_maps
from helpers.networks.backbone import FeatureExtractor, trainable_backbone
from helpers.networks.found_again import backbone_from, backbone_state
from helpers.networks.inference import check_fitted, each_batch, infer, to_array, with_numbers
from helpers.networks.learner import Learner
from helpers.networks.normalisation import settle_normalisation
from helpers.networks.seeding import seeded
from helpers.networks.training import TrainingSettings, train


@dataclass(frozen=True)
class CutPasteSettings:
    """Settings of CutPaste; the defaults are the paper's three-way variant.

    Attributes
    ----------
    defect_types
        The damage to tell from good pictures, and from each other: ``"patch"`` is the paper's
        CutPaste, ``"scar"`` its scar.
    architecture, weights, layer
        The network, what it begins with, and its last layer; see ``networks.backbone.backbone``.
    jitter
        Strength of the change of colours, of what is pasted and of every training picture.
    hidden
        Width of the classifier's hidden layer.
    smoothing
        Standard deviation of the Gaussian that smooths the maps, as a share of the image's side.
    training
        How the classifier is trained. A step sees a batch once for each class.
    """

    defect_types: tuple[str, ...] = ("patch", "scar")
    architecture: str = "resnet18"
    weights: str = "random"
    layer: str = "layer4"
    jitter: float = 0.1
    hidden: int = 128
    smoothing: float = 1 / 64
    training: TrainingSettings = field(default_factory=TrainingSettings)

    def __post_init__(self) -> None:
        check_names(self, "defect_types", CUTS)


class CutPasteNetwork(nn.Module):
    """A trunk whose features are averaged over all patches, and a small classifier on top."""

    def __init__(self, trunk: FeatureExtractor, classes: int, hidden: int) -> None:
        super().__init__()
        self.trunk = trunk
        width = trunk.channels[trunk.layers[-1]]
        self.head = nn.Sequential(
            nn.Linear(width, hidden),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
            nn.Linear(hidden, classes),
        )

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Return the trunk's last map, B×C×h×w."""
        (features,) = self.trunk(images).values()
        return features

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        """Return an embedding of each image, B×C."""
        return self.features(images).mean((2, 3))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits of the classes, B×K; the first is "good"."""
        return self.head(self.embed(images))


def damaged(
    images: torch.Tensor, defect_types: tuple[str, ...], jitter: float, whole: int
) -> list[torch.Tensor]:
    """Return pictures, or crops of pictures of side ``whole``, as they are and with each damage."""
    cuts = [
        CUTS[defect_type](len(images), tuple(images.shape[2:]), whole)
        for defect_type in defect_types
    ]
    return [images, *(paste(images, cut, jitter)[0] for cut in cuts)]


class CutPasteDetector(Learner):
    """Score images by the density of embeddings that a classifier of synthetic defects learned.

    Li, Sohn, Yoon and Pfister, "CutPaste: Self-Supervised Learning for Anomaly Detection and
    Localization" (CVPR 2021). The maps are Grad-CAM's (Selvaraju et al., ICCV 2017) for the score:
    since the embedding is an average over patches, the gradient is the same at each of them.

    Attributes
    ----------
    backbone
        The trunk, after ``fit``; its ``source`` says what it began with.
    model, history
        The classifier and what its training did, after ``fit``.
    density
        The Gaussian over the embeddings of the good images, after ``fit``.
    """

    revision = 3
    settings_class = CutPasteSettings

    def fit(self, images: np.ndarray) -> Self:
        """Train on good images: uint8, N×3×H×W.

        Raises
        ------
        ValueError
            When there are fewer images than a batch, or no such backbone, layer or weights.
        """
        s, seed = self.settings, self.settings.training.seed
        self.backbone = trainable_backbone(s.architecture, s.weights, (s.layer,), seed)
        self.model = self._network()
        self.history = train(self.model, images, self._loss, s.training, title="CutPaste")
        settle_normalisation(self.model, images, self._loss, s.training)
        self.density = fit_gaussian(self._good_embeddings(images))
        return self

    def _network(self) -> CutPasteNetwork:
        s = self.settings
        with seeded(s.training.seed):
            return CutPasteNetwork(self.backbone, 1 + len(s.defect_types), s.hidden)

    def _learned(self) -> dict[str, Any]:
        return {
            "backbone": backbone_state(self.backbone),
            "head": self.model.head.state_dict(),
            "density": vars(self.density),
        }

    def _recall(self, state: dict[str, Any]) -> None:
        self.backbone = backbone_from(state["backbone"])
        self.model = this_machine().place(self._network()).eval()
        with_numbers(self.model.head, state["head"])
        self.density = Gaussian(**state["density"])

    def _loss(self, model: nn.Module, batch: torch.Tensor) -> torch.Tensor:
        parts = self._views(batch)
        classes = torch.arange(len(parts), device=batch.device).repeat_interleave(len(batch))
        pictures = colour_jitter(torch.cat(parts), self.settings.jitter)
        return functional.cross_entropy(model(pictures), classes)

    def _good_embeddings(self, images: np.ndarray) -> np.ndarray:
        return self.embed(images)

    def _views(self, batch: torch.Tensor) -> list[torch.Tensor]:
        return damaged(batch, self.settings.defect_types, self.settings.jitter, batch.shape[-1])

    def embed(self, images: np.ndarray) -> np.ndarray:
        """Return the embeddings of uint8 images: float32, N×C."""
        check_fitted(self)
        return infer(self.model.embed, images)

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Return what the classifier says of uint8 images: N×K, the first class is "good"."""
        check_fitted(self)
        return infer(lambda batch: self.model(batch).float().softmax(1), images)

    def tensor_maps(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return Grad-CAM's maps and the squared distances, see ``Learner``."""
        features = self.model.features(batch)
        # In 64 bits, as NumPy computes it: a precision's numbers are of very different sizes.
        mean, precision = (
            torch.as_tensor(part).to(batch.device)
            for part in (self.density.mean, self.density.precision)
        )
        difference = features.mean((2, 3)) - mean
        slope = difference @ precision
        maps = (slope[:, :, None, None] * features).sum(1).clamp_min(0)
        return maps.float(), (slope * difference).sum(1).float()

    def predict(self, images: np.ndarray) -> Scores:
        """Score uint8 images N×3×H×W."""
        check_fitted(self)
        scores, maps = [], []
        for batch in each_batch(self.model.features, images):
            features = to_array([batch])
            difference = features.mean((2, 3)) - self.density.mean
            slope = difference @ self.density.precision
            scores.append((slope * difference).sum(1))
            maps.append(np.einsum("bc,bchw->bhw", slope, features).clip(0))
        return scores_from_maps(
            np.concatenate(maps),
            images.shape[2:],
            self.settings.smoothing,
            image=np.concatenate(scores),
        )
