"""Execute notebooks; what was executed is kept until something changes that it was made from.

The kept copies lie in ``_build/executed``, each written as soon as its last cell has run: a run
that was killed goes on with the notebook it was killed in. ``make clean`` forgets them all.
"""

import ast
import hashlib
import math
import os
import platform
import re
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path
from threading import Event, Thread

import nbformat
import psutil
from IPython.core.inputtransformer2 import TransformerManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from packaging.requirements import Requirement

from helpers.data.mvtec import category_folder
from helpers.profiles import current_profile
from tools.notebook_files import write
from tools.repository import ROOT
from tools.times import run_time

MADE_FROM = "made_from"  # in a kept copy's metadata: the digest of what it was made from
UNKNOWN = 60  # seconds expected of a notebook that has never said how long it took
# What else is set for the notebooks, besides profile and category.
SETTINGS = (
    "MVTEC_ROOT",
    "ONE_BAD_NUT_DEVICE",
    "ONE_BAD_NUT_PRECISION",
    "ONE_BAD_NUT_SAM",
    "ONE_BAD_NUT_WEIGHTS",
    "ONE_BAD_NUT_YOLO",
)
STARTUP = 600  # seconds for a kernel to start


class NotebookError(RuntimeError):
    """A notebook that stopped; the message names it, its cell and the error, and no local path."""


def kept_folder(root: Path = ROOT) -> Path:
    """Return where executed notebooks are kept."""
    return root / "_build" / "executed"


def executed(
    paths: Sequence[Path], root: Path = ROOT, every: float = 30
) -> Iterator[tuple[Path, nbformat.NotebookNode]]:
    """Yield each notebook with fresh outputs, executing those of which no valid copy is kept.

    Lines that tell of the progress are printed.

    Parameters
    ----------
    paths
        Of the notebooks.
    root
        Folder of the book, with ``helpers`` and ``pyproject.toml``.
    every
        Seconds between two signs of life of a running notebook.

    Raises
    ------
    NotebookError
        When a cell fails or the kernel dies. What was executed before stays kept.
    """
    digests = {path: digest(path, root) for path in paths}
    kept = {path: _kept(path, digests[path], root) for path in paths}
    expected = [run_time(p)[0] or UNKNOWN for p in paths if not kept[p]]
    took: list[float] = []
    _say(f"{len(paths) - len(expected)} of {len(paths)} chapters are kept from an earlier run.")
    for number, path in enumerate(paths, 1):
        notebook, made_from = nbformat.read(path, as_version=4), digests[path]
        if kept[path]:
            notebook = with_outputs(notebook, kept[path])
        else:
            name, start = f"chapter {number} of {len(paths)}, {path.stem}", time.perf_counter()
            run = _Run(notebook, root)
            _say(f"{name}, {_about(time_left(expected, took, 0))}")
            with _signs_of_life(run, every, lambda spent: time_left(expected, took, spent)):
                try:
                    run.execute(path.parent)
                except NotebookError as error:
                    raise NotebookError(f"{name}: {error}") from None
            took.append(time.perf_counter() - start)
            if digest(path, root) != made_from:
                made_from = ""  # something was changed meanwhile: nobody can say which was used
        copy = deepcopy(notebook)
        copy.metadata[MADE_FROM] = made_from
        write(copy, kept_folder(root) / path.name)
        yield path, notebook


def time_left(expected: Sequence[float], took: Sequence[float], spent: float) -> float:
    """Estimate the seconds that are left, at the pace of this machine so far.

    Parameters
    ----------
    expected
        Seconds that each notebook took elsewhere, in order.
    took
        Seconds of those that are done.
    spent
        Seconds of the one that is running.
    """
    done = sum(expected[: len(took)]) + min([spent, *expected[len(took) : len(took) + 1]])
    pace = (sum(took) + spent) / done if done else 1
    return pace * (sum(expected) - done)


def with_outputs(
    notebook: nbformat.NotebookNode, other: nbformat.NotebookNode
) -> nbformat.NotebookNode:
    """Return a copy of a notebook with the outputs of another that has the same code cells."""
    copy = deepcopy(notebook)
    for cell, source in zip(_code(copy), _code(other), strict=True):
        cell.outputs, cell.execution_count = source.outputs, source.execution_count
    copy.metadata["language_info"] = other.metadata.get("language_info", {})
    return copy


def digest(path: Path, root: Path = ROOT) -> str:
    """Return a digest of all that a notebook's outputs depend on, apart from the machine.

    These are its code cells with their tags, the modules it reaches by imports, the data beside
    them, the book's records if it names any, the packages' versions, and the settings with the
    pictures they name. The text between the cells is not among them.
    """
    cells = _code(nbformat.read(path, as_version=4))
    code = "\n".join(TransformerManager().transform_cell(cell.source) for cell in cells)
    files = [*sources(code, root), *_data_files(root / "helpers")]
    if "record" in code or any("store" in file.stem for file in files):
        files += sorted((root / "book" / "records").rglob("*.json"))
    parts: list[object] = [[cell.source, cell.metadata.get("tags", [])] for cell in cells]
    parts += [_versions(root / "pyproject.toml"), _settings(), _pictures()]
    found = hashlib.blake2b(repr(parts).encode(), digest_size=16)
    for file in files:
        found.update(f"\n{file.relative_to(root).as_posix()}\n".encode() + file.read_bytes())
    return found.hexdigest()


def sources(code: str, root: Path) -> list[Path]:
    """Return the modules below ``root`` that running ``code`` imports, directly or not, sorted."""
    found: set[Path] = set()
    waiting = list(_imported(code))
    while waiting:
        parts = waiting.pop().split(".")
        for end in range(1, len(parts) + 1):
            module = root.joinpath(*parts[:end])
            for file in (module.with_name(f"{module.name}.py"), module / "__init__.py"):
                if file not in found and file.is_file():
                    found.add(file)
                    waiting += _imported(file.read_text("utf-8"))
    return sorted(found)


@cache
def _imported(code: str) -> tuple[str, ...]:
    names = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return tuple(names)


def _data_files(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")
    )


def _versions(pyproject: Path) -> list[str]:
    project = tomllib.loads(pyproject.read_text("utf-8"))["project"]
    listed = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    versions = [platform.python_version()]
    for name in sorted(Requirement(text).name for text in listed):
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            versions.append(f"{name} is not there")
    return versions


def _settings() -> list[tuple[str, str]]:
    """Return what is set for the notebooks; where data is kept changes no output."""
    profile = current_profile()
    given = sorted((k, v) for k, v in os.environ.items() if k.startswith(SETTINGS))
    return [("profile", profile.name), ("category", profile.category), *given]


def _pictures() -> list[tuple[str, int, int]]:
    folder = category_folder(current_profile().category)
    if folder is None:
        return []
    looked_at = ((path, path.stat()) for path in sorted(folder.rglob("*")))
    return [(path.name, about.st_size, about.st_mtime_ns) for path, about in looked_at]


def _code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _kept(path: Path, made_from: str, root: Path) -> nbformat.NotebookNode | None:
    try:
        copy = nbformat.read(kept_folder(root) / path.name, as_version=4)
    except Exception:  # not there, or damaged in one of the many ways nbformat tells of
        return None
    return copy if copy.metadata.get(MADE_FROM) == made_from else None


class _Run:
    """One notebook in a fresh kernel, and which of its code cells is running."""

    def __init__(self, notebook: nbformat.NotebookNode, root: Path) -> None:
        self.notebook, self.root, self.number = notebook, root, 0

    def where(self) -> str:
        return f"code cell {self.number} of {len(_code(self.notebook))}"

    def execute(self, folder: Path) -> None:
        client = NotebookClient(
            self.notebook,
            timeout=None,  # a slow machine takes as long as it takes
            startup_timeout=STARTUP,
            kernel_name="python3",
            record_timing=False,  # it would write the clock into every cell
            resources={"metadata": {"path": str(folder)}},
            extra_arguments=["--log-level=CRITICAL"],  # that it speaks TCP is no news
            on_cell_execute=self._starts,
        )
        python_path = filter(None, [str(self.root), os.environ.get("PYTHONPATH")])
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(python_path)}
        if threads := threads_beside(_busy()):
            environment.setdefault("OMP_NUM_THREADS", str(threads))
        try:
            client.execute(env=environment)
        except CellExecutionError as error:
            raise self._stopped(without_paths(error.traceback, self.root)) from None
        except (DeadKernelError, AssertionError):  # the second where a signal has ended it
            raise self._stopped("The kernel ended: it was stopped, or memory ran out.") from None

    def _starts(self, cell: nbformat.NotebookNode, cell_index: int) -> None:
        self.number = len(
            [c for c in self.notebook.cells[: cell_index + 1] if c.cell_type == "code"]
        )

    def _stopped(self, why: str) -> NotebookError:
        return NotebookError(
            f"stopped in {self.where()}.\n\n{why}\n\nWhat was executed before is kept."
        )


def without_paths(text: str, root: Path) -> str:
    """Return an error's text without colours and without the folders of this machine."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text).replace(f"{root}{os.sep}", "")
    return re.sub(r"(?<![\w.:/])(?:[A-Z]:)?(?:[\\/][\w.~+ -]+)+(?=[\\/])", "…", plain)


def threads_beside(busy: Sequence[float]) -> int | None:
    """Return how many threads a kernel shall compute with, none where it may take its default.

    Threads of one computation wait for each other. Where another program holds a core, the thread
    on the free core waits, spinning, for the one that is not running, again and again: fewer
    threads are several times faster (``benchmarks/side_by_side.py``).

    Parameters
    ----------
    busy
        Of each core, how much of it other programs use, from 0 to 1.
    """
    taken = math.floor(sum(busy) + 0.5)
    return max(1, len(busy) - taken) if taken else None


def _busy() -> list[float]:
    shares = psutil.cpu_percent(0.5, percpu=True)
    ours = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(len(shares))
    return [share / 100 for core, share in enumerate(shares) if core in ours]


@contextmanager
def _signs_of_life(run: _Run, every: float, left: Callable[[float], float]) -> Iterator[None]:
    """Print, while the block runs, from time to time where the notebook is."""
    start, ended = time.perf_counter(), Event()

    def tick() -> None:
        while not ended.wait(every):
            _say(f"  {run.where()}, {_about(left(time.perf_counter() - start))}")

    thread = Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _about(seconds: float) -> str:
    return f"about {max(1, math.ceil(seconds / 60))} min left"


def _say(line: str) -> None:
    print(line, flush=True)
