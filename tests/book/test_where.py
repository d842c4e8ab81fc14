"""The table "Where is …?" in CONTRIBUTING: what it names is there."""

import ast
import re

import pytest

from tests.prose import ROOT, markdown

SECTION = markdown(ROOT / "CONTRIBUTING.md").split("## Where is …?\n")[1].split("\n## ")[0]
ROWS = re.findall(r"(?m)^\| (.+?) \| `(.+?)` \| (.+?) \|$", SECTION)


def defined(path):
    """Return the names that a module defines."""
    names = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def test_it_answers_twenty_questions_and_more():
    assert len({question for question, _, _ in ROWS}) >= 20


@pytest.mark.parametrize(("question", "path", "names"), ROWS, ids=[row[0] for row in ROWS])
def test_the_module_defines_what_is_looked_for(question, path, names):
    assert set(re.findall(r"`(\w+)`", names)) <= defined(ROOT / path)
