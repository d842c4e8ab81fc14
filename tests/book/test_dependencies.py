"""One list of dependencies: the pinned file and the conda file follow from pyproject.toml."""

import re
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


def listed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    return [
        Requirement(text)
        for text in project["project"]["dependencies"] + [t for g in groups.values() for t in g]
    ]


def pinned():
    """Return the pinned versions of each package; more than one where it depends on Python."""
    versions = {}
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        requirement = Requirement(line)
        (pin,) = requirement.specifier
        assert pin.operator == "==", line
        versions.setdefault(requirement.name, []).append(pin.version)
    return versions


def test_every_dependency_is_pinned_to_a_version_it_allows():
    pins = pinned()
    for requirement in listed():
        assert requirement.name in pins, "run `make lock`"
        for version in pins[requirement.name]:
            assert requirement.specifier.contains(version), f"{requirement} but pinned {version}"


def test_jupyter_book_stays_below_version_2():
    # Version 2 is another program, which knows neither _config.yml nor _toc.yml.
    (requirement,) = (r for r in listed() if r.name == "jupyter-book")
    assert not requirement.specifier.contains("2.0.0")
    assert requirement.specifier.contains(pinned()["jupyter-book"][0])


def test_the_pinned_file_names_no_index():
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert "://" not in text
    assert "index" not in text.lower()


def test_conda_installs_the_very_pins():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python, pip, packages = environment["dependencies"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert python == "python" + project["requires-python"]
    assert pip == "pip"
    assert packages == {"pip": ["-r requirements.txt", "-e ."]}


def test_helpers_import_only_listed_packages():
    names = {r.name.lower() for r in listed()}
    aliases = {
        "PIL": "pillow",
        "fontTools": "fonttools",
        "sklearn": "scikit-learn",
        "pytorch_msssim": "pytorch-msssim",
        "yaml": "pyyaml",
    }
    import sys

    for path in (ROOT / "helpers").rglob("*.py"):
        for module in re.findall(r"(?m)^(?:from|import) (\w+)", path.read_text(encoding="utf-8")):
            known = module in sys.stdlib_module_names or module == "helpers"
            assert known or aliases.get(module, module).lower() in names, f"{path.name}: {module}"
