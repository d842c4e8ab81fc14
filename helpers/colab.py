"""Make a Colab runtime ready: install what it lacks, leave what it has, and say what is too old."""

import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import InvalidName, canonicalize_name
from packaging.version import InvalidVersion, Version

from helpers.paths import project_root

# Colab is a notebook server itself.
NOT_NEEDED = {"jupyterlab"}


def install_missing(
    pyproject: Path | None = None, run: Callable[[Sequence[str]], object] | None = None
) -> list[str]:
    """Install the dependencies of the book that this runtime has in no version at all.

    Packages that are there stay as they are: replacing a preinstalled torch, torchvision or numpy
    costs gigabytes and breaks the packages built against it. The versions of all that is here are
    handed to pip as constraints, so that a new package cannot pull in others in their place: an
    older version of it is taken (of onnx, one that lives with Colab's protobuf, which TensorFlow
    needs). Only where there is none are the constraints those of the book's own packages. One that
    is older than the book needs is named, with the command that replaces it.

    Parameters
    ----------
    pyproject
        The file that lists the dependencies; the book's own when not given.
    run
        Runs a command; replaced in tests.

    Returns
    -------
    list of str
        The requirements that were installed.
    """
    run = run or (lambda command: subprocess.run(command, check=True))
    path = pyproject or project_root() / "pyproject.toml"
    listed = tomllib.loads(path.read_text(encoding="utf-8"))["project"]["dependencies"]
    requirements = [r for r in map(Requirement, listed) if r.name not in NOT_NEEDED]
    present = {r.name: _version(r.name) for r in requirements}
    missing = [str(r) for r in requirements if present[r.name] is None]
    for requirement in requirements:
        found = present[requirement.name]
        if found and not requirement.specifier.contains(found, prereleases=True):
            print(
                f"Warning: {requirement.name} {found} is here; the book needs {requirement}. Where "
                f"a chapter fails: %pip install '{requirement}', then Runtime → Restart session."
            )
    if missing:
        listed_here = {canonicalize_name(n): found for n, found in present.items() if found}
        try:
            _install(missing, _everything_here() | listed_here, run)
        except subprocess.CalledProcessError:
            _install(missing, listed_here, run)
    return missing


def _install(
    missing: Sequence[str], kept: Mapping[str, str], run: Callable[[Sequence[str]], object]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        lines = [f"{name}=={found}\n" for name, found in kept.items()]
        constraints.write_text("".join(lines), encoding="utf-8")
        run([sys.executable, "-m", "pip", "install", "-q", "-c", str(constraints), *missing])


def _everything_here() -> dict[str, str]:
    """Return the versions that pip can read, by name; of two copies the one that is imported."""
    found: dict[str, str] = {}
    for package in distributions():
        with suppress(InvalidVersion, InvalidName, TypeError, KeyError):
            name = canonicalize_name(package.name, validate=True)
            found.setdefault(name, str(Version(package.version)))
    return found


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
