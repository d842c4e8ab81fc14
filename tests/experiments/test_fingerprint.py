"""Fingerprints of code change with what a definition reaches, and with nothing else."""

import importlib
import itertools
import sys

import pytest

from helpers.detectors.memory.patchcore import PatchCoreDetector
from helpers.detectors.reconstruction.autoencoder import AutoencoderDetector
from helpers.experiments.fingerprint import code_print, reached_names

MAIN = '''"""A module."""

from {p} import tools
from {p}.numbers import STEP, shown

FOLDER = "weights"


def answer(x):
    """Say what is asked."""
    return tools.double(x) + STEP


def other():
    return shown
'''
TOOLS = "def double(x):\n    return helper(x)\n\n\ndef helper(x):\n    return 2 * x\n"
NUMBERS = "STEP = 1\nFACTOR = 3\n\n\ndef shown():\n    return FACTOR\n"

count = itertools.count()


@pytest.fixture
def printed(tmp_path, monkeypatch):
    """Give a function that writes a new package with some text replaced, and prints ``answer``."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(*replaced, names=False, root="answer"):
        # Every package has the same name but for a number that the digest must not see.
        name = f"printed_{next(count):04d}"
        folder = tmp_path / name
        (folder / "weights").mkdir(parents=True)
        (folder / "weights" / "w.bin").write_bytes(b"1")
        (folder / "__init__.py").write_text("")
        texts = {"main": MAIN.format(p=name), "tools": TOOLS, "numbers": NUMBERS}
        for module, old, new in replaced:
            assert old in texts[module]
            texts[module] = texts[module].replace(old, new)
        for module, text in texts.items():
            (folder / f"{module}.py").write_text(text)
        importlib.invalidate_caches()
        function = getattr(importlib.import_module(f"{name}.main"), root)
        if names:
            return [n.removeprefix(f"{name}.") for n in reached_names(function, package=name)]
        return code_print(function, package=name)

    yield make
    for name in [n for n in sys.modules if n.startswith("printed_")]:
        del sys.modules[name]


def test_what_is_reached_is_followed_through_imports_of_both_kinds(printed):
    assert printed(names=True) == ["main.answer", "numbers.STEP", "tools.double", "tools.helper"]


@pytest.mark.parametrize(
    "replaced",
    [
        ("main", "double(x) + STEP", "double(x) - STEP"),
        ("tools", "2 * x", "3 * x"),
        ("numbers", "STEP = 1", "STEP = 1.0"),
        ("main", "def answer(x)", "def answer(x, y=0)"),
    ],
)
def test_a_change_of_what_is_reached_shows(printed, replaced):
    assert printed() != printed(replaced)


@pytest.mark.parametrize(
    "replaced",
    [
        ("main", '"""Say what is asked."""', '"""Say it."""'),
        ("main", "    return tools", "    # A comment.\n\n    return tools"),
        ("tools", "2 * x", "(2*x)"),
        ("numbers", "FACTOR = 3", "FACTOR = 4"),
        ("main", "return shown", "return None"),
        ("tools", "def double", "def unused():\n    return 7\n\n\ndef double"),
    ],
)
def test_comments_docstrings_layout_and_unrelated_code_do_not(printed, replaced):
    assert printed() == printed(replaced)


def test_the_files_of_a_folder_that_is_mentioned_count(printed, tmp_path):
    reach = ("main", "+ STEP", "+ len(FOLDER)")
    before = printed(reach)
    assert before == printed(reach)
    last = max(tmp_path.glob("printed_*"))
    (last / "weights" / "w.bin").write_bytes(b"2")
    from helpers.experiments import fingerprint

    fingerprint._digest.cache_clear()
    function = sys.modules[f"{last.name}.main"].answer
    assert code_print(function, package=last.name) != before


def test_detectors_reach_their_training_and_their_weights():
    names = reached_names(AutoencoderDetector)
    assert "helpers.detectors.reconstruction.autoencoder.AutoencoderDetector" in names
    assert "helpers.networks.training.train" in names
    assert not any(name.startswith(("torch", "helpers.plots.charts")) for name in names)
    assert "helpers.networks.weights.FORMULA_FOLDER" in reached_names(PatchCoreDetector)
    assert code_print(AutoencoderDetector) != code_print(PatchCoreDetector)
    assert code_print(AutoencoderDetector) == code_print(AutoencoderDetector)


def test_what_has_no_source_is_refused():
    with pytest.raises(ValueError, match="no source file"):
        code_print(len)
    local = type("Local", (), {"__module__": "__main__"})
    with pytest.raises(ValueError, match="no source file"):
        code_print(local)
