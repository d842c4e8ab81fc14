"""Notebooks are executed once for what they are made from, on a book of three small notebooks."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import execution
from tools.book_extension import show_outputs
from tools.execution import (
    NotebookError,
    digest,
    executed,
    sources,
    threads_beside,
    time_left,
    without_paths,
)

ROOT = execution.ROOT
LOG = "with open('log.txt', 'a') as log:\n    print({!r}, os.getpid(), file=log)"


@pytest.fixture
def book(tmp_path, monkeypatch):
    """Write three notebooks, two of which use a helper each."""
    monkeypatch.setenv("MVTEC_ROOT", "generated")
    (tmp_path / "helpers").mkdir()
    for name in ("__init__", "left", "right"):
        (tmp_path / "helpers" / f"{name}.py").write_text("VALUE = 1\n")
    (tmp_path / "pyproject.toml").write_text(
        "[project]\ndependencies = ['numpy']\n[project.optional-dependencies]\nx = ['not-here']\n"
    )
    (tmp_path / "notebooks").mkdir()
    save(
        tmp_path,
        "01_left",
        "import os\nfrom helpers.left import VALUE",
        LOG.format("left"),
        "VALUE",
    )
    save(tmp_path, "02_right", "import os, helpers.right", LOG.format("right"), "1 + 1")
    save(tmp_path, "03_alone", "import os", LOG.format("alone"))
    return tmp_path


def save(root, name, *code):
    cells = [new_markdown_cell(f"# {name}"), *map(new_code_cell, code)]
    nbformat.write(new_notebook(cells=cells), root / "notebooks" / f"{name}.ipynb")


def paths(root):
    return sorted((root / "notebooks").glob("*.ipynb"))


def run(root, **kwargs):
    return [notebook for _, notebook in executed(paths(root), root, **kwargs)]


def log(root):
    file = root / "notebooks" / "log.txt"
    return [line.split()[0] for line in file.read_text().splitlines()] if file.exists() else []


def change(root, name, edit):
    path = root / "notebooks" / f"{name}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    edit(notebook.cells)
    nbformat.write(notebook, path)


def test_only_what_has_changed_is_executed_again(book, capsys):
    first = run(book)
    assert log(book) == ["left", "right", "alone"]
    assert first[0].cells[-1].outputs[0].data["text/plain"] == "1"
    assert "0 of 3 chapters are kept" in capsys.readouterr().out

    change(book, "02_right", lambda cells: cells[0].update(source="# Another text"))
    second = run(book)
    assert log(book) == ["left", "right", "alone"], "nothing ran"
    assert second[0] == first[0]
    assert second[1].cells[0].source == "# Another text"
    assert second[1].cells[3].outputs == first[1].cells[3].outputs
    shown = nbformat.read(execution.kept_folder(book) / "02_right.ipynb", as_version=4)
    assert shown.cells == second[1].cells, "what the pages are made from has the new text too"
    assert capsys.readouterr().out == "3 of 3 chapters are kept from an earlier run.\n"

    (book / "helpers" / "left.py").write_text("VALUE = 2\n")
    third = run(book)
    assert log(book) == ["left", "right", "alone", "left"], "those that use the helper"
    assert third[0].cells[-1].outputs[0].data["text/plain"] == "2", "the helper beside the book"


def test_a_killed_run_executes_one_notebook_twice(book):
    wait = "import pathlib, time\nwhile not pathlib.Path('go').exists(): time.sleep(0.05)"
    change(book, "02_right", lambda cells: cells.append(new_code_cell(wait)))
    call = (
        f"import pathlib; from tools.execution import executed; root = pathlib.Path({str(book)!r});"
    )
    call += "list(executed(sorted((root / 'notebooks').glob('*.ipynb')), root))"
    process = subprocess.Popen([sys.executable, "-c", call], cwd=ROOT, stdout=subprocess.DEVNULL)
    while len(log(book)) < 2:
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    kernel = (book / "notebooks" / "log.txt").read_text().split()[-1]
    with suppress(ProcessLookupError):  # it ends by itself, but not at once
        os.kill(int(kernel), signal.SIGTERM)
    (book / "notebooks" / "go").touch()
    run(book)
    assert log(book) == ["left", "right", "right", "alone"]


def test_a_failing_cell_is_named_without_paths_and_the_rest_stays_kept(book):
    trouble = "path = os.path.abspath('nut.png')\nraise ValueError(f'{path} is no nut')"
    change(book, "02_right", lambda cells: cells.append(new_code_cell(trouble)))
    with pytest.raises(NotebookError) as found:
        run(book)
    message = str(found.value)
    assert message.startswith("chapter 2 of 3, 02_right: stopped in code cell 4 of 4.")
    assert "notebooks/nut.png is no nut" in message
    assert str(book) not in message
    assert "\x1b" not in message
    assert log(book) == ["left", "right"]
    change(book, "02_right", lambda cells: cells.pop())
    run(book)
    assert log(book) == ["left", "right", "right", "alone"]


def test_a_kernel_that_ends_is_told(book):
    change(book, "01_left", lambda cells: cells.append(new_code_cell("os._exit(9)")))
    with pytest.raises(NotebookError, match=r"01_left: stopped in code cell 4 of 4.\n\nThe kernel"):
        run(book)


def test_progress_names_chapter_cell_and_time_left(book, capsys):
    def done(cells):
        cells[-1].outputs = [new_output("stream", name="stdout", text="This run took 200 s.")]

    change(book, "03_alone", done)
    change(
        book, "03_alone", lambda cells: cells.append(new_code_cell("import time; time.sleep(1)"))
    )
    list(executed(paths(book)[2:], book, every=0.1))
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        "0 of 1 chapters are kept from an earlier run.",
        "chapter 1 of 1, 03_alone, about 4 min left",
    ]
    assert "  code cell 3 of 3, about 4 min left" in lines[2:]


@pytest.mark.parametrize(
    ("busy", "threads"),
    [
        ([0.1, 0.05], None),  # nothing but a browser
        ([0.3, 0.1], None),
        ([0.5, 0.2], 1),
        ([1.0, 1.0], 1),
        ([0.9, 0.1, 0.0, 0.0], 3),
        ([1.0, 1.0, 1.0, 0.4], 1),
    ],
)
def test_a_kernel_leaves_the_cores_to_others_that_they_use(busy, threads):
    assert threads_beside(busy) == threads


def test_a_kernel_gets_these_threads_unless_they_are_set(book, monkeypatch):
    look = "os.environ.get('OMP_NUM_THREADS')"
    change(book, "03_alone", lambda cells: cells.append(new_code_cell(look)))
    monkeypatch.setattr(execution, "_busy", lambda: [0.9, 0.0, 0.0])
    for given, threads in ((None, "2"), ("5", "5")):
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        if given:
            monkeypatch.setenv("OMP_NUM_THREADS", given)
        ((_, notebook),) = executed(paths(book)[2:], book)
        assert notebook.cells[-1].outputs[0].data["text/plain"] == repr(threads)
        (execution.kept_folder(book) / "03_alone.ipynb").unlink()


def test_the_time_left_follows_the_pace_of_this_machine():
    assert time_left([60, 30, 10], [], 0) == 100
    assert time_left([60, 30, 10], [], 20) == 80, "as fast as expected, until the contrary shows"
    assert time_left([60, 30, 10], [], 600) == 400, "ten times slower"
    assert time_left([60, 30, 10], [30], 0) == 20
    assert time_left([60, 30, 10], [30, 15, 5], 0) == 0
    assert time_left([], [], 0) == 0


def test_a_damaged_copy_is_executed_again(book):
    run(book)
    (execution.kept_folder(book) / "03_alone.ipynb").write_bytes(b"")
    run(book)
    assert log(book) == ["left", "right", "alone", "alone"]


def test_a_run_beside_a_change_is_not_kept(book):
    edit = "open('../helpers/right.py', 'a').write('# changed\\n')"
    change(book, "02_right", lambda cells: cells.append(new_code_cell(edit)))
    list(executed(paths(book)[1:2], book))
    (book / "helpers" / "right.py").write_text("VALUE = 1\n")
    list(executed(paths(book)[1:2], book))
    assert log(book) == ["right", "right"]


# --- what outputs depend on ----------------------------------------------------------------------


def write(place, text):
    def edit(book, _):
        (book / place).parent.mkdir(parents=True, exist_ok=True)
        (book / place).write_text(text)

    return edit


def cells_changed(edit):
    return lambda book, _: change(book, "01_left", edit)


@pytest.mark.parametrize(
    "edit",
    [
        cells_changed(lambda cells: cells[3].update(source="VALUE + 1")),
        cells_changed(lambda cells: cells[3].metadata.update(tags=["raises-exception"])),
        write("helpers/left.py", '"""Sources are shown: each letter counts."""'),
        write("helpers/__init__.py", "import helpers.right"),
        write("helpers/weights/resnet.npz", "1"),
        lambda _, patch: patch.setattr(execution, "version", lambda _: "99"),
        lambda _, patch: patch.setenv("ONE_BAD_NUT_PROFILE", "full"),
        lambda _, patch: patch.setenv("ONE_BAD_NUT_DEVICE", "cuda"),
    ],
)
def test_what_outputs_depend_on_changes_the_digest(book, monkeypatch, edit):
    path = paths(book)[0]
    before = digest(path, book)
    edit(book, monkeypatch)
    assert digest(path, book) != before


@pytest.mark.parametrize(
    "edit",
    [
        cells_changed(lambda cells: cells[0].update(source="# Text")),
        cells_changed(lambda cells: cells[3].update(execution_count=7)),
        write("helpers/right.py", "VALUE = 2"),
        write("helpers/__pycache__/left.cpython-311.pyc", "2"),
        write("book/records/new.json", "{}"),
        lambda _, patch: patch.setenv("ONE_BAD_NUT_PROFILE", "quick"),
        lambda _, patch: patch.setenv("ONE_BAD_NUT_DATA", "elsewhere"),
    ],
)
def test_what_they_do_not_depend_on_leaves_it(book, monkeypatch, edit):
    path = paths(book)[0]
    before = digest(path, book)
    edit(book, monkeypatch)
    assert digest(path, book) == before


def test_records_count_where_a_notebook_reads_them(book, monkeypatch):
    change(book, "01_left", lambda cells: cells[3].update(source="book_record('new.json')"))
    before = digest(paths(book)[0], book)
    write("book/records/new.json", "{}")(book, monkeypatch)
    assert digest(paths(book)[0], book) != before


def test_a_changed_picture_of_the_readers_own_data_counts(book, small_root, monkeypatch):
    monkeypatch.setenv("MVTEC_ROOT", str(small_root))
    monkeypatch.setenv("ONE_BAD_NUT_CATEGORY", "nut")
    before = digest(paths(book)[0], book)
    os.utime(small_root / "nut" / "test" / "good" / "000.png", (1, 1))
    assert digest(paths(book)[0], book) != before


def test_imports_are_followed_through_packages(book):
    write("helpers/deep/__init__.py", "from helpers import left")(book, None)
    write("helpers/deep/inner.py", "import numpy")(book, None)
    found = sources("%matplotlib inline".replace("%", "# ") + "\nimport helpers.deep.inner", book)
    names = ["__init__", "deep/__init__", "deep/inner", "left"]
    assert found == [book / "helpers" / f"{name}.py" for name in names]


# --- small parts ---------------------------------------------------------------------------------


def test_folders_of_the_machine_are_left_out(tmp_path):
    text = (
        f"File {tmp_path}/notebooks/a.py:3\nFile /usr/lib/python3/os.py:1\nC:\\Users\\me\\nut.png"
    )
    assert without_paths(text, tmp_path) == "File notebooks/a.py:3\nFile …/os.py:1\n…\\nut.png"
    for plain in ("https://example.org/a/b", "1/2", "helpers/data/load.py", "and/or"):
        assert without_paths(plain, tmp_path) == plain


def test_pages_show_the_notebooks_of_the_folder_they_are_given(tmp_path):
    (tmp_path / "01_a.ipynb").write_text("fresh")
    app = SimpleNamespace(config=SimpleNamespace(notebooks_folder=str(tmp_path)))
    for page, shown in (("notebooks/01_a", "fresh"), ("book/setup", "committed")):
        source = ["committed"]
        show_outputs(app, page, source)
        assert source == [shown]
