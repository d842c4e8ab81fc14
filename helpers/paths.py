"""Where the book keeps its data and records on this machine."""

import json
import os
from pathlib import Path
from typing import Any


def project_root() -> Path:
    """Return the checkout that ``helpers`` lies in, else the working folder."""
    checkout = Path(__file__).resolve().parent.parent
    return checkout if (checkout / "_toc.yml").is_file() else Path.cwd()


def data_folder() -> Path:
    """Return the folder for everything fetched, generated or cached; git ignores it.

    ``data`` in the checkout, or the folder that ``ONE_BAD_NUT_DATA`` names.
    """
    named = os.environ.get("ONE_BAD_NUT_DATA")
    return Path(named).expanduser() if named else project_root() / "data"


def book_record(name: str) -> Any:
    """Return what a JSON file of ``book/records`` holds, such as published figures."""
    return json.loads((project_root() / "book" / "records" / name).read_text("utf-8"))
