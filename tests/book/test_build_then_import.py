"""Chapters on a method write it before the reader's eyes, and only then import it."""

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
METHODS = (2, 3, 4, 5, 8, 10, 11, 12, 13, 16, 17, 21)
CHANGE = "**Change this, predict, run.**"
ALL = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
CHAPTERS = [path for path in ALL if int(path.name[:2]) in METHODS]


def cells(path):
    return nbformat.read(path, as_version=4).cells


def code(path):
    return [cell.source for cell in cells(path) if cell.cell_type == "code"]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_network_and_its_training_loop_stand_on_the_page(path):
    text = "\n".join(code(path))
    assert re.search(r"(?m)^class \w+\((nn|torch\.nn)\.Module\)|nn\.Sequential\(", text)
    assert re.search(r"(?m)^ *\w*loss\w*\.backward\(\)|^ *\(?.*\.backward\(\)", text)
    assert re.search(r"(?m)^ *\w+\.step\(\)", text)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_the_source_of_a_helper_is_shown_once_at_most(path):
    assert "\n".join(code(path)).count("getsource(") <= 1


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_the_reader_is_asked_before_the_result_is_seen(path):
    all_cells = cells(path)
    asked = [i for i, cell in enumerate(all_cells) if cell.source.startswith(CHANGE)]
    assert len(asked) >= 2
    for i in asked:
        assert "?" in all_cells[i].source
        answer = all_cells[i + 1]
        assert answer.cell_type == "code"
        assert "hide-output" in answer.metadata.get("tags", [])
        assert answer.metadata["jupyter"]["outputs_hidden"] is True
        assert answer.outputs, "the answer is computed"


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_equations_are_numbered_in_order(path):
    text = "\n".join(cell.source for cell in cells(path) if cell.cell_type == "markdown")
    numbers = re.findall(r"\\tag\{([^}]*)\}", text)
    assert numbers == [f"{int(path.name[:2])}.{k + 1}" for k in range(len(numbers))]


def mathematics(path):
    """Return all that stands between dollar signs in a notebook's text, without spaces."""
    text = "\n".join(cell.source for cell in cells(path) if cell.cell_type == "markdown")
    return bare("".join(map("".join, re.findall(r"(?s)\$\$(.+?)\$\$|\$([^$]+?)\$", text))))


def bare(formula):
    return re.sub(r"\\[lr]vert", "|", re.sub(r"[\s{}]|\\(?=[,;!])", "", formula))


def test_every_letter_of_the_notation_is_used_by_the_chapter_it_names():
    table = (ROOT / "book" / "notation.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| (\$.+\$.*?) \| .+? \| .*?notebooks/([\w.]+)\)", table)
    assert len(rows) > 20
    for symbols, name in rows:
        used = mathematics(ROOT / "notebooks" / name)
        for symbol in re.findall(r"\$(.+?)\$", symbols):
            written = bare(re.split(r"\\propto|=", symbol)[0])
            assert written in used, f"{symbol} in {name}"
