"""PatchCore: remember the features of good images, and measure the distance to the nearest."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch

from helpers.detectors.base import FeatureDetector
from helpers.detectors.memory.coreset import k_centre, random_projection
from helpers.detectors.memory.nearest import nearest_neighbours
from helpers.errors import check_least
from helpers.machine import this_machine
from helpers.metrics.scores import Scores, scores_from_maps
from helpers.networks.features import concatenated, patch_features, patch_vectors
from helpers.networks.found_again import backbone_from, backbone_state
from helpers.networks.inference import check_fitted, here, to_array

BATCH = 8
SAMPLE = 100_000  # feature vectors tell a layer's spread well enough


@dataclass(frozen=True)
class PatchCoreSettings:
    """Settings of PatchCore.

    Attributes
    ----------
    architecture, weights, layers
        Of the backbone; see ``helpers.networks.backbone.backbone``.
    patch
        Side of the neighbourhood over which features are averaged, in patches; odd.
    coreset_share, largest_memory
        The memory keeps this share of all patches' features, and at most so many.
    projection
        Dimensions in which the coreset is chosen; shorter features are not projected.
    neighbours
        Memory entries that take part in re-weighting an image's score; 1 leaves it the largest
        distance.
    smoothing
        Standard deviation of the Gaussian that smooths the maps, as a share of the image's side.
    seed
        Of the coreset and of random weights.
    """

    architecture: str = "auto"
    weights: str = "auto"
    layers: tuple[str, ...] = ("stride 4", "stride 8", "stride 16")
    patch: int = 3
    coreset_share: float = 0.1
    largest_memory: int = 3000
    projection: int = 256
    neighbours: int = 9
    smoothing: float = 1 / 64
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.coreset_share <= 1:
            raise ValueError(f"coreset_share must be above 0, at most 1; got {self.coreset_share}.")
        if self.patch < 1 or self.patch % 2 == 0:
            raise ValueError(f"patch must be odd, so that it has a middle; got {self.patch}.")
        check_least(self, largest_memory=1, projection=1, neighbours=1)


class PatchCoreDetector(FeatureDetector):
    """Score patches by the distance of their features to the nearest features of good images.

    Roth et al., CVPR 2022: neighbourhood features of two layers (Section 3.1), a memory reduced to
    a coreset (3.2), nearest neighbours and the re-weighted image score (3.3, Equations 6 and 7).
    Unlike there, images are neither resized nor cropped here; that was done when they were loaded;
    and each layer counts as much as the others: its features are divided by their spread over the
    good images, where the paper pools all layers to the same number of features.

    Parameters are those of ``FeatureDetector``.

    Attributes
    ----------
    memory
        float32, M×C, after ``fit``, on the device.
    scale
        float32, C: what features are divided by before they are compared.
    memory_positions
        int64, M×3: image, row and column that each entry comes from.
    """

    revision = 3
    settings_class = PatchCoreSettings

    def fit(self, images: np.ndarray) -> Self:
        """Remember good images: uint8, N×3×H×W.

        Raises
        ------
        ValueError
            When there are no images, one of them is of one colour, they give fewer features than
            neighbours are asked for, or a feature is not finite.
        """
        s = self.settings
        self._make_backbone(s.seed)
        features = patch_features(self.backbone, images, s.patch)
        _refuse_constant(images)
        count, _, height, width = features.shape
        vectors = patch_vectors(features)
        scale = layer_scale(vectors[:: 1 + len(vectors) // SAMPLE], self.backbone.channels)
        vectors /= scale
        self.scale = scale.to(this_machine().device)
        size = min(max(1, round(s.coreset_share * len(vectors))), s.largest_memory)
        if size < s.neighbours:
            raise ValueError(
                f"{count} image(s) give a memory of {size} entries out of {len(vectors)}, fewer "
                f"than the {s.neighbours} neighbours asked for. Raise coreset_share or "
                "largest_memory, give more images, or ask for fewer neighbours."
            )
        chosen = k_centre(random_projection(vectors, s.projection, s.seed), size, s.seed)
        self.memory = vectors[chosen].to(this_machine().device)
        image, patch = chosen // (height * width), chosen % (height * width)
        positions = torch.stack([image, patch // width, patch % width], 1)
        self.memory_positions = positions.cpu().numpy()
        return self

    def _learned(self) -> dict[str, Any]:
        return {
            "backbone": backbone_state(self.backbone),
            "memory": self.memory,
            "scale": self.scale,
            "positions": self.memory_positions,
        }

    def _recall(self, state: dict[str, Any]) -> None:
        self.backbone = backbone_from(state["backbone"])
        self.memory, self.scale = here([state["memory"], state["scale"]])
        self.memory_positions = state["positions"]

    def tensor_maps(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the distances to the memory and the re-weighted scores, see ``Learner``."""
        features = concatenated(self.backbone(batch), self.settings.patch)
        height, width = features.shape[2:]
        vectors = patch_vectors(features) / self.scale
        ranking = self.memory.square().sum(1) - 2 * vectors @ self.memory.T
        entries = ranking.argmin(1)
        distances = (vectors - self.memory[entries]).norm(dim=1).view(-1, height * width)
        largest, patch = distances.max(1)
        wide = vectors.view(-1, height * width, vectors.shape[1])
        rows = patch[:, None, None].expand(-1, 1, wide.shape[2])
        decisive = wide.gather(1, rows)[:, 0]
        nearest = entries.view(-1, height * width).gather(1, patch[:, None])[:, 0]
        image = largest
        if self.settings.neighbours > 1:
            middle = self.memory[nearest]
            around = self.memory.square().sum(1) - 2 * middle @ self.memory.T
            around = around.topk(self.settings.neighbours, largest=False).indices
            spread = (decisive[:, None] - self.memory[around]).norm(dim=2)
            share = torch.exp(largest - torch.logsumexp(spread, 1))
            image = (1 - share).clamp_min(0) * largest
        return distances.view(-1, height, width), image

    def predict(self, images: np.ndarray) -> Scores:
        """Score uint8 images N×3×H×W."""
        check_fitted(self, "memory")
        maps, scores = [], []
        for start in range(0, len(images), BATCH):
            features = patch_features(
                self.backbone, images[start : start + BATCH], self.settings.patch
            )
            count, _, height, width = features.shape
            vectors = patch_vectors(features).to(self.memory.device)
            vectors /= self.scale
            distances, entries = (part[:, 0] for part in nearest_neighbours(vectors, self.memory))
            maps.append(distances.view(count, height, width))
            # The patch with the largest distance decides (Equation 6).
            largest, patch = distances.view(count, -1).max(1)
            rows = torch.arange(count, device=patch.device) * height * width + patch
            scores.append(
                reweighted(
                    largest, vectors[rows], entries[rows], self.memory, self.settings.neighbours
                )
            )
        return scores_from_maps(
            to_array(maps),
            images.shape[2:],
            self.settings.smoothing,
            image=to_array(scores),
        )


def layer_scale(vectors: torch.Tensor, channels: Mapping[str, int]) -> torch.Tensor:
    """Return each layer's spread, the root of its features' summed variances, for each feature.

    Parameters
    ----------
    vectors
        float32, N×C: the features of one layer after those of the other.
    channels
        How many each layer has.

    Returns
    -------
    torch.Tensor
        float32, C, on the vectors' device; 1 for a layer that never varies.
    """
    spreads = [
        part.var(0, correction=0).sum().sqrt().expand(part.shape[1])
        for part in vectors.split(list(channels.values()), dim=1)
    ]
    scale = torch.cat(spreads)
    return torch.where(scale > 0, scale, torch.ones_like(scale))


def _refuse_constant(images: np.ndarray) -> None:
    """Refuse a picture of one colour: a fault of the camera, not a good product."""
    for position, image in enumerate(images):
        if (image == image[:, :1, :1]).all():
            raise ValueError(
                f"training image {position} has one colour everywhere, {image[:, 0, 0].tolist()}: "
                "not a picture of a good product. Take it out."
            )


def reweighted(
    distances: torch.Tensor,
    vectors: torch.Tensor,
    entries: torch.Tensor,
    memory: torch.Tensor,
    neighbours: int,
) -> torch.Tensor:
    """Raise the scores whose nearest memory entry is itself a rare one (Roth et al., Equation 7).

    The weight is 1 minus the softmax share of the nearest entry's distance among the distances to
    that entry's own neighbours: near 1 when they are much farther from the vector.

    Parameters
    ----------
    distances
        N, to the nearest entries.
    vectors
        N×C, the patches that decide.
    entries
        N, positions of their nearest entries in the memory.
    memory
        M×C.
    neighbours
        How many entries round the nearest one, itself included; 1 leaves the distances unchanged.

    Returns
    -------
    torch.Tensor
        float32, N.
    """
    if neighbours == 1:
        return distances
    _, around = nearest_neighbours(memory[entries], memory, neighbours)
    spread = (vectors[:, None] - memory[around]).norm(dim=2)
    # The distances may exceed what exp can hold: the share is computed from logarithms.
    share = torch.exp(distances - torch.logsumexp(spread, 1))
    return (1 - share).clamp_min(0) * distances
