"""What the inspector page reads once its reader starts it: a network's weights, and a few nuts."""

import base64
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from helpers.detectors.memory.patchcore import PatchCoreDetector, PatchCoreSettings
from helpers.detectors.saved import FORMAT
from helpers.hazelnuts import render
from helpers.networks.architectures import LITE
from helpers.networks.backbone import Backbone, backbone
from helpers.networks.found_again import backbone_state
from helpers.plain import plain
from tools.explorer_data import script, webp

LAYERS = PatchCoreSettings().layers
SIDE = 224  # pixels
GOOD = range(1000, 1020)  # seeds of the nuts to learn from
# And of those to inspect: seeds that no nut to learn from has.
INSPECTED = (
    *((3007, "good"), (3014, "good"), (3011, "cut")),
    *((3010, "print"), (3008, "hole"), (3012, "crack")),
)


def convolutions(network: nn.Module) -> Iterator[tuple[dict[str, Any], nn.Conv2d]]:
    """Yield each convolution of EfficientNet-Lite0 in its order, with what the page must know.

    That is its kind (``first``, ``point``: 1 × 1, or ``depthwise``), channels, kernel and stride;
    whether ReLU6 follows, a block opens, and the block's input is added.
    """
    features = network.get_submodule("features")
    first, *stages = features.children()
    yield _row("first", next(first.children()), relu=True), next(first.children())
    for stage in stages:
        for block in stage.children():
            parts = [m for m in block.modules() if isinstance(m, nn.Conv2d)]
            strides = max(part.stride[0] for part in parts)
            adds = strides == 1 and parts[0].in_channels == parts[-1].out_channels
            for part in parts:
                kind = "point" if part.groups == 1 else "depthwise"
                last = part is parts[-1]
                row = _row(kind, part, relu=not last, opens=part is parts[0], adds=adds and last)
                yield row, part


def _row(kind: str, part: nn.Module, **marks: bool) -> dict[str, Any]:
    assert isinstance(part, nn.Conv2d)
    row = {"kind": kind, "from": part.in_channels, "into": part.out_channels}
    row |= {"kernel": part.kernel_size[0], "stride": part.stride[0]}
    return row | {name: True for name, said in marks.items() if said}


def model() -> dict[str, Any]:
    """Return the network as the page reads it: a table of layers, and numbers in base64.

    Normalisations are folded in. The numbers have 32 bits: see ``benchmarks/README.md``.
    """
    network = backbone(LITE, "imagenet", LAYERS)
    rows, parts = zip(*convolutions(network.network), strict=True)
    marked = [dict(row) for row in rows]
    for place in _last_of_layers(network.network):
        marked[place]["keep"] = True
    weights = np.concatenate([part.weight.numpy().ravel() for part in parts])
    biases = np.concatenate([part.bias.numpy().ravel() for part in parts])
    return {
        "header": header(network),
        "layers": marked,
        "weights": _base64(weights.astype("<f4").tobytes()),
        "biases": _base64(biases.astype("<f4").tobytes()),
    }


def header(network: Backbone) -> dict[str, Any]:
    """Return what ``helpers.detectors.saved`` writes of a detector before it has learned."""
    return {
        "format": FORMAT,
        "kind": PatchCoreDetector.__name__,
        "revision": PatchCoreDetector.revision,
        "book": version("one-bad-nut"),
        "torch": torch.__version__,
        "precision": "float32",  # as the page computes
        "settings": plain(PatchCoreSettings(architecture=LITE, weights="imagenet")),
        "state": {"side": SIDE, "backbone": backbone_state(network)},
    }


def _last_of_layers(network: nn.Module) -> list[int]:
    """Return which convolutions give the maps: the last of those stages that are returned."""
    stages = network.get_submodule("features")
    counts = [sum(isinstance(m, nn.Conv2d) for m in stage.modules()) for stage in stages.children()]
    ends = np.cumsum(counts) - 1
    returned = {"stride 4": 2, "stride 8": 3, "stride 16": 5}
    return [int(ends[returned[layer]]) for layer in LAYERS]


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def nuts(seeds: Iterable[tuple[int, str]]) -> list[dict[str, str]]:
    """Draw nuts, and return each with its name and as a ``data:`` address."""
    return [
        {
            "name": f"{defect} {seed}",
            "url": "data:image/webp;base64,"
            + _base64(webp(render.render_nut(seed, defect, SIDE)[0], quality=90)),
        }
        for seed, defect in seeds
    ]


def write(folder: Path) -> None:
    """Write the inspector's weights and nuts into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "weights.js").write_text(script("inspectorModel", model()), "utf-8")
    ours = {"good": nuts((seed, "good") for seed in GOOD), "inspected": nuts(INSPECTED)}
    (folder / "nuts.js").write_text(script("inspectorNuts", ours), "utf-8")
