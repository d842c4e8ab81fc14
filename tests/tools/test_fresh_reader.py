"""The pieces of the timed walk: what a fresh reader has, how limits are held, what a figure is."""

import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools.fresh_reader import Step, environment, figures, table, walk


def test_limits_count_from_the_start():
    steps = [Step("clone", 30), Step("first", 100, limit=3), Step("book", 600, limit=12)]
    text, kept = table(steps)
    assert not kept, "730 s are more than 12 minutes"
    first, second, third = text.splitlines()
    assert "limit" not in first
    assert second.endswith("limit 3 min: kept")
    assert third.endswith("limit 12 min: PASSED")
    assert table(steps[:2])[1]


def test_a_fresh_reader_inherits_neither_environment_nor_data():
    given = {"PATH": "/bin", "VIRTUAL_ENV": "/x", "ONE_BAD_NUT_DATA": "/y", "MVTEC_ROOT": "/z"}
    assert environment(given) == {
        "PATH": "/bin",
        "MVTEC_ROOT": "generated",
        "ONE_BAD_NUT_PROFILE": "quick",
        "ONE_BAD_NUT_CATEGORY": "hazelnut",
        "TQDM_DISABLE": "1",
    }


def test_a_step_is_timed_and_a_failed_one_tells_why(tmp_path):
    step = walk("sleep", [sys.executable, "-c", "import time; time.sleep(0.2)"], tmp_path, 1)
    assert step.seconds >= 0.2
    assert step.limit == 1
    with pytest.raises(SystemExit, match=r"(?s)boom failed.*no such nut"):
        walk("boom", [sys.executable, "-c", "raise SystemExit('no such nut')"], tmp_path)


def test_only_pictures_count_as_figures(tmp_path):
    def shown(html):
        return new_code_cell(outputs=[new_output("display_data", {"text/html": html})])

    path = tmp_path / "n.ipynb"
    nbformat.write(new_notebook(cells=[shown("<table></table>"), shown("<img alt=''>")]), path)
    assert figures(path) == 1
