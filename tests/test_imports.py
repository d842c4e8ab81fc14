"""Imports go one way: a module uses its own package and those of lower layers, nothing else."""

import ast
from pathlib import Path

import pytest

HELPERS = Path(__file__).parents[1] / "helpers"
LAYERS = (
    {"errors"},
    {"paths"},
    {"deadline", "files", "machine", "plain", "profiles", "colab", "augmentation", "exercises"},
    {"networks", "hazelnuts"},
    {"data", "formulas"},
    {"metrics"},
    {"annotations", "long_tail"},
    {"segmentation"},
    {"detection", "detectors"},
    {"experiments", "export", "inspection", "plots"},
)
FAMILIES = ("reconstruction", "self_supervision", "memory", "density")
MODULES = sorted(HELPERS.rglob("*.py"))


def imported(path):
    """Return the modules of ``helpers`` that a file imports, wherever in it the import stands."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return [tuple(name.split(".")[1:]) for name in found if name.split(".")[0] == "helpers"]


def layer(package):
    (number,) = [number for number, packages in enumerate(LAYERS) if package in packages]
    return number


def package_of(path):
    return path.relative_to(HELPERS).with_suffix("").parts[0]


def test_every_package_has_a_layer():
    assert {package_of(path) for path in MODULES} - {"__init__"} == set().union(*LAYERS)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(HELPERS)))
def test_imports_go_one_way(path):
    mine = package_of(path)
    for parts in imported(path):
        if parts[0] != mine:
            assert layer(parts[0]) < layer(mine), f"{mine} must not import {'.'.join(parts)}"


def test_families_of_detectors_do_not_import_one_another():
    for family in FAMILIES:
        for path in (HELPERS / "detectors" / family).glob("*.py"):
            others = [p[1] for p in imported(path) if p[0] == "detectors" and p[1] in FAMILIES]
            assert set(others) <= {family}, f"{path.name} imports from {others}"


def test_modules_of_a_package_import_in_no_circle():
    graph = {}
    for path in MODULES:
        name = path.relative_to(HELPERS).with_suffix("").parts
        graph[name] = {
            parts[:end]
            for parts in imported(path)
            for end in range(1, len(parts) + 1)
            if (HELPERS.joinpath(*parts[:end]).with_suffix(".py")).is_file()
        }
    waiting = dict(graph)
    while free := [name for name, uses in waiting.items() if not uses & set(waiting)]:
        for name in free:
            del waiting[name]
    assert not waiting, f"these import one another: {sorted('.'.join(n) for n in waiting)}"


def taken_with(*names):
    """Return all modules that importing some brings, theirs too: what stands at a module's edge."""
    found, waiting = set(), list(names)
    while waiting:
        parts = waiting.pop().split(".")
        for end in range(1, len(parts) + 1):
            name = ".".join(parts[:end])
            if name in found:
                continue
            module = HELPERS.parent.joinpath(*parts[:end])
            files = [module.with_name(f"{module.name}.py"), module / "__init__.py"]
            found |= {name} if end == 1 or any(file.is_file() for file in files) else set()
            for file in filter(Path.is_file, files):
                for node in ast.parse(file.read_text("utf-8")).body:
                    if isinstance(node, ast.Import):
                        waiting += [alias.name for alias in node.names]
                    elif isinstance(node, ast.ImportFrom):
                        waiting += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def test_what_every_chapter_imports_does_not_take_seconds():
    slow = {"torchvision", "jsonschema", "onnx", "timm", "transformers"}
    every = taken_with("helpers.data", "helpers.metrics", "helpers.plots", "helpers.exercises")
    assert {"helpers.plots.detection", "torch", "numpy"} <= every
    assert not slow & every, "import it where it is used"
    assert {"helpers.networks.weights", "torchvision"} <= taken_with("helpers.networks.backbone")
