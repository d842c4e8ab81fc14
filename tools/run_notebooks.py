"""Run notebooks top to bottom, each in a fresh kernel, and keep their outputs in the files.

Usage: ``python -m tools.run_notebooks [NOTEBOOK ...]`` (all of them when none is named). One that
was executed before, with the code it has now, is not executed again: see ``tools/execution.py``.
"""

import sys
from pathlib import Path

from tools.execution import NotebookError, executed
from tools.notebook_files import notebook_paths, write


def main(names: list[str]) -> None:
    """Run the named notebooks, or all."""
    paths = [Path(name).absolute() for name in names] or notebook_paths()
    try:
        for path, notebook in executed(paths):
            write(notebook, path)
    except NotebookError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
