"""Run the notebooks as a Colab reader does, in an environment with the packages that Colab has.

Usage: ``make colab``, or ``python -m tools.as_on_colab [NOTEBOOK ...]`` with the Python of an
environment made from ``tools/colab_versions.txt``, which lacks the book and what Colab lacks. A
notebook is opened outside the checkout, its kernel takes itself for Colab's, and its first cell
finds the helpers and installs what is missing. Of every chapter the cells up to the imports are
run, of some all.
"""

import platform
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from tools.notebook_files import notebook_paths
from tools.repository import ROOT, configuration

VERSIONS = Path(__file__).with_name("colab_versions.txt")
SETTING_UP = 2  # code cells of a chapter: Colab's, and the imports
WHOLE = (1, 10, 19, 20)  # these chapters are run to their ends; 20 needs what Colab lacks
CONTENT = "/content/"  # where Colab keeps what a notebook fetches
PRETEND = 'import sys, types\nsys.modules["google.colab"] = types.ModuleType("google.colab")'


def as_on_colab(
    notebook: nbformat.NotebookNode, cells: int | None = None, checkout: Path = ROOT
) -> nbformat.NotebookNode:
    """Return what a Colab reader runs of a notebook; its first cell takes ``checkout`` for a clone.

    Parameters
    ----------
    notebook
        Stays as it is.
    cells
        How many of its code cells are run; all when not given.
    checkout
        Of the book.

    Raises
    ------
    ValueError
        When the first code cell is not the one that every chapter begins with.
    """
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"][:cells]
    folder = CONTENT + configuration()["repository"]["url"].rstrip("/").rsplit("/", 1)[-1]
    if not code or f'"{folder}"' not in code[0]:
        raise ValueError(f"The first code cell does not fetch the helpers into {folder}.")
    code[0] = code[0].replace(f'"{folder}"', repr(str(checkout)))
    new = nbformat.v4.new_notebook(metadata={"kernelspec": notebook.metadata.get("kernelspec", {})})
    new.cells = [nbformat.v4.new_code_cell(source) for source in (PRETEND, *code)]
    return new


def run(notebook: nbformat.NotebookNode, folder: Path) -> None:
    """Run a notebook in ``folder``; what stops it is raised."""
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(
        notebook, timeout=None, startup_timeout=600, kernel_name="python3", resources=resources
    ).execute()


def main(paths: Sequence[Path]) -> int:
    """Run the notebooks, say how each ended, and return 1 when one was stopped."""
    packages = [line for line in VERSIONS.read_text("utf-8").splitlines() if "==" in line]
    here = {name: version(name) for name in (line.split("==")[0] for line in packages)}
    other = [line for line in packages if here[line.split("==")[0]].split("+")[0] not in line]
    print(f"Python {platform.python_version()}, torch {here['torch']}.", *other, sep="\nNot ")
    stopped = 0
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            whole = int(path.stem.split("_")[0]) in WHOLE
            notebook = nbformat.read(path, as_version=4)
            try:
                run(as_on_colab(notebook, None if whole else SETTING_UP), Path(folder))
            except CellExecutionError as error:
                stopped += 1
                print(f"{path.stem} stopped:\n{error}", flush=True)
            else:
                part = "whole" if whole else "its first cells"
                print(f"{path.stem} runs: {part}", flush=True)
    return int(stopped > 0)


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]] or notebook_paths()))
