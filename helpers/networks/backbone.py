"""Feature extractors: a network, its weights, cut after the layers that are asked for."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

import torch
from torch import nn
from torchvision.models import get_model

from helpers.errors import DataError, did_you_mean
from helpers.networks.normalisation import fold_normalisation
from helpers.networks.seeding import seeded
from helpers.networks.weights import (
    FORMULA_FOLDER,
    State,
    WeightsSource,
    imagenet_file,
    read_formula_weights,
    read_imagenet_weights,
    read_state,
)

WEIGHTS = ("auto", "formula", "imagenet", "random")
FILES = (".npz", ".pt", ".pth")
# TorchVision's preprocessing of ImageNet's images; the formula weights were trained with it too.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# Where a layer ends, as the name of a module.
LAYERS = {
    "resnet18": {
        "stem": "relu",
        "layer1": "layer1",
        "layer2": "layer2",
        "layer3": "layer3",
        "layer4": "layer4",
    },
    "squeezenet1_1": {
        "stem": "features.1",
        "fire3": "features.4",
        "fire5": "features.7",
        "fire7": "features.10",
        "fire9": "features.12",
    },
}
FORMULA_LAYERS = {"resnet18": ("stem", "layer1", "layer2", "layer3")}


class FeatureExtractor(nn.Module):
    """A network that gives the feature maps of some of its layers, and can be trained on.

    Attributes
    ----------
    architecture
        TorchVision's name of the network.
    source
        Which weights it began with.
    layers
        The layers it returns, in the network's order; it ends with the last of them.
    channels
        Number of features of each layer.
    strides
        Pixels of the input from one patch of a layer's map to the next.
    """

    def __init__(
        self,
        architecture: str,
        source: WeightsSource,
        stages: Sequence[tuple[str, nn.Module]],
        layers: tuple[str, ...],
    ) -> None:
        super().__init__()
        self.architecture = architecture
        self.source = source
        self.layers = layers
        self.stages = nn.ModuleDict(stages)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)
        self.eval()
        with torch.no_grad():
            maps, smaller = self(torch.zeros(1, 3, 64, 64)), self(torch.zeros(1, 3, 32, 32))
        self.channels = {name: value.shape[1] for name, value in maps.items()}
        # The difference of two sizes leaves out the border that layers without padding lose.
        self.strides = {
            name: 32 // (value.shape[-1] - smaller[name].shape[-1]) for name, value in maps.items()
        }

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the maps B×C×h×w of each layer for images B×3×H×W in [0, 1]."""
        maps, value = {}, (images - self.mean) / self.std
        for name, stage in self.stages.items():
            value = stage(value)
            if name in self.layers:
                maps[name] = value
        return maps

    def first_weights(self) -> torch.Tensor:
        """Return the filters of the first layer: F×3×k×k."""
        return next(m for m in self.modules() if isinstance(m, nn.Conv2d)).weight.detach()

    def extra_repr(self) -> str:
        """Say what it is."""
        return f"{self.architecture}, {self.source}, layers {', '.join(self.layers)}"


class Backbone(FeatureExtractor):
    """A frozen feature extractor, its normalisations folded into the convolutions before them."""

    def __init__(self, extractor: FeatureExtractor) -> None:
        stages = [(name, fold_normalisation(stage)) for name, stage in extractor.stages.items()]
        super().__init__(extractor.architecture, extractor.source, stages, extractor.layers)
        self.requires_grad_(False)

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode: a frozen network does not train."""
        return super().train(False)


def backbone(
    architecture: str = "resnet18",
    weights: str | Path = "auto",
    layers: Iterable[str] = ("layer2", "layer3"),
    seed: int = 0,
    *,
    formula_folder: Path = FORMULA_FOLDER,
) -> Backbone:
    """Build a frozen backbone; parameters and errors as for ``trainable_backbone``."""
    return Backbone(
        trainable_backbone(architecture, weights, layers, seed, formula_folder=formula_folder)
    )


def trainable_backbone(
    architecture: str = "resnet18",
    weights: str | Path = "auto",
    layers: Iterable[str] = ("layer2", "layer3"),
    seed: int = 0,
    *,
    formula_folder: Path = FORMULA_FOLDER,
) -> FeatureExtractor:
    """Build a network to train on, and say which weights it took where there was a choice.

    Parameters
    ----------
    architecture
        ``"resnet18"`` (He et al., CVPR 2016) or ``"squeezenet1_1"`` (Iandola et al., 2016).
    weights
        ``"imagenet"``, ``"formula"`` (ships with the book, ResNet18 up to layer3), ``"random"``,
        ``"auto"`` (ImageNet where it is cached or can be downloaded, else formula), or a file with
        a state dictionary under TorchVision's names.
    layers
        Which layers to return. The network is cut after the last of them.
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
    if architecture not in LAYERS:
        raise ValueError(f"no architecture '{architecture}'. {did_you_mean(architecture, LAYERS)}")
    known = LAYERS[architecture]
    if isinstance(layers, str):
        raise ValueError(f"layers must be a tuple of names; got '{layers}'. Write ('{layers}',).")
    layers = tuple(layers)
    for layer in layers:
        if layer not in known:
            raise ValueError(f"{architecture} has no layer '{layer}'. {did_you_mean(layer, known)}")
    if not layers:
        raise ValueError(f"name at least one layer of {architecture}: {', '.join(known)}.")
    ordered = tuple(name for name in known if name in layers)

    state, source = _weights(architecture, weights, ordered, formula_folder)
    if state is None:
        source = WeightsSource("random", f"random weights of {architecture}, seed {seed}")
        with seeded(seed):
            network = get_model(architecture, weights=None)
    else:
        network = _load_network(architecture, state, source, ordered[-1])
    return FeatureExtractor(architecture, source, _stages(network, known, ordered[-1]), ordered)


def _weights(
    architecture: str, weights: str | Path, layers: tuple[str, ...], folder: Path
) -> tuple[State | None, WeightsSource]:
    if isinstance(weights, Path) or weights.endswith(FILES):
        path = Path(weights)
        state, digest = read_state(path)
        return state, WeightsSource(
            path.name, f"weights of {architecture} from {path.name}", digest
        )
    if weights not in WEIGHTS:
        raise ValueError(
            f"no weights '{weights}'. {did_you_mean(weights, WEIGHTS)} A file ends in "
            f"{', '.join(FILES)}."
        )
    if weights == "random":
        return None, WeightsSource("random", "")
    if weights == "formula":
        return _formula(architecture, layers, folder)
    if weights == "imagenet":
        return _imagenet(architecture)
    state, source = _auto(architecture, layers, folder)
    print(f"Backbone: {source}.")
    return state, source


def _auto(architecture: str, layers: tuple[str, ...], folder: Path) -> tuple[State, WeightsSource]:
    try:
        return _imagenet(architecture)
    except DataError as error:
        # A damaged file is for the reader to remove, not for us to pass over.
        if imagenet_file(architecture).is_file():
            raise
        try:
            state, source = _formula(architecture, layers, folder)
        except ValueError as none:
            raise DataError(f"{error} There is nothing to fall back on: {none}") from error
    why = "ImageNet's are not cached and cannot be downloaded"
    return state, WeightsSource(source.name, f"{source.detail} ({why})", source.sha256)


def _imagenet(architecture: str) -> tuple[State, WeightsSource]:
    state, digest = read_imagenet_weights(architecture)
    return state, WeightsSource("imagenet", f"ImageNet weights of {architecture}", digest)


def _formula(
    architecture: str, layers: tuple[str, ...], folder: Path
) -> tuple[State, WeightsSource]:
    for layer in layers:
        if layer not in FORMULA_LAYERS.get(architecture, ()):
            raise ValueError(
                "the formula weights are those of resnet18 and end with layer3; "
                f"'{layer}' of {architecture} needs weights='imagenet' or 'random'."
            )
    state, digest = read_formula_weights(architecture, folder)
    return state, WeightsSource("formula", f"formula weights of {architecture}", digest)


def _load_network(architecture: str, state: State, source: WeightsSource, last: str) -> nn.Module:
    # On the meta device nothing is initialised, which takes longer than reading the file.
    with torch.device("meta"):
        network = get_model(architecture, weights=None)
    unused = ("fc.", "classifier.") if last == "layer4" else ("fc.", "classifier.", "layer4.")
    expected = {k: v for k, v in network.state_dict().items() if not k.startswith(unused)}
    # Nothing here reads the counters of batches, and TorchVision's older files have none.
    counters = {k: torch.zeros_like(v, device="cpu") for k, v in expected.items() if v.ndim == 0}
    state = counters | {k: v for k, v in state.items() if not k.startswith(unused)}
    for name, value in state.items():
        if name not in expected or value.shape != expected[name].shape:
            should = tuple(expected[name].shape) if name in expected else "no such entry"
            raise DataError(
                f"{source.name} does not fit: its {name} has shape {tuple(value.shape)}, the "
                f"network has {should}. Take the file of this very network."
            )
    missing = sorted(set(expected) - set(state))
    if missing:
        raise DataError(
            f"{source.name} does not fit: it lacks {missing[0]} ({len(missing)} missing in all). "
            "Take the file of this very network."
        )
    network.load_state_dict(state, strict=False, assign=True)
    return network


def _stages(network: nn.Module, known: dict[str, str], last: str) -> list[tuple[str, nn.Module]]:
    """Cut the network's modules, in the order they run, after each of the known layers."""
    parts: list[tuple[str, nn.Module]] = []
    for name, module in network.named_children():
        if name == "features":
            parts += [(f"features.{i}", child) for i, child in module.named_children()]
        else:
            parts.append((name, module))
    stages, waiting = [], []
    ends = {module: layer for layer, module in known.items()}
    for name, module in parts:
        waiting.append(module)
        if name in ends:
            stages.append((ends[name], nn.Sequential(*waiting)))
            waiting = []
            if ends[name] == last:
                break
    return stages
