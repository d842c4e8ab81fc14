"""Features of the neighbourhoods of a picture: several layers of a backbone, put together."""

from collections.abc import Mapping

import numpy as np
import torch
from torch.nn import functional

from helpers.backbones import FeatureExtractor
from helpers.detectors import in_batches
from helpers.machine import Machine, this_machine

BATCH = 16


def patch_features(
    network: FeatureExtractor, images: np.ndarray, patch: int = 3, machine: Machine | None = None
) -> torch.Tensor:
    """Return the neighbourhood features of uint8 images N×3×H×W: float32, N×C×h×w.

    The layers' maps are put together by ``joined``.

    Raises
    ------
    ValueError
        When the images are too small for the network.
    """
    machine = machine or this_machine()
    coarsest = max(network.strides.values())
    if min(images.shape[2:]) < coarsest:
        raise ValueError(
            f"images of {images.shape[2]} × {images.shape[3]} pixels are smaller than one place "
            f"of the backbone, {coarsest} pixels. Load them larger."
        )
    network = machine.place(network)
    parts = []
    with torch.inference_mode():
        for batch in in_batches(images, machine, BATCH):
            with machine.autocast():
                maps = network(batch)
            parts.append(joined(maps, patch).cpu())
    return torch.cat(parts)


def joined(maps: Mapping[str, torch.Tensor], patch: int = 3) -> torch.Tensor:
    """Put the maps of several layers together: float32, B×C×h×w of the finest.

    Each is averaged over neighbourhoods of ``patch`` × ``patch`` places, the border counting as
    zeros, and the coarser ones are resized to the finest.
    """
    averaged = [functional.avg_pool2d(m.float(), patch, 1, patch // 2) for m in maps.values()]
    side = max(tuple(m.shape[-2:]) for m in averaged)
    resized = [
        m if m.shape[-2:] == side else functional.interpolate(m, side, mode="bilinear")
        for m in averaged
    ]
    return torch.cat(resized, 1)
