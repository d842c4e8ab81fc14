"""Files and folders that appear whole or not at all, also when two processes make the same one."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from helpers.errors import DataError
from helpers.paths import project_root


def book_record(name: str) -> Any:
    """Return what a JSON file of ``book/records`` holds, such as published figures."""
    return json.loads((project_root() / "book" / "records" / name).read_text("utf-8"))


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
    if folder.is_dir():
        return folder
    with _writable(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            if folder.is_dir():
                return folder
            for leftover in folder.parent.glob(f".{folder.name}.part-*"):
                shutil.rmtree(leftover, ignore_errors=True)
            work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.part-", dir=folder.parent))
            try:
                fill(work)
                work.chmod(0o755)
                work.replace(folder)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    return folder


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary neighbour of ``path`` to write to; it becomes ``path`` if all goes well.

    Raises
    ------
    DataError
        When the file cannot be written or the disk is full.
    """
    with _writable(path):
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
def _writable(path: Path) -> Iterator[None]:
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


def make_new_folder(folder: str | Path, fill: Callable[[Path], None]) -> Path:
    """Fill a folder that is not there yet, in one step.

    Raises
    ------
    DataError
        When there is something in the folder already, or it cannot be written.
    """
    folder, filled = Path(folder), []

    def work_in(work: Path) -> None:
        fill(work)
        filled.append(work)

    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
    make_folder_once(folder, work_in)
    if not filled:
        raise DataError(
            f"{folder} is there already and was left as it is. Remove it or choose another folder."
        )
    return folder
