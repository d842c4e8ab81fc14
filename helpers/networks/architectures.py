"""Networks by name: EfficientNet-Lite0, TorchVision's classifiers, and timm's where it is there."""

import functools
import importlib.util
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import nn
from torch.nn import functional
from torchvision.models import get_model, list_models

from helpers.errors import DataError, MissingError, did_you_mean
from helpers.networks import efficientnet_lite
from helpers.networks.layers import cut, named_ends
from helpers.networks.weights import (
    State,
    await_answer,
    read_imagenet_weights,
    read_state,
    short_patience,
)

LITE = "efficientnet_lite0"
TIMM = "timm/"
# TorchVision's preprocessing of ImageNet's images; the formula weights were trained with it too.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Architecture:
    """A kind of network.

    Attributes
    ----------
    name
        As ``backbone`` takes it.
    build
        Makes the whole network with random weights.
    cut
        Takes the network and names of layers; returns the network up to the last of them, which
        gives a dictionary of maps B×C×h×w.
    pretrained
        Reads its pretrained weights, downloading them if need be: the state and its SHA-256.
    mean, std
        Of the colours it was trained with, in [0, 1]: they become 0 and 1.
    """

    name: str
    build: Callable[[], nn.Module]
    cut: Callable[[nn.Module, Iterable[str]], nn.Module]
    pretrained: Callable[[], tuple[State, str]]
    mean: tuple[float, ...] = MEAN
    std: tuple[float, ...] = STD

    def without_numbers(self) -> nn.Module:
        """Build it on the device ``meta``: its parts, names and shapes alone."""
        try:
            with torch.device("meta"):
                return self.build()
        except NotImplementedError:  # it looks at its numbers while it is built
            return self.build().to("meta")


def architecture(name: str) -> Architecture:
    """Return the network of this name.

    Parameters
    ----------
    name
        ``"efficientnet_lite0"``, a classifier of TorchVision (``"resnet18"``,
        ``"wide_resnet50_2"``, ``"convnext_tiny"`` …), or ``"timm/"`` and the name of one of timm's
        (``"timm/vit_small_patch14_dinov2"`` …), whose tokens count as maps.

    Raises
    ------
    ValueError
        When there is no such network.
    DataError
        When timm is not installed.
    """
    if name == LITE:
        return Architecture(
            LITE,
            efficientnet_lite.efficientnet_lite0,
            functools.partial(cut, LITE),
            efficientnet_lite.read_package_weights,
            efficientnet_lite.MEAN,
            efficientnet_lite.STD,
        )
    if name.startswith(TIMM):
        return _timm(name)
    known = list_models(module=torchvision.models)
    if name not in known:
        hint = did_you_mean(name, [*known, LITE], [LITE, "resnet18"])
        raise ValueError(
            f"no architecture '{name}'. {hint} There are those of TorchVision, {LITE}, and timm's, "
            f"which begin with '{TIMM}'."
        )
    return Architecture(
        name,
        functools.partial(get_model, name, weights=None),
        functools.partial(cut, name),
        functools.partial(read_imagenet_weights, name),
    )


class TimmMaps(nn.Module):
    """A network of timm's that returns some of its maps; tokens are put where they came from.

    Pictures whose sides are no multiple of the coarsest stride are enlarged to the next one, so
    that each patch of a map covers as much of the picture.
    """

    def __init__(self, network: nn.Module, indices: list[int], layers: list[str]) -> None:
        super().__init__()
        self.network, self.indices, self.layers = network, indices, layers
        self.multiple = max(network.feature_info[i]["reduction"] for i in indices)

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the maps B×C×h×w of each layer for pictures B×3×H×W."""
        sides = [-(-side // self.multiple) * self.multiple for side in images.shape[2:]]
        if sides != list(images.shape[2:]):
            images = functional.interpolate(images, sides, mode="bilinear")
        maps = self.network.forward_intermediates(
            images, self.indices, stop_early=True, output_fmt="NCHW", intermediates_only=True
        )
        return dict(zip(self.layers, maps, strict=True))


def _timm(full_name: str) -> Architecture:
    if importlib.util.find_spec("timm") is None:
        raise MissingError(
            f"'{full_name}' needs the package timm, which is missing: pip install timm"
        )
    import timm

    name = full_name.removeprefix(TIMM)
    known = timm.list_models()
    if name.split(".")[0] not in known:
        hint = did_you_mean(name, known, ["vit_small_patch14_dinov2"])
        raise ValueError(f"timm has no model '{name}'. {hint} timm.list_models() lists them all.")
    config = timm.get_pretrained_cfg(name)
    return Architecture(
        full_name,
        functools.partial(_build_timm, name),
        functools.partial(_cut_timm, full_name),
        functools.partial(_read_timm, full_name, config),
        *((config.mean, config.std) if config else ()),
    )


def _build_timm(name: str) -> nn.Module:
    import timm

    try:  # transformers take pictures of any size only when told so
        return timm.create_model(name, dynamic_img_size=True)
    except TypeError:
        return timm.create_model(name)


def _cut_timm(name: str, network: nn.Module, layers: Iterable[str]) -> nn.Module:
    ends = {stage["module"]: i for i, stage in enumerate(network.feature_info)}
    ends |= {f"stride {stage['reduction']}": i for i, stage in enumerate(network.feature_info)}
    chosen = named_ends(name, layers, ends, ends)
    indices = sorted(chosen)
    network.prune_intermediate_layers(indices, prune_norm=True, prune_head=True)
    return TimmMaps(network, indices, [chosen[index] for index in indices])


def _read_timm(name: str, config: Any) -> tuple[State, str]:
    """Read a model's weights from the Hugging Face cache, or download them into it."""
    from huggingface_hub import hf_hub_download

    if config is None or not config.hf_hub_id:
        raise DataError(f"timm knows no address for weights of {name}. Take a file of your own.")
    file = config.hf_hub_filename or "model.safetensors"
    fetch = functools.partial(hf_hub_download, config.hf_hub_id, file)
    try:
        try:
            path = fetch(local_files_only=True)
        except OSError:
            await_answer(f"https://huggingface.co/{config.hf_hub_id}")
            with short_patience():
                path = fetch()
    except OSError as error:
        reason = str(getattr(error, "reason", None) or error).splitlines()[0]
        raise MissingError(
            f"the weights of {name} cannot be downloaded ({reason}). Take weights='imagenet' of "
            f"{LITE}, or bring {file} of huggingface.co/{config.hf_hub_id} and name that file."
        ) from error
    return read_state(Path(path))
