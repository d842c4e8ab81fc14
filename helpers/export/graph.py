"""A fitted detector as one network: from bytes to the score, the map and the verdict."""

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from torch import nn
from torch.nn import functional

from helpers.networks.learner import Learner


class DetectorGraph(nn.Module):
    """What ``predict`` does, and the comparison with the threshold, in tensors alone.

    Parameters
    ----------
    detector
        Fitted, and with ``tensor_maps``.
    threshold
        A score above it is a verdict of "defective".
    side
        Of the pictures, in pixels.
    """

    def __init__(self, detector: Learner, threshold: float, side: int) -> None:
        super().__init__()
        self.detector, self.threshold, self.side = detector, threshold, side
        settings = detector.settings
        settings = getattr(settings, "memory", settings)  # the contrastive memory's are PatchCore's
        self.pooled = max(1, round(getattr(settings, "top_share", 0.0) * side**2))
        self.register_buffer("blur", blur_matrix(side, settings.smoothing * side))
        # Known to the network, its parts' numbers are written as weights, not as constants.
        parts = {k: v for k, v in vars(detector).items() if isinstance(v, nn.Module)}
        bank = getattr(detector, "bank", detector)
        self.parts = nn.ModuleDict(parts)
        for name, value in vars(bank).items():
            if isinstance(value, torch.Tensor):
                self.register_buffer(f"known_{name}", value)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return N scores, N×H×W maps and N verdicts for uint8 images N×3×H×W."""
        maps, scores = self.detector.tensor_maps(images.float() / 255)
        size = (self.side, self.side)
        if maps.shape[1:] != size:
            maps = functional.interpolate(maps[:, None], size, mode="bilinear")[:, 0]
        maps = self.blur @ maps @ self.blur.T
        if scores is None:
            scores = maps.flatten(1).topk(self.pooled).values.mean(1)
        return scores, maps, scores > self.threshold


def blur_matrix(side: int, sigma: float) -> torch.Tensor:
    """Return the Gaussian smoothing of a line of ``side`` pixels as a matrix, side × side.

    It is that of ``helpers.metrics.scores.smooth``, border included: smoothing is linear, so each
    of its columns is what smoothing makes of a line with a single 1.
    """
    line = np.eye(side)
    return torch.tensor(gaussian_filter1d(line, sigma, axis=0) if sigma else line).float()
