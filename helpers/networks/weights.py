"""Where a backbone's weights come from: formulas, ImageNet, a file of one's own."""

import contextlib
import hashlib
import io
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torchvision.models import get_model, get_model_weights
from torchvision.models._api import WeightsEnum

from helpers.deadline import within
from helpers.errors import DataError, MissingError, did_you_mean
from helpers.files import whole_file

FORMULA_FOLDER = Path(__file__).parent / "formula_weights"
FILES = (".npz", ".pt", ".pth", ".safetensors")
TIMEOUT = 8.0  # seconds without an answer or a byte after which the network counts as dead
REMEDY = (
    "Restore it with `git checkout helpers/networks/formula_weights`, or install the book again."
)

State = dict[str, torch.Tensor]


@dataclass(frozen=True)
class WeightsSource:
    """Which weights a backbone has.

    Attributes
    ----------
    name
        ``"imagenet"``, ``"formula"``, ``"random"``, or the name of a file.
    detail
        One sentence: what was taken and why.
    sha256
        Digest of the file they were read from; empty for random weights.
    """

    name: str
    detail: str
    sha256: str = ""

    def __str__(self) -> str:
        return self.detail


def write_formula_weights(
    architecture: str, state: Mapping[str, torch.Tensor], card: Mapping[str, Any], folder: Path
) -> Path:
    """Write weights and their model card, ``<architecture>.npz`` and ``.json``.

    Kernels are kept in half precision; the few numbers of the normalisations stay in single
    precision, because a small variance would vanish in 16 bits.

    Parameters
    ----------
    architecture
        Name of the network.
    state
        Parameters and running statistics under TorchVision's names.
    card
        What the model card says besides the checksum.
    folder
        Where to write.

    Raises
    ------
    ValueError
        When a value is not finite, or too large for half precision, or belongs to no parameter of
        the network.
    """
    with torch.device("meta"):
        known = get_model(architecture, weights=None).state_dict()
    for name, value in state.items():
        if name not in known or value.shape != known[name].shape:
            raise ValueError(
                f"{architecture} has no parameter {name} of shape {tuple(value.shape)}. "
                "Give the state of that very network, under its names."
            )
    return write_half(architecture, state, card, folder)


def write_half(
    architecture: str, state: Mapping[str, torch.Tensor], card: Mapping[str, Any], folder: Path
) -> Path:
    """Do it for any network, whose names and shapes nobody else knows."""
    arrays = {}
    for name, value in state.items():
        array = value.detach().float().cpu().numpy()
        with np.errstate(over="ignore"):  # what overflows is refused below
            kept = array.astype(np.float16) if array.ndim > 1 else array
        if not np.isfinite(kept).all():
            raise ValueError(f"{name} holds values that are not finite in {kept.dtype}.")
        arrays[name] = kept
    path = folder / f"{architecture}.npz"
    with whole_file(path) as work, work.open("wb") as file:
        np.savez(file, **arrays)
    full = {"architecture": architecture, **card, "sha256": sha256_of(path)}
    with whole_file(_card_path(architecture, folder)) as work:
        work.write_text(json.dumps(full, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return path


def read_formula_weights(architecture: str, folder: Path = FORMULA_FOLDER) -> tuple[State, str]:
    """Read the weights that ship with the book, checked against their card.

    Returns
    -------
    state
        float32, under TorchVision's names.
    sha256
        Of the file.

    Raises
    ------
    ValueError
        When there are none for this architecture.
    DataError
        When the file is missing or damaged.
    """
    card = model_card(architecture, folder)
    path = folder / f"{architecture}.npz"
    if not path.is_file():
        raise DataError(f"{path} is missing. {REMEDY}")
    digest = sha256_of(path)
    if digest != card["sha256"]:
        raise DataError(
            f"{path} is damaged: its SHA-256 is {digest}, the card says {card['sha256']}. {REMEDY}"
        )
    with np.load(path, allow_pickle=False) as arrays:
        return {name: torch.from_numpy(arrays[name]).float() for name in arrays.files}, digest


def model_card(architecture: str, folder: Path = FORMULA_FOLDER) -> dict[str, Any]:
    """Return the model card of the weights that ship with the book.

    Raises
    ------
    ValueError
        When there are none for this architecture.
    DataError
        When the card is missing or cannot be read.
    """
    path = _card_path(architecture, folder)
    there = sorted(card.stem for card in folder.glob("*.json"))
    if there and architecture not in there:
        raise ValueError(
            f"there are no formula weights for {architecture}. {did_you_mean(architecture, there)}"
        )
    if not there:
        raise DataError(f"{path} is missing. {REMEDY}")
    try:
        card = json.loads(path.read_text("utf-8"))
        card["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is not a model card ({error}). {REMEDY}") from error
    return card


def imagenet_file(architecture: str) -> Path:
    """Return where TorchVision keeps the ImageNet weights of an architecture."""
    return Path(torch.hub.get_dir()) / "checkpoints" / _imagenet(architecture).url.split("/")[-1]


def read_imagenet_weights(architecture: str) -> tuple[State, str]:
    """Read ImageNet weights from TorchVision's cache, or have TorchVision download them.

    Returns
    -------
    state
        float32, under TorchVision's names.
    sha256
        Of the file.

    Raises
    ------
    MissingError
        When they are neither cached nor to be had.
    DataError
        When the cached file is damaged.
    """
    path = imagenet_file(architecture)
    if not path.is_file():
        try:
            await_answer(_imagenet(architecture).url)
            # TorchVision announces the download with the paths of this machine.
            with short_patience(), contextlib.redirect_stdout(io.StringIO()):
                _imagenet(architecture).get_state_dict(progress=False, check_hash=True)
        except (
            OSError,
            RuntimeError,
            ValueError,
            HTTPException,
        ) as error:  # ValueError: no address
            raise MissingError(
                f"the ImageNet weights of {architecture} cannot be downloaded "
                f"({getattr(error, 'reason', None) or error}). Take efficientnet_lite0, whose "
                "weights come with a package, or weights='formula', or bring "
                f""
                f"{path.name} from {_imagenet(architecture).url} and put it into {path.parent}."
            ) from error
    return read_state(path)


def read_state(path: Path) -> tuple[State, str]:
    """Read a state dictionary from a file of one's own, of one of the kinds ``FILES``.

    Returns
    -------
    state
        float32.
    sha256
        Of the file.

    Raises
    ------
    DataError
        When the file is missing, or holds no state dictionary, or numbers that are not finite.
    """
    if not path.is_file():
        raise DataError(f"there is no weights file {path}. Check the name.")
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                state = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
        elif path.suffix == ".safetensors":
            from safetensors.torch import load_file  # comes with timm and transformers

            state = load_file(path)
        else:
            # weights_only: a file of weights is read as tensors, never run as code.
            state = torch.load(path, map_location="cpu", weights_only=True)
        if not all(isinstance(value, torch.Tensor) for value in dict(state).values()):
            raise TypeError("it is no plain state dictionary, as model.state_dict() gives")
        for name, value in state.items():
            if not value.isfinite().all():
                raise ValueError(f"its {name} is not finite everywhere")
        return {name: value.detach().float() for name, value in state.items()}, sha256_of(path)
    except Exception as error:
        # torch.load raises whatever the bytes provoke: pickle, zip, key and shape errors.
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(
            f"{path} is damaged or holds no weights ({reason}). Delete it and fetch it again."
        ) from error


def await_answer(url: str) -> None:
    """Raise an OSError unless the server of ``url`` answers within ``TIMEOUT`` seconds in all."""
    request = urllib.request.Request(url, method="HEAD")
    try:
        within(TIMEOUT, lambda: urllib.request.urlopen(request, timeout=TIMEOUT).close())
    except urllib.error.HTTPError as error:
        error.close()  # an answer, too; the download itself will say what is wrong


@contextlib.contextmanager
def short_patience() -> Iterator[None]:
    """Let new connections wait no longer than ``TIMEOUT`` seconds for a byte inside the block."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _imagenet(architecture: str) -> WeightsEnum:
    kinds = get_model_weights(architecture)
    return kinds["IMAGENET1K_V1" if "IMAGENET1K_V1" in kinds.__members__ else "DEFAULT"]


def _card_path(architecture: str, folder: Path) -> Path:
    return folder / f"{architecture}.json"


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
