"""GitHub's workflows: valid by GitHub's own schema, and their commands exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def steps(path):
    for job in yaml.safe_load(path.read_text("utf-8"))["jobs"].values():
        yield from job["steps"]


def validate(*paths):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    return subprocess.run(
        [*command, "vendor.github-workflows", *map(str, paths)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_workflows_are_valid(tmp_path):
    assert WORKFLOWS
    done = validate(*WORKFLOWS)
    assert done.returncode == 0, done.stdout
    broken = tmp_path / "broken.yml"
    broken.write_text(WORKFLOWS[0].read_text("utf-8").replace("runs-on", "runs-at"), "utf-8")
    assert validate(broken).returncode != 0, "the schema does look"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_make_command_is_a_target(path):
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"(?m)^([a-z-]+):", makefile))
    asked = re.findall(r"make ([\w-]+)", " ".join(step.get("run", "") for step in steps(path)))
    assert asked
    assert set(asked) <= targets


def test_the_book_is_tested_published_and_looked_after_weekly():
    texts = {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in WORKFLOWS}
    # YAML 1.1 reads the key `on` as true.
    assert "push" in texts["book"][True]
    assert "schedule" in texts["weekly"][True]
    assert texts["book"]["jobs"]["publish"]["needs"] == "test", "never publish what fails"
    actions = [s["uses"] for path in WORKFLOWS for s in steps(path) if "uses" in s]
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", action) for action in actions)
    assert any("deploy-pages" in action for action in actions)


def test_the_newest_packages_are_not_the_pinned_ones():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    recipe = makefile.split("\nnewest:")[1].split("\n\n")[0]
    assert "--upgrade" in recipe
    assert "requirements.txt" not in recipe
