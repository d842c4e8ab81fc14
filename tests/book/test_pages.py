"""The chapters and the pages around them: what they link and name is there."""

import re

import pytest

from tests.prose import ROOT, anchor, markdown, reading_order, without_code

PAGES = [
    *reading_order(),
    *sorted((ROOT / "book").glob("*.md")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
]
each_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)


def headings(path):
    return {anchor(title) for title in re.findall(r"(?m)^#+ (.+)$", markdown(path))}


@each_page
def test_its_links_lead_to_files_and_headings(path):
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", without_code(markdown(path))):
        file, _, heading = target.partition("#")
        other = (path.parent / file).resolve() if file else path
        assert other.exists(), target
        assert not heading or heading in headings(other), target


@each_page
def test_the_files_it_names_exist(path):
    named = re.findall(r"`((?:helpers|tools|tests|book|benchmarks)/[\w/.-]+)`", markdown(path))
    # Words in capitals stand for any name.
    real = [name for name in named if not any(part.isupper() for part in name.split("/"))]
    assert not [name for name in real if not (ROOT / name).exists()]


@each_page
def test_the_modules_it_names_exist(path):
    text = markdown(path)
    for name in re.findall(r"(?:-m |from |import |`)((?:helpers|tools)(?:\.\w+)+)", text):
        assert find_module(name) or find_module(name.rpartition(".")[0], name.split(".")[-1]), name


def find_module(name, defines=""):
    """Say whether there is such a module or package, and whether it mentions a name."""
    folder = ROOT.joinpath(*name.split("."))
    files = [file for file in (folder.with_suffix(".py"), folder / "__init__.py") if file.exists()]
    return any(re.search(rf"\b{defines}\b", file.read_text("utf-8")) for file in files)


def test_the_front_page_names_the_chapters_as_they_are_called():
    index = markdown(ROOT / "book" / "index.md")
    for title, file in re.findall(r"(?m)^\| \[(\d+ · [^]]+)\]\(\.\./(notebooks/\w+\.ipynb)", index):
        assert markdown(ROOT / file).startswith(f"# {title}\n"), title
