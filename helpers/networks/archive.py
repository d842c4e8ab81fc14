"""A zip of a JSON header and arrays, with a checksum of each: read as data, never as code."""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from helpers.errors import DataError
from helpers.files import readable, whole_file

HEADER, CHECKSUM = "header.json", "header.sha256"
KINDS = "biuf"  # of numbers: no objects, which NumPy would have to unpickle
ARRAY, TENSOR = "$array", "$tensor"
DATE = (1980, 1, 1, 0, 0, 0)  # the same content gives the same bytes


def write_archive(path: Path, header: Mapping[str, Any]) -> None:
    """Write a header whose values, however deeply nested, may also be arrays and tensors.

    Parameters
    ----------
    path
        The file. It appears whole or not at all.
    header
        Dictionaries under names, lists, numbers, text, ``None``, NumPy arrays and tensors.

    Raises
    ------
    ValueError
        When a value is none of these.
    UnwritableError
        When the file cannot be written or the disk is full.
    """
    arrays: dict[str, bytes] = {}
    try:
        head = json.dumps(
            {
                **_apart(dict(header), "", arrays),
                "arrays": {name: _digest(content) for name, content in arrays.items()},
            },
            ensure_ascii=False,
            allow_nan=False,
            indent=1,
        ).encode()
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{path.name} can hold numbers, text, lists, dictionaries and arrays: {error}."
        ) from error
    content = {HEADER: head, CHECKSUM: _digest(head).encode(), **arrays}
    with whole_file(path) as work, zipfile.ZipFile(work, "w") as archive:
        for name, part in content.items():
            archive.writestr(zipfile.ZipInfo(name, DATE), part)


def read_archive(path: Path, remedy: str) -> dict[str, Any]:
    """Read what ``write_archive`` wrote: arrays are arrays again, tensors tensors (on the CPU).

    The checksums tell damage and a careless change. They are no signature: whoever makes a whole
    file anew can make its checksums too, so load files from where you trust; code they never hold.

    Parameters
    ----------
    path
        The file.
    remedy
        What to do where it cannot be used, a sentence for the message.

    Raises
    ------
    DataError
        When the file is missing, cut short, changed, or claims more than it holds.
    """
    if not path.is_file():
        raise DataError(f"there is no file {path}. Check the name.")
    try:
        with readable(path), zipfile.ZipFile(path) as archive:
            content = _content(archive, path.stat().st_size)
        head = content.pop(HEADER)
        if content.pop(CHECKSUM) != _digest(head).encode():
            raise ValueError("its header is not the one that was written")
        header = json.loads(head)
        arrays = header.pop("arrays")
        if arrays != {name: _digest(part) for name, part in content.items()}:
            raise ValueError("its arrays are not those that were written")
        return _together(header, {name: _array(part, name) for name, part in content.items()})
    except DataError:
        raise
    except Exception as error:
        # A damaged zip raises whatever its bytes provoke.
        reason = (str(error) or type(error).__name__).splitlines()[0][:300]
        raise DataError(f"{path} is damaged: {reason}. {remedy}") from error


def _content(archive: zipfile.ZipFile, size: int) -> dict[str, bytes]:
    entries = archive.infolist()
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries) or (
        sum(entry.file_size for entry in entries) > size
    ):
        raise ValueError("it claims more than it holds")
    if len({entry.filename for entry in entries}) < len(entries):
        raise ValueError("it holds a part twice")
    return {entry.filename: archive.read(entry) for entry in entries}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _apart(value: Any, where: str, arrays: dict[str, bytes]) -> Any:
    """Return a value without its arrays, which go into ``arrays`` as files' contents."""
    if isinstance(value, Mapping):
        return {key: _apart(each, f"{where}/{key}", arrays) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_apart(each, f"{where}/{i}", arrays) for i, each in enumerate(value)]
    if isinstance(value, torch.Tensor | np.ndarray):
        name = f"{where.removeprefix('/')}.npy"
        array, kind = value, ARRAY
        if isinstance(value, torch.Tensor):
            # The order in memory is kept: a product of matrices may round otherwise in another.
            array, kind = value.detach().cpu().numpy(), TENSOR
        if array.dtype.kind not in KINDS:
            raise TypeError(f"{name} holds {array.dtype}, no numbers")
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        arrays[name] = buffer.getvalue()
        return {kind: name}
    return value


def _together(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {ARRAY}:
            return arrays[value[ARRAY]]
        if value.keys() == {TENSOR}:
            return torch.from_numpy(arrays[value[TENSOR]])
        return {key: _together(each, arrays) for key, each in value.items()}
    if isinstance(value, list):
        return [_together(each, arrays) for each in value]
    return value


def _array(content: bytes, name: str) -> np.ndarray:
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise ValueError(f"{name} is an array of format {version}")
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    # Before a byte of memory is asked for: a header may claim any size.
    if dtype.kind not in KINDS or np.prod(shape, dtype=object) * dtype.itemsize != (
        len(content) - file.tell()
    ):
        raise ValueError(f"{name} claims another size than it has")
    file.seek(0)
    return np.load(file, allow_pickle=False)
