"""What the detectors that generate pictures of low resolution share."""

import numpy as np
import torch
from torch.nn import functional

from helpers.networks.learner import check_square


def downsampled(images: np.ndarray, side: int) -> np.ndarray:
    """Average uint8 images N×3×H×W down to ``side`` × ``side`` pixels.

    Raises
    ------
    ValueError
        When they are not square, or their side is no multiple of ``side``.
    """
    check_square(images)
    height = images.shape[-1]
    if height % side:
        raise ValueError(
            f"images must have a multiple of {side} pixels a side; got {height} × {height}. Load "
            "the category at another size."
        )
    if height == side:
        return images
    small = functional.avg_pool2d(torch.tensor(images).float(), height // side)
    return small.round().byte().numpy()


def to_bytes(pictures: torch.Tensor) -> np.ndarray:
    """Turn pictures in [0, 1] into uint8 arrays."""
    return (255 * pictures.clamp(0, 1)).round().byte().cpu().contiguous().numpy()
