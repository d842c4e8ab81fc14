"""Files and folders that appear whole or not at all, also when two processes make the same one."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from helpers.errors import DataError


def make_folder_once(folder: Path, fill: Callable[[Path], None]) -> Path:
    """Fill a new folder with ``fill`` and put it in place in one step.

    The work happens in a hidden neighbour, which is renamed when it is complete, so a killed run
    leaves nothing half-made; a process that wants the same folder meanwhile waits for it.

    Parameters
    ----------
    folder
        Where the finished folder shall be. When it is there already, nothing is done.
    fill
        Writes the content into the (existing, empty) folder it is given.

    Returns
    -------
    Path
        ``folder``.

    Raises
    ------
    DataError
        When the folder cannot be written or the disk is full.
    """
    _make_folder(folder, fill)
    return folder


def make_new_folder(folder: str | Path, fill: Callable[[Path], None]) -> Path:
    """Do as `make_folder_once` does, for a folder that must not be there yet, or be empty.

    Raises
    ------
    DataError
        When there is something in the folder already, or it cannot be written.
    """
    folder = Path(folder)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
    if not _make_folder(folder, fill):
        raise DataError(
            f"{folder} is there already and was left as it is. Remove it or choose another folder."
        )
    return folder


def _make_folder(folder: Path, fill: Callable[[Path], None]) -> bool:
    """Return whether the folder was made; when it was there, nothing is done."""
    if folder.is_dir():
        return False
    with writable(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            if folder.is_dir():
                return False
            for leftover in folder.parent.glob(f".{folder.name}.part-*"):
                shutil.rmtree(leftover, ignore_errors=True)
            work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.part-", dir=folder.parent))
            try:
                fill(work)
                work.chmod(0o755)
                work.replace(folder)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    return True


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary neighbour of ``path`` to write to; it becomes ``path`` if all goes well.

    Raises
    ------
    DataError
        When the file cannot be written or the disk is full.
    """
    with writable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.part-", dir=path.parent)
        os.close(handle)
        work = Path(name)
        try:
            yield work
            work.chmod(0o644)
            work.replace(path)
        finally:
            work.unlink(missing_ok=True)


@contextmanager
def writable(path: Path) -> Iterator[None]:
    """Turn trouble with writing to ``path`` into a DataError that names it."""
    try:
        yield
    except DataError:
        raise
    except OSError as error:
        # Only trouble with our own target is ours to explain; a fill function may fail otherwise.
        # (A failed write names no file at all.)
        target = path.absolute()
        where = target if error.filename is None else Path(error.filename).absolute()
        if target.parent not in where.parents and where not in target.parents:
            raise
        raise DataError(
            f"{path} cannot be written: {error.strerror or error}. "
            "Free some space or choose a folder you may write to, then run again."
        ) from error
