"""Decoded arrays kept on disk, found again by the content they were made from."""

import hashlib
import json
import warnings
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

from helpers.data.decode import in_parallel
from helpers.files import UnwritableError, make_folder_once, readable

Arrays = Mapping[str, np.ndarray]

SUMS = "sums.json"
PART = 1 << 23  # bytes


def fingerprint(folder: Path, files: Iterable[str], **settings: object) -> str:
    """Return a digest of the files' names and content and of the settings.

    Every file is read each time, so that a changed one is noticed whatever its date says.

    Parameters
    ----------
    folder
        What ``files`` are relative to.
    files
        Names with ``/``.
    settings
        Whatever else decides the result, such as the size.

    Returns
    -------
    str
        32 hexadecimal digits.

    Raises
    ------
    DataError
        When a file cannot be read.
    """
    files = list(files)
    digests = in_parallel(lambda file: _digest(folder / file), files, "checking files")
    whole = hashlib.blake2b(repr(sorted(settings.items())).encode(), digest_size=16)
    for file, digest in zip(files, digests, strict=True):
        whole.update(file.encode() + b"\0" + digest)
    return whole.hexdigest()


def cached(folder: Path, names: Iterable[str], make: Callable[[], Arrays]) -> Arrays:
    """Return the arrays kept in ``folder``; make and keep them where they are not there whole.

    The folder appears whole or not at all, and only once when two processes want it. Each array is
    kept with a checksum; when one is missing or does not match, all are made anew. Where nothing
    can be written, the arrays are made every time, with a warning.

    Parameters
    ----------
    folder
        Its name says what the arrays were made from.
    names
        Of the arrays.
    make
        Makes them; called at most once.
    """
    found: dict[str, np.ndarray] = {}

    def whole(folder: Path) -> bool:
        found.update(_read(folder, names))
        return bool(found)

    def fill(work: Path) -> None:
        found.update(make())
        for name, array in found.items():
            np.save(work / f"{name}.npy", array)
        sums = {name: _checksum(folder, name, array) for name, array in found.items()}
        (work / SUMS).write_text(json.dumps(sums), "utf-8")

    try:
        make_folder_once(folder, fill, whole)
    except UnwritableError as error:
        warnings.warn(f"{error} Until then images are decoded every time.", stacklevel=2)
        found = found or dict(make())
    return found


def _read(folder: Path, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Return the arrays kept in a folder; none of them when anything is wrong with one."""
    try:
        sums = json.loads((folder / SUMS).read_text("utf-8"))
        # Mapped, so that a damaged header's claims are held against the size of the file.
        arrays = {name: np.array(np.load(folder / f"{name}.npy", mmap_mode="r")) for name in names}
        if all(sums[name] == _checksum(folder, name, arrays[name]) for name in arrays):
            return arrays
    except Exception:  # whatever the damage provokes: all is made anew
        pass
    return {}


def _checksum(folder: Path, name: str, array: np.ndarray) -> int:
    # CRC-32, in parts at once: against chance, which is all that damages what we wrote ourselves.
    data = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    parts = [data[start : start + PART] for start in range(0, len(data), PART)]
    sums = in_parallel(zlib.crc32, parts, "checking the cache")
    return zlib.crc32(repr((folder.name, name, array.dtype.str, array.shape, sums)).encode())


def _digest(path: Path) -> bytes:
    # Processors have instructions for SHA-256, so it beats BLAKE2 where it matters: on the 700 MB
    # of a category in full size.
    with readable(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
