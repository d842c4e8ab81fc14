"""Walk a fresh reader's path and time it: clone, install, train the first detector, see its figure.

``--book`` goes on and builds the whole book, every notebook executed. The clone lies in a folder
that is thrown away. Exits with 1 when a limit is passed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat

from tools.repository import ROOT

FIRST = "notebooks/02_baseline_autoencoder.ipynb"
TO_FIRST, TO_BOOK = 5, 20  # minutes on two cores
SETTINGS = {
    "MVTEC_ROOT": "generated",
    "ONE_BAD_NUT_PROFILE": "quick",
    "ONE_BAD_NUT_CATEGORY": "hazelnut",
    "TQDM_DISABLE": "1",
}
# What would lend a fresh reader the environment or the data of this one.
INHERITED = ("VIRTUAL_ENV", "ONE_BAD_NUT_DATA", "PYTHONPATH", "MAKEFLAGS", "MAKELEVEL")


@dataclass(frozen=True)
class Step:
    """One stretch of the path.

    Attributes
    ----------
    name
        What the reader does.
    seconds
        How long it took.
    limit
        Minutes from the start by which it shall be done; None where nothing is promised.
    """

    name: str
    seconds: float
    limit: float | None = None


def environment(given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of a reader who has set nothing."""
    return {key: value for key, value in given.items() if key not in INHERITED} | SETTINGS


def walk(name: str, command: Sequence[str], folder: Path, limit: float | None = None) -> Step:
    """Run a command and time it; exit with its last words when it fails."""
    print(f"{name} …", flush=True)
    start = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{name} failed:\n{(done.stdout + done.stderr)[-2000:]}")
    return Step(name, time.perf_counter() - start, limit)


def figures(path: Path) -> int:
    """Count the figures among a notebook's outputs."""
    return sum(
        "<img" in "".join(output.get("data", {}).get("text/html", ""))
        for cell in nbformat.read(path, as_version=4).cells
        for output in cell.get("outputs", [])
    )


def table(steps: Sequence[Step]) -> tuple[str, bool]:
    """Return the steps with the time since the start, and whether every limit is kept."""
    lines, total, kept = [], 0.0, True
    for step in steps:
        total += step.seconds
        promise = ""
        if step.limit is not None:
            in_time = total <= 60 * step.limit
            kept &= in_time
            promise = f"  limit {step.limit:g} min: {'kept' if in_time else 'PASSED'}"
        lines.append(f"{step.name:32} {step.seconds:7.0f} s {total / 60:7.1f} min{promise}")
    return "\n".join(lines), kept


def main() -> None:
    """Walk, and print how long it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", default=str(ROOT), help="what to clone; this repository")
    parser.add_argument("--book", action="store_true", help="go on and build the whole book")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "book"
        steps = [
            walk("clone", ["git", "clone", "-q", chosen.source, str(folder)], Path(home)),
            walk("install", ["make", ".venv/.installed"], folder),
        ]
        python = str(folder / ".venv" / "bin" / "python")
        shown = folder / FIRST
        notebook = nbformat.read(shown, as_version=4)
        for cell in notebook.cells:  # so that a figure found afterwards is a new one
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(notebook, shown)
        steps.append(
            walk(
                "first detector, with a figure",
                [python, "-m", "tools.run_notebooks", FIRST],
                folder,
                TO_FIRST,
            )
        )
        if not figures(shown):
            sys.exit(f"{FIRST} has run and shows no figure.")
        if chosen.book:
            steps.append(walk("the whole book", ["make", "book"], folder, TO_BOOK))
    text, kept = table(steps)
    print(text)
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
