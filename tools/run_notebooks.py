"""Run notebooks top to bottom, each in a fresh kernel, and keep their outputs in the files.

Usage: ``python -m tools.run_notebooks [NOTEBOOK ...]`` (all of them when none is named).
"""

import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from tools.notebook_files import notebook_paths, write


def run(path: Path) -> None:
    """Execute the notebook at ``path`` and, only if every cell succeeds, write it back."""
    notebook = nbformat.read(path, as_version=4)
    # record_timing would write the clock into every cell: a change at each run.
    client = NotebookClient(
        notebook,
        timeout=3600,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute()
    write(notebook, path)


def main(names: list[str]) -> None:
    """Run the named notebooks, or all."""
    for path in [Path(name) for name in names] or notebook_paths():
        start = time.perf_counter()
        run(path)
        print(f"{path.name}: {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
