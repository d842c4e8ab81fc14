"""Notebooks that take long are begun first."""

from types import SimpleNamespace

import nbformat

from tests.longest_first import pytest_collection_modifyitems


def notebook(folder, name, said):
    path = folder / name
    output = nbformat.v4.new_output("stream", text=said)
    nbformat.write(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=[output])]), path
    )
    return path


def test_the_longest_is_first_and_cells_stay_in_order(tmp_path):
    short = notebook(tmp_path, "1.ipynb", "This run took 6 s.")
    unknown = notebook(tmp_path, "2.ipynb", "")
    long = notebook(tmp_path, "3.ipynb", "This run took 118 s (x86_64 cpu, 1 threads).")
    also_short = notebook(tmp_path, "4.ipynb", "This run took 6 s.")
    paths = (short, unknown, long, also_short)
    items = [SimpleNamespace(path=path, cell=cell) for path in paths for cell in range(3)]
    pytest_collection_modifyitems(items)
    assert [item.path for item in items[::3]] == [long, unknown, short, also_short]
    assert [item.cell for item in items] == [0, 1, 2] * 4
