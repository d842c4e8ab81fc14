"""A backbone as a saved detector keeps it: where its weights come from, or the weights."""

from typing import Any

import torch

from helpers.errors import DataError
from helpers.networks.backbone import Backbone, FeatureExtractor, backbone, trainable_backbone
from helpers.networks.weights import WeightsSource

PUBLIC = ("imagenet", "formula")  # weights that any installation of the book can have


def backbone_state(network: FeatureExtractor) -> dict[str, Any]:
    """Describe a backbone so that ``backbone_from`` makes the same one.

    Public weights that nothing has changed are named, with the SHA-256 of their file, and found
    anew; all others are part of the description.

    Raises
    ------
    ValueError
        When the network is of no architecture that the book can build.
    """
    source = network.source
    named = {
        "architecture": network.architecture.name,
        "layers": list(network.layers),
        "frozen": isinstance(network, Backbone),
        "weights": source.name,
        "detail": source.detail,
        "sha256": source.sha256,
    }
    numbers = network.state_dict()
    if source.name in PUBLIC:
        try:
            if _same(backbone_from(named).state_dict(), numbers):
                return named
        except DataError:  # not to be had any more
            pass
    return {**named, "numbers": numbers}


def backbone_from(state: dict[str, Any]) -> FeatureExtractor:
    """Make the backbone that ``backbone_state`` described.

    Raises
    ------
    DataError
        When its public weights cannot be had, or are others by now.
    """
    make = backbone if state["frozen"] else trainable_backbone
    numbers, weights = state.get("numbers"), state["weights"]
    if numbers is None and weights not in PUBLIC:
        raise ValueError(f"its weights, '{weights}', are missing")
    network = make(state["architecture"], weights if numbers is None else "random", state["layers"])
    if numbers is not None:
        network.load_state_dict(numbers)
        network.source = WeightsSource(weights, state["detail"], state["sha256"])
    elif network.source.sha256 != state["sha256"]:
        raise DataError(
            f"the detector looks through the {state['detail']} of SHA-256 {state['sha256']}; those "
            f"found here have {network.source.sha256}. Bring that file, or fit the detector again."
        )
    return network


def _same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(
        torch.equal(value, other[name].cpu()) for name, value in one.items()
    )
