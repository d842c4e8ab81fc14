"""What the machine at hand can do: device, number format and memory layout for fast training."""

import os
import platform
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np
import torch

from helpers.errors import did_you_mean

DEVICES = ("cpu", "cuda", "mps")
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
# Bytes that are free on a device with a memory of its own.
FREE: dict[str, Callable[[], int]] = {
    "cuda": lambda: torch.cuda.mem_get_info()[0],
    "mps": lambda: torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory(),
}
FEATURES_SHARE = 1 / 3  # of what is free; the search in them needs as much again
PRECISION = "ONE_BAD_NUT_PRECISION"
_PRECISION: ContextVar[str | None] = ContextVar("precision", default=None)


@dataclass(frozen=True)
class Machine:
    """Where tensors live and in which number format convolutions are computed.

    Attributes
    ----------
    device
        ``"cpu"``, ``"cuda"`` or ``"mps"``.
    precision
        ``"float32"`` or ``"bfloat16"``. Weights are always kept in float32; with bfloat16 the
        multiplications run in 16 bits (automatic mixed precision: Micikevicius et al., ICLR 2018).

    Raises
    ------
    ValueError
        When PyTorch finds no such device.
    """

    device: str
    precision: str

    def __post_init__(self) -> None:
        _check_there(self.device)

    def autocast(self) -> AbstractContextManager:
        """Return the context in which a network's forward pass runs."""
        return torch.autocast(
            self.device,
            dtype=torch.bfloat16,
            enabled=self.precision == "bfloat16",
        )

    def place(self, model: torch.nn.Module) -> torch.nn.Module:
        """Move a model here, its convolution weights laid out channels-last."""
        return model.to(self.device).to(memory_format=torch.channels_last)

    def stage(self, images: np.ndarray) -> torch.Tensor:
        """Copy uint8 images N×3×H×W here once, channels-last, still as bytes."""
        check_images(images)
        tensor = torch.tensor(images)
        return tensor.to(self.device).contiguous(memory_format=torch.channels_last)

    @property
    def widest(self) -> torch.dtype:
        """The widest numbers it computes with: float64, but float32 on Apple's GPU."""
        return torch.float64 if self.device in ("cpu", "cuda") else torch.float32

    def home(self, size: int) -> str:
        """Say where ``size`` bytes of features are kept: the device, or ``"cpu"``.

        On the device they may take a third of its free memory; more go to main memory.
        """
        free = FREE.get(self.device)
        return self.device if free is None or size <= FEATURES_SHARE * free() else "cpu"

    def describe(self) -> str:
        """Say in a few words what this machine is; no names of hosts or owners."""
        if self.device == "cuda":
            hardware = torch.cuda.get_device_name()
        else:
            hardware = f"{platform.machine()} {self.device}, {torch.get_num_threads()} threads"
        return f"{hardware}, {self.precision}"


def check_images(images: np.ndarray) -> None:
    """Raise ``ValueError`` unless ``images`` are bytes, N×3×H×W, with one picture at least."""
    if not isinstance(images, np.ndarray):
        raise ValueError(
            f"images must be a NumPy array, uint8 of shape N×3×H×W; got {type(images).__name__}."
        )
    shape = images.shape
    if images.dtype == np.uint8 and len(shape) == 4 and shape[1] == 3 and images.size:
        return
    remedy = "load_category returns them so."
    if not images.size:
        remedy = "Give at least one picture."
    elif len(shape) == 3 and shape[0] == 3:
        remedy = "A single picture is a batch of one: images[None]."
    elif len(shape) == 4 and shape[1] != 3 and shape[3] == 3:
        remedy = "Put the channels first: images.transpose(0, 3, 1, 2)."
    elif images.dtype.kind == "f":
        remedy = "Floats from 0 to 1 become bytes by (255 * images).round().astype(np.uint8)."
    raise ValueError(
        f"images must be uint8 of shape N×3×H×W; got {images.dtype} of shape {shape}. {remedy}"
    )


def to_unit_range(batch: torch.Tensor) -> torch.Tensor:
    """Turn bytes 0…255 into float32 in [0, 1]."""
    return batch.float().div_(255)


def this_machine() -> Machine:
    """Look at the machine and choose the fastest settings that keep the results.

    The environment variables ``ONE_BAD_NUT_DEVICE`` (cpu, cuda, mps) and ``ONE_BAD_NUT_PRECISION``
    (float32, bfloat16) overrule what is found, and ``computing_in``.

    Raises
    ------
    ValueError
        When a variable holds another value, or names a device that is not there.
    """
    device = _chosen("ONE_BAD_NUT_DEVICE", DEVICES) or _best_device()
    _check_there(device)
    return Machine(device, asked_precision() or _PRECISION.get() or _best_precision(device))


def asked_precision() -> str | None:
    """Return the number format that ``ONE_BAD_NUT_PRECISION`` asks for, if it is set."""
    return _chosen(PRECISION, PRECISIONS)


@contextmanager
def computing_in(precision: str | None) -> Iterator[None]:
    """Make ``this_machine`` choose this number format inside the block; ``None`` changes nothing.

    Scores and a threshold belong together only in one arithmetic, so a detector is asked in that
    of its fit. What the environment variable says still overrules it.
    """
    before = _PRECISION.set(precision or _PRECISION.get())
    try:
        yield
    finally:
        _PRECISION.reset(before)


def _chosen(variable: str, options: tuple | dict) -> str | None:
    value = os.environ.get(variable)
    if value and value not in options:
        raise ValueError(f"{variable} is '{value}'. {did_you_mean(value, options)}")
    return value or None


def _check_there(device: str) -> None:
    there = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
    if device in there and not there[device]():
        raise ValueError(
            f"the device '{device}' was asked for, and PyTorch finds none: there is no such GPU, "
            "no driver for it, or this PyTorch was built without it. Choose 'cpu', or leave "
            "ONE_BAD_NUT_DEVICE unset."
        )


def _best_device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _best_precision(device: str) -> str:
    if device == "cuda":
        return "bfloat16" if torch.cuda.get_device_capability() >= (8, 0) else "float32"
    if device == "cpu" and _cpu_has_bfloat16():
        return "bfloat16"
    return "float32"


def _cpu_has_bfloat16() -> bool:
    # Without these instructions bfloat16 is emulated and slower than float32.
    probes = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return any(getattr(torch.cpu, probe, lambda: False)() for probe in probes)
