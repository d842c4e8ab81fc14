"""Each exercise in the notebooks: its solution passes its check, its empty stub does not."""

import re
from pathlib import Path

import nbformat
import pytest

from helpers.exercises import all_checks, check

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9]*.ipynb"))
CALL = re.compile(r'^check\("(\d+\.\d+)", (\w+)\)$', re.MULTILINE)


def exercises():
    """Yield (number, stub, solution, names the notebook imports) of every exercise."""
    for path in NOTEBOOKS:
        cells = nbformat.read(path, as_version=4).cells
        code = [cell.source for cell in cells if cell.cell_type == "code"]
        imports = "\n".join(
            line for source in code for line in source.splitlines() if line.startswith(IMPORTS)
        )
        for index, cell in enumerate(cells):
            if cell.cell_type == "code" and (call := CALL.search(cell.source)):
                stub = cells[index - 1].source
                solution = re.search(r"```python\n(.*?)```", cells[index + 1].source, re.DOTALL)
                yield pytest.param(imports, stub, solution[1], *call.groups(), id=call[1])


IMPORTS = ("import numpy", "from scipy", "import pandas", "import torch")


@pytest.mark.parametrize(("imports", "stub", "solution", "number", "name"), list(exercises()))
def test_the_solution_passes_and_the_stub_does_not(capsys, imports, stub, solution, number, name):
    for source, verdict in ((stub, "not yet"), (solution, "correct")):
        space = {}
        exec(imports + "\n" + source, space)
        check(number, space[name])
        assert f"Exercise {number}: {verdict}." in capsys.readouterr().out


def test_every_check_belongs_to_an_exercise():
    assert sorted(all_checks()) == sorted(param.id for param in exercises())


def test_a_wrong_answer_is_explained(capsys):
    check("1.3", lambda labels: 1.0)
    assert capsys.readouterr().out == (
        "Exercise 1.3: not yet. For labels 0, 1, 1, 1 the result should be 0.75, yours is 1.0.\n"
    )


def test_a_wrong_shape_is_explained(capsys):
    check("1.1", lambda masks: 3.0)
    assert "the shape should be (3,), yours is ()" in capsys.readouterr().out


def test_an_error_in_the_answer_is_shown_in_a_line(capsys):
    check("1.1", lambda: None)
    out = capsys.readouterr().out
    assert out.startswith("Exercise 1.1: not yet. Your function raised TypeError(")
    assert out.count("\n") == 1


def test_an_unknown_exercise_is_named():
    with pytest.raises(ValueError, match=r"no exercise 1\.11"):
        check("1.11", print)
