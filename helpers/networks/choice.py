"""Which network and which weights: as asked for, or the best that is at hand."""

import functools
import os
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from helpers.errors import DataError, MissingError, did_you_mean
from helpers.networks.architectures import LITE, Architecture, architecture
from helpers.networks.weights import (
    FILES,
    State,
    WeightsSource,
    read_formula_weights,
    read_state,
)

VARIABLE = "ONE_BAD_NUT_WEIGHTS"
WEIGHTS = ("auto", "imagenet", "formula", "random")
# What the architecture "auto" stands for.
USUAL = {"imagenet": LITE, "random": LITE, "formula": "resnet18"}


class Choice(NamedTuple):
    """A network and what it begins with; no state stands for random weights."""

    architecture: Architecture
    state: State | None
    source: WeightsSource


def choose(name: str, weights: str | Path, formula_folder: Path) -> Choice:
    """Find the network and read its weights; parameters and errors as for ``backbone``."""
    weights = os.environ.get(VARIABLE) or "auto" if weights == "auto" else weights
    if isinstance(weights, Path) or weights.endswith(FILES):
        return _of_file(name, Path(weights))
    if weights not in WEIGHTS:
        raise ValueError(
            f"no weights '{weights}'. {did_you_mean(weights, WEIGHTS)} A file ends in "
            f"{', '.join(FILES)}."
        )
    if weights == "auto":
        choice = _best(name, formula_folder)
        _say(f"Backbone: {choice.source}.")
        return choice
    return _named(USUAL[weights] if name == "auto" else name, weights, formula_folder)


def _named(name: str, weights: str, folder: Path) -> Choice:
    network = architecture(name)
    if weights == "random":
        return Choice(network, None, WeightsSource("random", f"random weights of {name}"))
    if weights == "formula":
        state, digest = read_formula_weights(name, folder)
        detail = f"formula weights of {name}"
    else:
        state, digest = network.pretrained()
        detail = f"ImageNet weights of {name}"
        if name.startswith("timm/"):
            detail = f"weights of {name}"
    return Choice(network, state, WeightsSource(weights, detail, digest))


def _best(name: str, folder: Path) -> Choice:
    """Take ImageNet weights where they are installed, cached or can be had; else formula's."""
    why = []
    for candidate in (LITE, "resnet18") if name == "auto" else (name,):
        try:
            return _named(candidate, "imagenet", folder)
        except MissingError as error:
            why.append(str(error))
    try:
        choice = _named("resnet18" if name == "auto" else name, "formula", folder)
    except ValueError as none:
        raise DataError(f"{' '.join(why)} There is nothing to fall back on: {none}") from none
    detail = f"{choice.source} (ImageNet's are neither installed, nor cached, nor to be had)"
    return choice._replace(source=replace(choice.source, detail=detail))


def _of_file(name: str, path: Path) -> Choice:
    state, digest = read_state(path)
    if name == "auto":
        name = next((usual for usual in dict.fromkeys(USUAL.values()) if _fits(state, usual)), "")
        if not name:
            raise DataError(
                f"{path.name} holds no weights of {' or '.join(dict.fromkeys(USUAL.values()))}. "
                "Name the network that they belong to: architecture='…'."
            )
    detail = f"weights of {name} from {path.name}"
    return Choice(architecture(name), state, WeightsSource(path.name, detail, digest))


def _fits(state: State, name: str) -> bool:
    known = architecture(name).without_numbers().state_dict()
    return bool(state) and all(
        key in known and known[key].shape == state[key].shape for key in state
    )


@functools.cache
def _say(text: str) -> None:
    print(text)
