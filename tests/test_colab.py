"""On Colab only what is missing is installed, and nothing that is there is touched."""

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from helpers import colab
from helpers.colab import install_missing


@pytest.fixture
def pyproject(tmp_path):
    def write(*dependencies):
        path = tmp_path / "pyproject.toml"
        path.write_text(f"[project]\ndependencies = {list(dependencies)!r}\n", encoding="utf-8")
        return path

    return write


def test_only_what_is_missing_is_installed(pyproject):
    commands, constraints = [], []

    def run(command):
        commands.append(command)
        constraints.append(Path(command[command.index("-c") + 1]).read_text())

    listed = pyproject("torch>=2.5", "numpy>=1.26", "not-on-colab>=1", "jupyterlab>=4")
    assert install_missing(listed, run) == ["not-on-colab>=1"]
    (command,), (kept,) = commands, constraints
    assert command[-1] == "not-on-colab>=1"
    assert not any(name in " ".join(command) for name in ("torch", "numpy", "jupyterlab"))
    # What is there is pinned to its own version, so that nothing can be pulled in over it: the
    # book's packages, and all others.
    pinned = dict(line.split("==") for line in kept.split())
    assert {"numpy", "torch", "pytest", "typing-extensions"} <= set(pinned)
    assert pinned["pytest"] == pytest.__version__
    assert "not-on-colab" not in pinned


def test_where_nothing_fits_all_that_is_there_the_books_own_packages_are_kept(pyproject):
    kept = []

    def run(command):
        kept.append(Path(command[command.index("-c") + 1]).read_text())
        if "pytest==" in kept[-1]:
            raise subprocess.CalledProcessError(1, command)

    assert install_missing(pyproject("numpy>=1.26", "not-on-colab"), run) == ["not-on-colab"]
    assert [line.split("==")[0] for line in kept[1].split()] == ["numpy"]

    def fails(command):
        raise subprocess.CalledProcessError(1, command)

    with pytest.raises(subprocess.CalledProcessError):
        install_missing(pyproject("numpy>=1.26", "not-on-colab"), fails)


def test_packages_that_pip_could_not_read_are_no_constraints(monkeypatch):
    found = [
        ("Typing_Extensions", "4.16.0"),
        ("typing-extensions", "3"),
        ("odd", "1ubuntu1.x"),
        (None, "1"),
    ]
    packages = [SimpleNamespace(name=name, version=number) for name, number in found]
    monkeypatch.setattr(colab, "distributions", lambda: packages)
    assert colab._everything_here() == {"typing-extensions": "4.16.0"}


def test_nothing_runs_when_nothing_is_missing(pyproject):
    def run(command):
        raise AssertionError(command)

    assert install_missing(pyproject("torch>=2.5", "numpy>=1.26"), run) == []


def test_an_old_version_that_is_there_is_left_alone_and_named(pyproject, monkeypatch, capsys):
    def run(command):
        raise AssertionError(command)

    versions = {"torch": "2.3.1+cu121", "numpy": "2.1.0", "scipy": "1.14.0rc1"}
    monkeypatch.setattr(colab, "version", versions.get)
    assert install_missing(pyproject("torch>=2.5", "numpy>=1.26", "scipy>=1.13"), run) == []
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("Warning: torch 2.3.1+cu121 is here; the book needs torch>=2.5.")
    assert "%pip install 'torch>=2.5'" in line


def test_the_books_own_list_is_the_default(capsys):
    assert install_missing(run=lambda _: None) == []
    assert not capsys.readouterr().out, "nothing that is here is too old"
