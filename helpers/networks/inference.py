"""Images through a fitted network, batch by batch."""

from collections.abc import Iterator

import numpy as np
import torch

from helpers.machine import Machine, to_unit_range


def check_fitted(detector: object, part: str = "model") -> None:
    """Raise ``ValueError`` when a detector lacks the ``part`` that ``fit`` makes."""
    if not hasattr(detector, part):
        raise ValueError("this detector has not been fitted; call fit(good_images) first.")


def in_batches(
    images: np.ndarray, machine: Machine, batch_size: int = 32
) -> Iterator[torch.Tensor]:
    """Yield float batches in [0, 1], B×3×H×W, on the machine's device."""
    return map(to_unit_range, machine.stage(images).split(batch_size))
