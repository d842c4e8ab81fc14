"""What a Colab reader runs of the notebooks, and with which packages."""

import tomllib
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement

from tools.as_on_colab import SETTING_UP, VERSIONS, WHOLE, as_on_colab
from tools.notebook_files import notebook_paths

ROOT = Path(__file__).parents[2]


def test_every_chapter_is_set_up_from_the_checkout_in_place_of_a_clone():
    for path in notebook_paths():
        notebook = nbformat.read(path, as_version=4)
        first = as_on_colab(notebook, SETTING_UP, ROOT)
        pretended, colab, imports = (cell.source for cell in first.cells)
        assert "google.colab" in pretended
        assert f"folder = {str(ROOT)!r}" in colab
        assert "/content" not in colab
        assert "install_missing()" in colab
        assert "import " in imports, path.name
        whole = as_on_colab(notebook, None, ROOT)
        code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
        assert [cell.source for cell in whole.cells[2:]] == code[1:], "the rest is the reader's"
    numbers = {int(path.stem.split("_")[0]) for path in notebook_paths()}
    assert set(WHOLE) <= numbers


def test_a_notebook_that_does_not_begin_with_colabs_cell_is_refused():
    other = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("import helpers")])
    with pytest.raises(ValueError, match="does not fetch the helpers"):
        as_on_colab(other)


def test_colabs_versions_are_exact_and_new_enough_for_the_book():
    lines = [line for line in VERSIONS.read_text("utf-8").splitlines() if line[:1] not in ("", "#")]
    there = {}
    for requirement in map(Requirement, lines):
        (pin,) = requirement.specifier
        assert pin.operator == "==", requirement
        there[requirement.name] = pin.version
    assert {"torch", "torchvision", "numpy", "scikit-learn", "ipython", "ipykernel"} <= set(there)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for needed in map(Requirement, project["dependencies"]):
        if needed.name in there:
            assert needed.specifier.contains(there[needed.name]), needed
