"""Where a network is cut: its layers by name, or by how many pixels a patch is from the next."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import fx, nn
from torch.func import functional_call
from torchvision.models.feature_extraction import create_feature_extractor, get_graph_node_names

from helpers.errors import did_you_mean
from helpers.networks.efficientnet_lite import SameConv2d

End = TypeVar("End", str, int)
# Traced through, it would remember the sizes of one picture.
TRACING = {"tracer_kwargs": {"leaf_modules": [SameConv2d]}, "suppress_diff_warning": True}
# TorchVision's names of the child that holds all of a network but its classifier.
BODIES = ("features", "trunk_output", "layers")
SIDES = (128, 256)  # of the pictures that tell a layer's stride


@dataclass(frozen=True)
class Stage:
    """A part of a network that runs as a whole.

    Attributes
    ----------
    name
        Of its module.
    channels
        Features of each patch of its map.
    stride
        Pixels of the picture from one patch to the next.
    """

    name: str
    channels: int
    stride: int


def stages_of(architecture: str, network: nn.Module) -> list[Stage]:
    """Return the stages that give maps, in the order they run.

    They are the network's children, or the children of its body where it has one. Nothing is
    computed: shapes alone go through.

    Raises
    ------
    ValueError
        When the network wants pictures of one size only.
    """
    parts: dict[str, nn.Module] = {}
    for name, module in network.named_children():
        if name in BODIES:
            parts |= {f"{name}.{i}": child for i, child in module.named_children()}
        else:
            parts[name] = module
    seen: dict[str, list[torch.Size]] = {}
    hooks = [
        module.register_forward_hook(
            lambda _, __, out, name=name: seen.setdefault(name, []).append(
                out.shape if isinstance(out, torch.Tensor) else torch.Size()
            )
        )
        for name, module in parts.items()
    ]
    shapes = {k: torch.empty_like(v, device="meta") for k, v in network.state_dict().items()}
    try:
        with torch.no_grad():
            for side in SIDES:
                picture = torch.zeros(1, 3, side, side, device="meta")
                functional_call(network.eval(), shapes, picture)
    except (AssertionError, RuntimeError) as error:
        raise ValueError(
            f"{architecture} takes no square picture of any size ({error}), and gives no maps of "
            "patches. Take a convolutional network, or a transformer of timm's."
        ) from error
    finally:
        for hook in hooks:
            hook.remove()
    return [
        Stage(name, small[1], stride)
        for name, (small, large) in seen.items()
        if (stride := stride_of(small, large))
    ]


def stride_of(small: Sequence[int], large: Sequence[int]) -> int | None:
    """Return the stride of a map, from its shapes for pictures of both ``SIDES``; or none.

    What is no map B×C×h×w of the same number of patches each way has none. The difference of the
    two leaves out the border that layers without padding lose.
    """
    if len(small) != 4 or small[2] != small[3] or large[2] != large[3] or small[2] >= large[2]:
        return None
    return round((SIDES[1] - SIDES[0]) / (large[2] - small[2]))


def cut(architecture: str, network: nn.Module, layers: Iterable[str]) -> fx.GraphModule:
    """Return the part of a network that leads to some of its layers, and returns their maps.

    The work is that of TorchVision's feature extraction, which follows a picture through the code.

    Parameters
    ----------
    architecture
        Its name, for messages.
    network
        Takes pictures B×3×H×W. On the device ``meta`` its numbers are never needed.
    layers
        Modules or operations as TorchVision's ``get_graph_node_names`` lists them, such as
        ``"layer3"``; or ``"stride 8"``, the last of ``stages_of`` that has a patch every 8 pixels.

    Returns
    -------
    fx.GraphModule
        Gives a dictionary, layer by layer in the network's order, with the names asked for.

    Raises
    ------
    ValueError
        When a layer is not there, or none is named.
    """
    stages = stages_of(architecture, network)
    few = {f"stride {stage.stride}": stage.name for stage in stages}
    ends = dict(few)
    if not few.keys() >= set(layers):
        nodes = get_graph_node_names(network.eval(), **TRACING)[1]
        ends |= {name: name for node in nodes for name in _with_parents(node)}
        few |= {stage.name: stage.name for stage in stages}
    wanted = named_ends(architecture, layers, ends, few)
    both = create_feature_extractor(network.eval(), wanted, **TRACING)
    # One graph for training too: what tells them apart in these networks are modules' own modes.
    return fx.GraphModule(both, both.eval_graph)


def _with_parents(node: str) -> Iterator[str]:
    parts = node.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts) + 1))


def named_ends(
    architecture: str, layers: Iterable[str], ends: Mapping[str, End], few: Iterable[str]
) -> dict[End, str]:
    """Return where each layer asked for ends, and the layer's name.

    Parameters
    ----------
    architecture
        Its name, for messages.
    layers
        Names of layers.
    ends
        Where each layer that there is ends.
    few
        Those that a message lists.

    Raises
    ------
    ValueError
        When no layer is named, or one that is not there, or the same end twice.
    """
    if isinstance(layers, str):
        raise ValueError(f"layers must be a tuple of names; got '{layers}'. Write ('{layers}',).")
    layers = tuple(dict.fromkeys(layers))
    if not layers:
        raise ValueError(f"name at least one layer of {architecture}: {', '.join(few)}.")
    for layer in layers:
        if layer not in ends:
            raise ValueError(
                f"{architecture} has no layer '{layer}'. {did_you_mean(layer, ends, few)}"
            )
    found = {ends[layer]: layer for layer in layers}
    if len(found) < len(layers):
        raise ValueError(f"two of the layers {', '.join(layers)} of {architecture} are the same.")
    return found
