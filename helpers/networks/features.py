"""Features of a picture's patches: several layers of a backbone, concatenated."""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch.nn import functional

from helpers.machine import Machine, this_machine
from helpers.networks.backbone import FeatureExtractor
from helpers.networks.inference import collect, each_batch

BATCH = 8  # on a processor, larger maps are slower: the system takes their memory back each time


def patch_features(
    network: FeatureExtractor, images: np.ndarray, patch: int = 3, machine: Machine | None = None
) -> torch.Tensor:
    """Return the neighbourhood features of uint8 images N×3×H×W: float32, N×C×h×w.

    The layers' maps are put together by ``concatenated``. They stay on the machine's device where
    it has room for them; see ``Machine.home``.

    Raises
    ------
    ValueError
        When there are no images, they are too small for the network, or a feature is not finite.
    """
    machine = machine or this_machine()
    if not len(images):
        raise ValueError("there are no images to take features of; give at least one.")
    network = machine.place(network)
    coarsest = max(network.strides.values())
    if min(images.shape[2:], default=coarsest) < coarsest:
        raise ValueError(
            f"images of {images.shape[2]} × {images.shape[3]} pixels are smaller than one patch "
            f"of the backbone, {coarsest} pixels. Load them larger."
        )

    def parts() -> Iterator[dict[str, torch.Tensor]]:
        for number, maps in enumerate(each_batch(network, images, BATCH, machine)):
            part = concatenated(maps, patch)
            _refuse_not_finite(part, number * BATCH, network)
            yield {"patches": part}

    return collect(parts(), len(images), machine)["patches"]


def _refuse_not_finite(features: torch.Tensor, start: int, network: FeatureExtractor) -> None:
    if features.sum().isfinite():  # as it nearly always is, and that is seen much faster
        return
    bad = (~features.isfinite().flatten(1).all(1)).nonzero()
    if len(bad):
        raise ValueError(
            f"the features of image {start + int(bad[0])} are not finite. The backbone's weights "
            f"({getattr(network, 'source', 'of your own')}) hold NaN or infinite numbers, or "
            "overflow; load others, or set ONE_BAD_NUT_PRECISION=float32."
        )


def patch_vectors(features: torch.Tensor) -> torch.Tensor:
    """Turn N×C×h×w features into a feature vector for each patch: (N·h·w)×C.

    Those of ``patch_features`` lie so in memory, and nothing is copied.
    """
    return features.permute(0, 2, 3, 1).flatten(0, 2)


def concatenated(maps: Mapping[str, torch.Tensor], patch: int = 3) -> torch.Tensor:
    """Concatenate the maps of several layers: float32, B×C×h×w of the finest.

    Each is averaged over neighbourhoods of ``patch`` × ``patch`` patches, the border counting as
    zeros, and the coarser ones are resized to the finest.
    """
    averaged = [functional.avg_pool2d(m.float(), patch, 1, patch // 2) for m in maps.values()]
    side = max(tuple(m.shape[-2:]) for m in averaged)
    resized = [
        m if m.shape[-2:] == side else functional.interpolate(m, side, mode="bilinear")
        for m in averaged
    ]
    return torch.cat(resized, 1)


def grid_features(
    network: FeatureExtractor, images: np.ndarray, patch: int, stride: int
) -> torch.Tensor:
    """Return neighbourhood features with a patch every ``stride`` pixels: float32, N×C×g×g.

    ``patch_features`` batch by batch, each resampled by ``at_stride``, on the machine's device;
    errors are those of ``patch_features``.
    """
    device, side = this_machine().device, images.shape[-1]
    parts = [
        at_stride(patch_features(network, images[start : start + BATCH], patch), side, stride)
        for start in range(0, len(images), BATCH)
    ]
    return torch.cat([part.to(device) for part in parts])


def at_stride(features: torch.Tensor, side: int, stride: int) -> torch.Tensor:
    """Resample B×C×h×w features of pictures of ``side`` pixels to a patch every ``stride`` of them.

    Bilinearly: to half as many a side, that is the mean of each four.
    """
    grid = (max(1, side // stride),) * 2
    if features.shape[2:] == grid:
        return features
    return functional.interpolate(features, grid, mode="bilinear")
