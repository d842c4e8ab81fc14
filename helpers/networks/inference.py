"""Images through a fitted network, batch by batch."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import torch

from helpers.machine import Machine, this_machine, to_unit_range

Output = TypeVar("Output")
Module = TypeVar("Module", bound=torch.nn.Module)


def check_fitted(detector: object, part: str = "model") -> None:
    """Raise ``ValueError`` when a detector lacks the ``part`` that ``fit`` makes."""
    if not hasattr(detector, part):
        raise ValueError("this detector has not been fitted; call fit(good_images) first.")


def in_batches(
    images: np.ndarray, machine: Machine, batch_size: int = 32
) -> Iterator[torch.Tensor]:
    """Yield float batches in [0, 1], B×3×H×W, on the machine's device."""
    return map(to_unit_range, machine.stage(images).split(batch_size))


def with_numbers(network: Module, numbers: Mapping[str, torch.Tensor]) -> Module:
    """Load a state dictionary into a network, placed on this machine and ready to be asked."""
    network = this_machine().place(network)
    network.load_state_dict(numbers)
    return network.eval()


def here(value: Any) -> Any:
    """Bring the tensors in nested dictionaries and lists to this machine's device."""
    if isinstance(value, torch.Tensor):
        return value.to(this_machine().device)
    if isinstance(value, dict):
        return {name: here(each) for name, each in value.items()}
    return [here(each) for each in value] if isinstance(value, list) else value


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
) -> np.ndarray:
    """Return what ``forward`` makes of all images, as numbers; see ``each_batch``."""
    return to_array(each_batch(forward, images, batch_size))


def to_array(parts: Iterable[torch.Tensor]) -> np.ndarray:
    """Bring a result's parts together in main memory, float32: the one way off the device."""
    return torch.cat([part.float().cpu() for part in parts]).numpy()


def collect(
    parts: Iterable[Mapping[str, torch.Tensor]], count: int, machine: Machine
) -> dict[str, torch.Tensor]:
    """Put the maps of batches together: for each name float32, N×C×h×w.

    The numbers of a patch lie side by side. All maps stay on the machine's device, or go to main
    memory, as ``Machine.home`` says.

    Parameters
    ----------
    parts
        B×C×h×w for each name, batch by batch.
    count
        N, how many there will be in all.
    machine
        Where they come from.
    """
    whole: dict[str, torch.Tensor] = {}
    start = 0
    for part in parts:
        if not whole:
            home = machine.home(4 * count * sum(maps[0].numel() for maps in part.values()))
            # One piece from the start: putting the parts together would need twice the memory.
            for name, maps in part.items():
                _, channels, height, width = maps.shape
                rows = torch.empty(count, height, width, channels, device=home)
                whole[name] = rows.permute(0, 3, 1, 2)
        for name, maps in part.items():
            whole[name][start : start + len(maps)] = maps
        start += len(maps)
    return whole
