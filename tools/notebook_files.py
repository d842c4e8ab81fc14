"""Read and write the notebooks, always whole."""

from pathlib import Path

import nbformat

from helpers.files import whole_file

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"


def notebook_paths() -> list[Path]:
    """Return the book's notebooks in reading order."""
    return sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))


def write(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Write ``notebook`` to ``path`` in one step."""
    with whole_file(path) as work, work.open("w", encoding="utf-8", newline="\n") as file:
        nbformat.write(notebook, file)
