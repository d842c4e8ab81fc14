"""Feature extractors: a network, its weights, cut after the layers that are asked for."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Self

import torch
from torch import nn

from helpers.errors import DataError
from helpers.networks.architectures import Architecture
from helpers.networks.choice import choose
from helpers.networks.layers import SIDES, stride_of
from helpers.networks.normalisation import fold_normalisation
from helpers.networks.seeding import seeded
from helpers.networks.weights import FORMULA_FOLDER, State, WeightsSource

LAYERS = ("stride 8", "stride 16")
OTHER_FILE = "Take the file of this very network."


class FeatureExtractor(nn.Module):
    """A network that gives the feature maps of some of its layers, and can be trained on.

    Parameters
    ----------
    architecture
        Which network it is.
    source
        Which weights it begins with.
    network
        Cut by ``architecture.cut``.

    Attributes
    ----------
    architecture, source
        As given.
    layers
        The layers it returns, in the network's order; it ends with the last of them.
    channels
        Number of features of each layer.
    strides
        Pixels of the input from one patch of a layer's map to the next.

    Raises
    ------
    ValueError
        When a layer gives no map B×C×h×w, as many patches high as wide for a square picture.
    """

    def __init__(
        self, architecture: Architecture, source: WeightsSource, network: nn.Module
    ) -> None:
        super().__init__()
        self.architecture = architecture
        self.source = source
        self.network = network
        for name, colour in (("mean", architecture.mean), ("std", architecture.std)):
            self.register_buffer(name, torch.tensor(colour).view(1, 3, 1, 1), persistent=False)
        self.eval()
        with torch.no_grad():
            small, large = (self(torch.zeros(1, 3, side, side)) for side in SIDES)
        self.channels, self.strides = {}, {}
        for name, value in small.items():
            stride = stride_of(value.shape, large[name].shape)
            if stride is None:
                raise ValueError(
                    f"'{name}' of {architecture.name} gives {_shape(value)} for a picture of "
                    f"{SIDES[0]} × {SIDES[0]} pixels, no square map B×C×h×w. Take another layer."
                )
            self.channels[name], self.strides[name] = value.shape[1], stride
        self.layers = tuple(small)

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the maps B×C×h×w of each layer for images B×3×H×W in [0, 1]."""
        return self.network((images - self.mean) / self.std)

    def first_weights(self) -> torch.Tensor:
        """Return the filters of the first layer: F×3×k×k."""
        return next(m for m in self.modules() if isinstance(m, nn.Conv2d)).weight.detach()

    def extra_repr(self) -> str:
        """Say what it is."""
        return f"{self.architecture.name}, {self.source}, layers {', '.join(self.layers)}"


class Backbone(FeatureExtractor):
    """A frozen feature extractor, its normalisations folded into the convolutions before them."""

    def __init__(self, extractor: FeatureExtractor) -> None:
        folded = fold_normalisation(extractor.network)
        super().__init__(extractor.architecture, extractor.source, folded)
        self.requires_grad_(False)

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode: a frozen network does not train."""
        return super().train(False)


def backbone(
    architecture: str = "auto",
    weights: str | Path = "auto",
    layers: Iterable[str] = LAYERS,
    seed: int = 0,
    *,
    formula_folder: Path = FORMULA_FOLDER,
) -> Backbone:
    """Build a frozen backbone; parameters and errors as for ``trainable_backbone``."""
    return Backbone(
        trainable_backbone(architecture, weights, layers, seed, formula_folder=formula_folder)
    )


def trainable_backbone(
    architecture: str = "auto",
    weights: str | Path = "auto",
    layers: Iterable[str] = LAYERS,
    seed: int = 0,
    *,
    formula_folder: Path = FORMULA_FOLDER,
) -> FeatureExtractor:
    """Build a network to train on, and say once which weights it took where there was a choice.

    Parameters
    ----------
    architecture
        A network by name, see ``architectures.architecture``; or ``"auto"``: EfficientNet-Lite0 for
        ImageNet and random weights, ResNet18 (He et al., CVPR 2016) for formula weights.
    weights
        ``"imagenet"``, the network's own, from a package, a cache or a download; ``"formula"``,
        which ship with the book (ResNet18 up to stride 16); ``"random"``; a file with a state
        dictionary under the network's names; or ``"auto"``: what the environment variable
        ``ONE_BAD_NUT_WEIGHTS`` names, one of these; else ImageNet's where they can be had, and
        formula weights where they cannot.
    layers
        Which layers to return, see ``layers.cut``. The network is cut after the last of them.
    seed
        Of random weights.
    formula_folder
        Where the formula weights are kept.

    Raises
    ------
    ValueError
        When there is no such architecture, layer or kind of weights, or the formula weights do not
        reach the layer.
    DataError
        When weights cannot be had, or their file is damaged or belongs to another network.
    """
    kind, state, source = choose(architecture, weights, formula_folder)
    if state is None:
        source = replace(source, detail=f"{source}, seed {seed}")
        with seeded(seed):
            network = kind.build()
        return FeatureExtractor(kind, source, kind.cut(network, layers))
    return FeatureExtractor(kind, source, _cut_loaded(kind, state, source, layers))


def _cut_loaded(
    kind: Architecture, state: State, source: WeightsSource, layers: Iterable[str]
) -> nn.Module:
    # Without numbers nothing is initialised, which takes longer than reading the file.
    network = kind.without_numbers()
    shapes = {name: value.shape for name, value in network.state_dict().items()}
    unknown = [name for name in state if name not in shapes]
    if unknown:
        shape = tuple(state[unknown[0]].shape)
        raise DataError(
            f"{source.name} does not fit: its {unknown[0]} has shape {shape}, the network has no "
            f"such entry. {OTHER_FILE}"
        )
    # What lies above the last layer may have other shapes, and is not kept.
    fitting = {name: value for name, value in state.items() if value.shape == shapes[name]}
    # Nothing here reads the counters of batches, and TorchVision's older files have none.
    counters = {name: torch.tensor(0) for name in shapes if name.endswith("num_batches_tracked")}
    network.load_state_dict(counters | fitting, strict=False, assign=True)
    part = kind.cut(network, layers)
    missing = [
        name.removeprefix("network.") for name, value in part.state_dict().items() if value.is_meta
    ]
    if not missing:
        return part
    name = missing[0]
    if source.name == "formula":
        raise ValueError(
            f"the formula weights of {kind.name} end with layer3, of stride 16; they lack {name}, "
            f"which {', '.join(layers)} need. Take weights='imagenet' or 'random'."
        )
    if name in state:
        raise DataError(
            f"{source.name} does not fit: its {name} has shape {tuple(state[name].shape)}, the "
            f"network has {tuple(shapes[name])}. {OTHER_FILE}"
        )
    raise DataError(
        f"{source.name} does not fit: it lacks {name} ({len(missing)} missing in all). {OTHER_FILE}"
    )


def _shape(value: object) -> str:
    return str(tuple(value.shape)) if isinstance(value, torch.Tensor) else type(value).__name__
