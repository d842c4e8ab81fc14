"""Files and folders that appear whole or not at all, also when two processes make the same one."""

import errno
import glob
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from helpers.errors import DataError
from helpers.paths import data_folder

try:
    import fcntl
except ImportError:  # Windows, which removes no file that somebody has open
    fcntl = None

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class UnwritableError(DataError):
    """A file or folder that cannot be written."""


def make_folder_once(
    folder: Path, fill: Callable[[Path], None], whole: Callable[[Path], bool] = Path.is_dir
) -> Path:
    """Fill a new folder with ``fill`` and put it in place in one step.

    The work happens in a hidden neighbour, which is renamed when it is complete, so a killed run
    leaves nothing half-made; a process that wants the same folder meanwhile waits for it.

    Parameters
    ----------
    folder
        Where the finished folder shall be. When it is there already, nothing is done.
    fill
        Writes the content into the (existing, empty) folder it is given.
    whole
        Says whether a folder that is there can be kept; if not, it is removed and made anew.

    Returns
    -------
    Path
        ``folder``.

    Raises
    ------
    UnwritableError
        When the folder cannot be written or the disk is full.
    """
    _make_folder(folder, fill, whole)
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


def _make_folder(
    folder: Path, fill: Callable[[Path], None], whole: Callable[[Path], bool] = Path.is_dir
) -> bool:
    """Return whether the folder was made; when it was there, nothing is done."""
    if folder.is_dir() and whole(folder):
        return False
    with writable(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            if folder.is_dir():
                if whole(folder):
                    return False
                shutil.rmtree(folder)
            _sweep_folders(folder)
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
    UnwritableError
        When the file cannot be written or the disk is full.
    """
    with writable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep_files(path)
        handle, work = _neighbour(path)
        try:
            yield work
            work.chmod(0o644)
            if fcntl is None:
                os.close(handle)
            work.replace(path)
        finally:
            with suppress(OSError):
                os.close(handle)
            work.unlink(missing_ok=True)


def _neighbour(path: Path) -> tuple[int, Path]:
    """Make a file of one's own beside ``path``; it is locked for as long as it is written."""
    while True:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.part-", dir=path.parent)
        if fcntl:
            with suppress(OSError):  # not every network drive can lock
                fcntl.flock(handle, fcntl.LOCK_EX)
        if Path(name).exists():  # not swept by somebody before it was locked
            return handle, Path(name)
        os.close(handle)


def _sweep_files(path: Path) -> None:
    """Remove what killed runs left of the file ``path``: what nobody holds a lock on."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.part-*"):
        with suppress(OSError):
            if fcntl is None:
                leftover.unlink()
                continue
            handle = os.open(leftover, os.O_RDWR)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                leftover.unlink()
            finally:
                os.close(handle)


def _sweep_folders(folder: Path) -> None:
    """Remove what killed runs left of ``folder``, whose lock we hold, and of its neighbours."""
    for leftover in folder.parent.glob(".*.part-*/"):
        name = leftover.name.rpartition(".part-")[0]
        lock = FileLock(leftover.with_name(f"{name}.lock"), timeout=0)
        if name == f".{folder.name}":
            shutil.rmtree(leftover, ignore_errors=True)
        elif Path(lock.lock_file).is_file():  # so it is one of ours
            with suppress(Timeout, OSError), lock:
                shutil.rmtree(leftover, ignore_errors=True)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn trouble with reading ``path`` into a DataError that names it."""
    try:
        yield
    except OSError as error:
        raise DataError(unreadable(error.filename or path, error)) from error


def unreadable(path: object, error: OSError) -> str:
    """Say that a file or folder cannot be read, and what to do."""
    return (
        f"{path} cannot be read ({error.strerror or error}). Check that it is there and that you "
        "may read it."
    )


@contextmanager
def writable(path: Path) -> Iterator[None]:
    """Turn trouble with writing to ``path`` into an UnwritableError that names it."""
    try:
        yield
    except OSError as error:
        # Only trouble with our own target is ours to explain; a fill function may fail otherwise.
        # (A failed write names no file at all.)
        target = path.absolute()
        where = target if error.filename is None else Path(error.filename).absolute()
        if target.parent not in where.parents and where not in target.parents:
            raise
        raise UnwritableError(
            f"{path} cannot be written: {error.strerror or error}. {_remedy(target, error)}"
        ) from error


def _remedy(target: Path, error: OSError) -> str:
    other = "choose a folder you may write to"
    if data_folder().absolute() in target.parents:
        other = "set ONE_BAD_NUT_DATA to a folder you may write to"
    # NumPy and Pillow tell of a full disk without a number.
    if error.errno in (None, *NO_ROOM):
        there = next(folder for folder in target.parents if folder.is_dir())
        return (
            f"{megabytes(free_bytes(there))} are free there. Free some space or {other}, then run "
            "again."
        )
    return f"{other[0].upper()}{other[1:]}, then run again."


def free_bytes(folder: Path) -> int:
    """Return the free space, in bytes, of the disk that ``folder`` is on."""
    return shutil.disk_usage(folder).free


def megabytes(size: int) -> str:
    """Return ``size`` (bytes) for people to read.

    Examples
    --------
    >>> megabytes(5_264_982_680)
    '5,265 MB'
    """
    return f"{size / 1e6:,.0f} MB"
