"""What the detectors that draw small pictures share: sizes, bytes, maps, and checks."""

import numpy as np
import torch
from torch.nn import functional

from helpers.detectors import Scores, pool, smooth
from helpers.training import DivergedError, TrainingSettings

SHOWN = (0.05, 0.2, 0.5, 1.0)  # shares of the training after which pictures are drawn


def shrunk(images: np.ndarray, side: int) -> np.ndarray:
    """Average uint8 images N×3×H×W down to ``side`` × ``side`` pixels.

    Raises
    ------
    ValueError
        When they are not square, or their side is no multiple of ``side``.
    """
    height, width = images.shape[2:]
    if height != width or height % side:
        raise ValueError(
            f"images must be square with a multiple of {side} pixels a side; got {height} × "
            f"{width}. Load the category at another size."
        )
    if height == side:
        return images
    small = functional.avg_pool2d(torch.tensor(images).float(), height // side)
    return small.round().byte().numpy()


def as_bytes(pictures: torch.Tensor) -> np.ndarray:
    """Turn pictures in [0, 1] into uint8 arrays."""
    return (255 * pictures.clamp(0, 1)).round().byte().cpu().contiguous().numpy()


def scores_from(errors: np.ndarray, side: int, smoothing: float, top_share: float) -> Scores:
    """Turn errors N×h×w of small pictures into scores for pictures of ``side`` pixels."""
    small = torch.tensor(errors)[:, None]
    maps = functional.interpolate(small, (side, side), mode="bilinear")[:, 0].numpy()
    maps = smooth(maps, smoothing * side)
    return Scores(pool(maps, top_share), maps)


def check_count(images: np.ndarray, batch_size: int) -> None:
    """Raise ``ValueError`` when there are fewer images than a batch holds."""
    if len(images) < batch_size:
        raise ValueError(
            f"a batch of {batch_size} is larger than the {len(images)} training images; choose a "
            f"batch_size of at most {len(images)}."
        )


def finite(loss: float, name: str, settings: TrainingSettings) -> float:
    """Return ``loss``; raise ``DivergedError`` when it is not a finite number."""
    if not np.isfinite(loss):
        raise DivergedError(
            f"the {name} loss became {loss}: training diverged. Choose a learning rate below "
            f"{settings.learning_rate:g}."
        )
    return loss
