"""One file that an interrupted training continues from."""

import functools
import hashlib
import io
import math
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np
import torch
from torch import nn

from helpers.errors import DataError
from helpers.files import whole_file

REMEDY = "Delete it to start again, or name another checkpoint."
# More epochs or another budget continue the same run; anything else is another run.
LENGTH = ("epochs", "seconds")


def save_checkpoint(
    path: Path,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    identity: Mapping[str, str],
    losses: list[float],
    seconds: float = 0.0,
) -> None:
    """Write where a training stands; whoever reads the file finds all of it or the one before.

    Parameters
    ----------
    path
        The file.
    model, optimiser
        Their states are written.
    identity
        What the run is, part by part; a run that differs in one of them refuses the file.
    losses, seconds
        So far.

    Raises
    ------
    DataError
        When the file cannot be written or the disk is full.
    """
    state = {
        "model": model.state_dict(),
        "optimiser": optimiser.state_dict(),
        "identity": dict(identity),
        "losses": losses,
        "seconds": seconds,
    }
    # torch.save to a file says of a full disk only that its writer failed.
    buffer = io.BytesIO()
    torch.save(state, buffer)
    with whole_file(path) as work:
        work.write_bytes(buffer.getbuffer())


def load_checkpoint(
    path: Path | None,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    identity: Mapping[str, str],
    most: float = math.inf,
) -> tuple[list[float], float]:
    """Bring model and optimiser to where the file left them; without a file, change nothing.

    Parameters
    ----------
    path, model, optimiser, identity
        As for ``save_checkpoint``.
    most
        How many losses the file may hold: a run that is further than was asked for is another.

    Returns
    -------
    tuple
        The losses and the seconds so far.

    Raises
    ------
    DataError
        When the file cannot be read, belongs to another model or another run, or is further than
        ``most``. Model and optimiser are then as they were.
    """
    if path is None or not path.is_file():
        return [], 0.0
    try:
        _check_archive(path)
        # weights_only: a checkpoint is read as tensors and numbers, never run as code.
        state = torch.load(path, map_location="cpu", weights_only=True)
        weights = _fitted(_part(state, "model"), model.state_dict(), "model")
        moments = _moments(_part(_part(state, "optimiser"), "state"), optimiser)
        known = _part(state, "identity")
        losses, seconds = _part(state, "losses", list), _part(state, "seconds", float)
        if not all(isinstance(each, float) and math.isfinite(each) for each in (*losses, seconds)):
            raise ValueError("its losses are not finite numbers")
        if seconds < 0:
            raise ValueError("it took less than no time")
    except Exception as error:
        # torch.load raises whatever the bytes provoke: pickle, zip, key and shape errors.
        reason = (str(error) or type(error).__name__).splitlines()[0][:300]
        raise DataError(f"{path} is not a checkpoint of this model: {reason}. {REMEDY}") from error
    other = [part for part in identity if known.get(part) != identity[part]]
    if other:
        raise DataError(f"{path} belongs to a run with other {' and '.join(other)}. {REMEDY}")
    if len(losses) > most:
        raise DataError(
            f"{path} has {len(losses)} epochs behind it, more than the {most} asked for. {REMEDY}"
        )
    model.load_state_dict(weights)
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": moments, "param_groups": groups})
    return losses, seconds


def _check_archive(path: Path) -> None:
    """Refuse what would allocate more than the file holds, or has changed since it was written."""
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        packed = any(entry.compress_type != zipfile.ZIP_STORED for entry in entries)
        if packed or sum(entry.file_size for entry in entries) > path.stat().st_size:
            raise ValueError("its archive claims more than the file holds")
        if damaged := archive.testzip():  # torch.load does not look at checksums
            raise ValueError(f"{damaged} is damaged")


def _part(state: object, name: str, kind: type = dict) -> Any:
    """Return a part of what was read; a tensor in its place may claim any number of values."""
    if not isinstance(state, dict) or not isinstance(state.get(name), kind):
        raise ValueError(f"its {name} is no {kind.__name__}")
    return state[name]


def _fitted(
    values: Mapping[str, torch.Tensor], wanted: Mapping[str, torch.Tensor], whose: str
) -> dict[str, torch.Tensor]:
    """Copy tensors into the layout of those that are wanted; raise ``ValueError`` if they differ.

    A fused optimiser reads memory as its weights lie there, whatever the strides of a file say.
    """
    if not isinstance(values, dict):
        raise ValueError(f"what the {whose} has is no dict")
    if set(values) != set(wanted):
        name = sorted(set(values) ^ set(wanted), key=str)[0]
        raise ValueError(f"only one of file and {whose} has {name}")
    fitted = {}
    for name, like in wanted.items():
        value = values[name]
        if value.shape != like.shape or value.dtype != like.dtype or value.layout != like.layout:
            raise ValueError(
                f"{name} is {value.dtype} of shape {tuple(value.shape)}, not {like.dtype} of shape "
                f"{tuple(like.shape)}"
            )
        if not value.isfinite().all():
            raise ValueError(f"{name} holds numbers that are not finite")
        fitted[name] = torch.empty_like(like).copy_(value)
    return fitted


def _moments(
    state: dict[int, Any], optimiser: torch.optim.Optimizer
) -> dict[int, dict[str, torch.Tensor]]:
    """Return what Adam keeps of each weight, each in the layout of its weight."""
    weights = [weight for group in optimiser.param_groups for weight in group["params"]]
    if not set(state) <= set(range(len(weights))):
        raise ValueError("its optimiser has other weights")
    found = {}
    for number, values in state.items():
        weight = weights[number].detach()
        wanted = {"step": torch.zeros(()), "exp_avg": weight, "exp_avg_sq": weight}
        found[number] = _fitted(values, wanted, "optimiser")
    return found


def fingerprint(*parts: np.ndarray | torch.Tensor) -> str:
    """Return a short digest of arrays: of their types, shapes and numbers."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        array = np.ascontiguousarray(part.detach().cpu() if torch.is_tensor(part) else part)
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()


def describe_settings(value: object) -> str:
    """Write settings down, those of parts included, without what only says when to stop."""

    def plain(value: Any) -> Any:
        if is_dataclass(value):
            value = asdict(value)
        if isinstance(value, Mapping):
            return sorted((k, plain(v)) for k, v in value.items() if k not in LENGTH)
        if isinstance(value, (tuple, list)):
            return [plain(each) for each in value]
        return value

    return repr(plain(value))


def describe_function(function: Callable) -> str:
    """Write down what a function computes: its name, its instructions, and the numbers it uses.

    So that a loss edited under the same name is another loss.
    """
    if isinstance(function, functools.partial):
        return repr((describe_function(function.func), function.args, function.keywords))
    function = getattr(function, "__func__", function)
    if not hasattr(function, "__code__"):
        return type(function).__qualname__
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    used = [value for value in cells if isinstance(value, (int, float, str, tuple))]
    digest = hashlib.blake2b(repr(_instructions(function.__code__)).encode(), digest_size=16)
    return repr((function.__qualname__, function.__defaults__, used, digest.hexdigest()))


def _instructions(code: CodeType) -> tuple:
    constants = [_instructions(c) if isinstance(c, CodeType) else c for c in code.co_consts]
    return code.co_code, code.co_names, constants
