"""Attempt 3, patch-wise: CutPaste on small crops, which shows where the damage is."""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from helpers.augmentation.cut_and_paste import squares
from helpers.detectors.self_supervision.cutpaste import (
    CutPasteDetector,
    CutPasteSettings,
    damaged,
)
from helpers.metrics.scores import Scores, scores_from_maps
from helpers.networks.inference import check_fitted, infer


@dataclass(frozen=True)
class PatchCutPasteSettings(CutPasteSettings):
    """Settings of the patch-wise model.

    Attributes
    ----------
    crop
        Side of the crops that are scored, as a share of the image's; the paper's is 64 of 256.
    stride
        From one crop to the next, as a share of the image's side.
    top_share
        Share of the pixels, the highest ones, whose mean is the image score.
    """

    crop: float = 1 / 4
    stride: float = 1 / 32
    top_share: float = 0.01


class PatchCutPasteDetector(CutPasteDetector):
    """Score every part of an image by a classifier of synthetic defects on small crops.

    The localisation model of Li et al. (CVPR 2021, Section 2.5): one Gaussian over the embeddings
    of the crops of good images; a pixel's score is the mean over the crops that hold it, weighted
    by a Gaussian about their centres.

    Parameters and attributes are those of ``CutPasteDetector``.
    """

    revision = 2
    settings_class = PatchCutPasteSettings
    why_not_exported = "it cuts each picture into hundreds of crops, which ONNX has no operator for"

    def tensor_maps(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Refuse: see ``why_not_exported``."""
        raise NotImplementedError(self.why_not_exported)

    def _good_embeddings(self, images: np.ndarray) -> np.ndarray:
        # Two dozen crops of each image are plenty for one mean and one covariance.
        embeddings = self.embed(images, 4 * self._pixels(images)[1])
        return embeddings.reshape(-1, embeddings.shape[-1])

    def _pixels(self, images: np.ndarray) -> tuple[int, int]:
        side = images.shape[-1]
        return round(self.settings.crop * side), max(1, round(self.settings.stride * side))

    def _views(self, batch: torch.Tensor) -> list[torch.Tensor]:
        crops = random_crops(batch, round(self.settings.crop * batch.shape[-1]))
        return damaged(crops, self.settings.defect_types, self.settings.jitter, batch.shape[-1])

    def embed(self, images: np.ndarray, stride: int) -> np.ndarray:
        """Return the embeddings of crops every ``stride`` pixels: float32, N×h×w×C."""
        check_fitted(self)
        crop, _ = self._pixels(images)

        def embed(batch: torch.Tensor) -> torch.Tensor:
            crops = batch.unfold(2, crop, stride).unfold(3, crop, stride)
            count, _, rows, columns = crops.shape[:4]
            crops = crops.permute(0, 2, 3, 1, 4, 5).flatten(0, 2)
            crops = crops.contiguous(memory_format=torch.channels_last)
            return self.model.embed(crops).view(count, rows, columns, -1)

        return infer(embed, images, 4)

    def predict(self, images: np.ndarray) -> Scores:
        """Score uint8 images N×3×H×W."""
        crop, stride = self._pixels(images)
        embeddings = self.embed(images, stride)
        distances = self.density.distance(embeddings.reshape(-1, embeddings.shape[-1]))
        distances = distances.reshape(embeddings.shape[:3]).astype(np.float32)
        maps = pixel_scores(torch.tensor(distances), crop, stride, images.shape[-1]).numpy()
        return scores_from_maps(maps, top_share=self.settings.top_share)


def random_crops(images: torch.Tensor, side: int) -> torch.Tensor:
    """Cut a square out of each picture at random: B×3×side×side."""
    room = images.shape[-1] - side
    return squares(images, torch.randint(room + 1, (len(images), 2)), side)


def pixel_scores(scores: torch.Tensor, crop: int, stride: int, side: int) -> torch.Tensor:
    """Give each pixel the mean score of the crops that hold it, weighted by nearness.

    Parameters
    ----------
    scores
        B×h×w, one for each crop.
    crop, stride
        Side of a crop, and from one to the next, in pixels.
    side
        Of the picture.

    Returns
    -------
    torch.Tensor
        B×side×side.
    """
    offset = torch.arange(crop) - (crop - 1) / 2
    bell = torch.exp(-(offset**2) / (2 * (crop / 4) ** 2))
    kernel = (bell[:, None] * bell)[None, None]
    weighted = functional.conv_transpose2d(scores[:, None], kernel, stride=stride)
    weight = functional.conv_transpose2d(torch.ones_like(scores[:1, None]), kernel, stride=stride)
    maps = weighted / weight
    rest = side - maps.shape[-1]
    return functional.pad(maps, (0, rest, 0, rest), mode="replicate")[:, 0]
