"""Where the book keeps its data and records on this machine."""

from pathlib import Path


def project_root() -> Path:
    """Return the checkout that ``helpers`` lies in, else the working folder."""
    checkout = Path(__file__).resolve().parent.parent
    return checkout if (checkout / "_toc.yml").is_file() else Path.cwd()


def data_folder() -> Path:
    """Return the folder for everything fetched, generated or cached; git ignores it."""
    return project_root() / "data"
