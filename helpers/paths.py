"""Where the book keeps its data and records on this machine."""

import json
import os
from pathlib import Path
from typing import Any

from helpers.errors import DataError


def project_root() -> Path:
    """Return the checkout that ``helpers`` lies in, else the working folder."""
    checkout = Path(__file__).resolve().parent.parent
    return checkout if (checkout / "_toc.yml").is_file() else Path.cwd()


def data_folder() -> Path:
    """Return the folder for everything fetched, generated or cached; git ignores it.

    ``data`` in the checkout, or the folder that ``ONE_BAD_NUT_DATA`` names.

    Raises
    ------
    DataError
        When that variable names the home of a user that is not there.
    """
    named = os.environ.get("ONE_BAD_NUT_DATA")
    return named_path(named, "ONE_BAD_NUT_DATA") if named else project_root() / "data"


def named_path(named: str | Path, by: str) -> Path:
    """Return the path that somebody named, a home at its beginning (``~``) resolved.

    Raises
    ------
    DataError
        When it is no path, or there is no such home. ``by`` is the variable or argument to blame.
    """
    try:
        path = Path(named).expanduser()
    except (TypeError, RuntimeError) as error:
        raise DataError(f"{by} is {named!r}: {error} Give the whole path.") from error
    if "\0" in str(path):
        raise DataError(f"{by} is {named!r}, which is no path. Give one without a null character.")
    return path


def book_record(name: str) -> Any:
    """Return what a JSON file of ``book/records`` holds, such as published figures.

    Raises
    ------
    DataError
        When it is missing or damaged.
    """
    path = project_root() / "book" / "records" / name
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(
            f"{path} is missing or damaged ({error}). Restore it with `git checkout book/records`."
        ) from error
