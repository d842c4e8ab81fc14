"""The tools behind the make targets."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from IPython.core.inputtransformer2 import TransformerManager

from tools.build_book import pages
from tools.repository import first_cell

ROOT = Path(__file__).parents[2]


def test_pages_of_a_table_of_contents_are_found_at_every_level():
    contents = yaml.safe_load("""
        root: index
        parts:
          - chapters:
              - file: a
                sections: [{file: b}]
          - chapters: [{url: https://example.org, title: elsewhere}, {file: c}]
    """)
    assert list(pages(contents)) == ["index", "a", "b", "c"]


@pytest.fixture
def fork(tmp_path):
    """Copy what naming the repository touches."""
    for name in ("tools", "helpers", "notebooks"):
        shutil.copytree(
            ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_*")
        )
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def rename(fork, url):
    return subprocess.run(
        [sys.executable, "-m", "tools.set_repository", url],
        cwd=fork,
        env={"PYTHONPATH": str(fork), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_one_command_changes_every_badge_and_first_cell(fork):
    old = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["repository"]["url"]
    done = rename(fork, "https://github.com/someone/nuts")
    assert done.returncode == 0, done.stderr
    config = (fork / "_config.yml").read_text("utf-8")
    assert yaml.safe_load(config)["repository"]["url"] == "https://github.com/someone/nuts"
    assert config.startswith("# The one place"), "the comments stay"
    for path in sorted((fork / "notebooks").glob("[0-9]*.ipynb")):
        text = path.read_text("utf-8")
        assert old not in text
        assert (
            f"colab.research.google.com/github/someone/nuts/blob/main/notebooks/{path.name}" in text
        )
        assert 'url = \\"https://github.com/someone/nuts\\"' in text
        before = nbformat.read(ROOT / "notebooks" / path.name, as_version=4)
        after = nbformat.read(path, as_version=4)
        assert [c.source for c in before.cells[2:]] == [c.source for c in after.cells[2:]]


def test_a_notebook_without_the_helpers_says_where_they_are(monkeypatch):
    code = TransformerManager().transform_cell(first_cell())
    exec(code, {})
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ModuleNotFoundError, match=r"a clone of https://github\.com/.*`make lab`"):
        exec(code, {})


def test_a_strange_address_changes_nothing(fork):
    before = (fork / "_config.yml").read_bytes()
    done = rename(fork, "github.com/someone/nuts; rm -rf x")
    assert done.returncode != 0
    assert "is not like https://github.com/owner/name" in done.stderr
    assert (fork / "_config.yml").read_bytes() == before


def test_make_lists_its_targets():
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("book", "test", "lab", "notebooks"):
        assert f"make {target} " in listed
