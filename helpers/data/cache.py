"""Decoded arrays kept on disk, found again by the content they were made from."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

from helpers.data.decode import in_parallel
from helpers.errors import DataError
from helpers.files import make_folder_once

Arrays = Mapping[str, np.ndarray]


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


def cached(folder: Path, make: Callable[[], Arrays]) -> dict[str, np.ndarray]:
    """Return the arrays kept in ``folder``; make and keep them there when it does not exist.

    The folder appears whole or not at all, and only once when two processes want it.

    Raises
    ------
    DataError
        When the arrays cannot be written, or what is kept cannot be read any more.
    """

    def fill(work: Path) -> None:
        for name, array in make().items():
            np.save(work / f"{name}.npy", array)

    make_folder_once(folder, fill)
    try:
        return {path.stem: np.load(path) for path in sorted(folder.glob("*.npy"))}
    except (OSError, EOFError, ValueError) as error:
        raise DataError(
            f"{folder} is damaged ({error}). Remove it and run again: it only keeps what was "
            "decoded from the images."
        ) from error


def _digest(path: Path) -> bytes:
    try:
        # Processors have instructions for SHA-256, so it beats BLAKE2 where it matters: on the
        # 700 MB of a category in full size.
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror or error}). Check that it is there and that "
            "you may read it."
        ) from error
