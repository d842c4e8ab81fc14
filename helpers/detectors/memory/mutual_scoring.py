"""Mutual scoring: unlabelled images judge one another, and no good one is known."""

from dataclasses import dataclass

import numpy as np
import torch

from helpers.detectors.base import FeatureDetector
from helpers.detectors.memory.patchcore import layer_scale
from helpers.errors import check_least
from helpers.metrics.scores import Scores, scores_from_maps
from helpers.networks.features import grid_features


@dataclass(frozen=True)
class MutualScoringSettings:
    """Settings of mutual scoring; the share of the images is the paper's.

    Attributes
    ----------
    architecture, weights, layers
        Of the backbone; see ``helpers.networks.backbone.backbone``.
    patch
        Side of the neighbourhood over which features are averaged, in patches; odd.
    stride
        Pixels from one patch to the next: each is compared with all patches of all other images.
    nearest_share
        A patch's score is its mean distance to this share of the other images, the nearest ones.
    smoothing
        Standard deviation of the Gaussian that smooths the maps, as a share of the image's side.
    top_share
        Image score: mean over this share of the map's highest pixels; 0 for the maximum.
    seed
        Of random weights.
    """

    architecture: str = "auto"
    weights: str = "auto"
    layers: tuple[str, ...] = ("stride 8", "stride 16")
    patch: int = 3
    stride: int = 8
    nearest_share: float = 0.3
    smoothing: float = 1 / 64
    top_share: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_least(self, patch=1, stride=1)
        if not 0 < self.nearest_share <= 1:
            raise ValueError(f"nearest_share must be above 0, at most 1; got {self.nearest_share}.")


class MutualScoring(FeatureDetector):
    """Score each image's patches by the other images of the batch; there is nothing to fit.

    Li et al., "MuSc: Zero-Shot Industrial Anomaly Classification and Segmentation with Mutual
    Scoring of the Unlabeled Images" (ICLR 2024, arXiv 2401.16753, Section 3.2): a good patch has
    one like it in most of the other images, a defect in few. Left out are the neighbourhoods of
    several sizes (Section 3.1) and the smoothing of the images' scores over similar images (3.3).
    The paper looks through a large vision transformer. As in PatchCore, each layer is divided by
    its spread.

    What an image scores depends on the others that it is scored with.

    Parameters are those of ``FeatureDetector``.
    """

    revision = 1
    settings_class = MutualScoringSettings

    def predict(self, images: np.ndarray) -> Scores:
        """Score uint8 images N×3×H×W by one another, defective ones among them.

        Raises
        ------
        ValueError
            When there are fewer than two.
        """
        s = self.settings
        if len(images) < 2:
            raise ValueError("images are scored by others; give at least 2.")
        self._make_backbone(s.seed)
        features = grid_features(self.backbone, images, s.patch, s.stride)
        vectors = features.flatten(2).transpose(1, 2)
        vectors = vectors / layer_scale(vectors.flatten(0, 1), self.backbone.channels)
        maps = mutual_scores(vectors, s.nearest_share).view(-1, *features.shape[2:])
        return scores_from_maps(maps.cpu().numpy(), images.shape[2:], s.smoothing, s.top_share)


def mutual_scores(vectors: torch.Tensor, nearest_share: float) -> torch.Tensor:
    """Return each patch's mean distance to the images that come nearest: N×P of N×P×C features.

    An image's distance from a patch is that of its nearest patch. The mean goes over
    ``nearest_share`` of the N − 1 other images (MuSc's Equations 2 and 3).
    """
    count, patches, _ = vectors.shape
    squares = vectors.square().sum(2)
    nearest = vectors.new_full((count, count, patches), torch.inf)
    for one in range(count):
        for other in range(one + 1, count):
            product = vectors[one] @ vectors[other].T
            between = squares[one][:, None] + squares[other] - 2 * product
            nearest[one, other], nearest[other, one] = between.amin(1), between.amin(0)
    kept = max(1, round(nearest_share * (count - 1)))
    lowest = nearest.topk(kept, dim=1, largest=False).values
    return lowest.clamp_min(0).sqrt().mean(1)
