"""Images through a fitted network, batch by batch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
import torch

from helpers.machine import Machine, this_machine, to_unit_range

Output = TypeVar("Output")


def check_fitted(detector: object, part: str = "model") -> None:
    """Raise ``ValueError`` when a detector lacks the ``part`` that ``fit`` makes."""
    if not hasattr(detector, part):
        raise ValueError("this detector has not been fitted; call fit(good_images) first.")


def in_batches(
    images: np.ndarray, machine: Machine, batch_size: int = 32
) -> Iterator[torch.Tensor]:
    """Yield float batches in [0, 1], B×3×H×W, on the machine's device."""
    return map(to_unit_range, machine.stage(images).split(batch_size))


@contextmanager
def inference(machine: Machine) -> Iterator[None]:
    """Keep no gradients inside the block, and compute in the machine's number format."""
    with torch.inference_mode(), machine.autocast():
        yield


def each_batch(
    forward: Callable[[torch.Tensor], Output],
    images: np.ndarray,
    batch_size: int = 32,
    machine: Machine | None = None,
) -> Iterator[Output]:
    """Yield what ``forward`` makes of each batch of uint8 images N×3×H×W.

    Parameters
    ----------
    forward
        Called with a float batch B×3×H×W in [0, 1] on the machine's device, without gradients.
    images
        uint8, N×3×H×W.
    batch_size
        Images at a time.
    machine
        Device and number format; found by itself when not given.
    """
    machine = machine or this_machine()
    for batch in in_batches(images, machine, batch_size):
        with inference(machine):
            output = forward(batch)
        yield output


def infer(
    forward: Callable[[torch.Tensor], torch.Tensor], images: np.ndarray, batch_size: int = 32
) -> torch.Tensor:
    """Return what ``forward`` makes of all images, float32 in main memory; see ``each_batch``."""
    return torch.cat([part.float().cpu() for part in each_batch(forward, images, batch_size)])
