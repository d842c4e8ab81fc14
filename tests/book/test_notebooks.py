"""What every committed notebook must be, whatever it teaches."""

import json
import re
from pathlib import Path

import nbformat
import pytest
import yaml

from tools.build_book import pages
from tools.repository import badge, configuration, first_cell

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
TAGS = {"nbval-ignore-output", "hide-input", "hide-output", "remove-input", "raises-exception"}

pytestmark = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path, kind):
    return [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == kind]


def test_it_was_run_top_to_bottom(path):
    # nbval compares nothing in a cell that has no execution count.
    counts = [cell.execution_count for cell in cells(path, "code")]
    assert counts == list(range(1, len(counts) + 1)), "run `make notebooks`"


def test_no_cell_failed_or_warned(path):
    for cell in cells(path, "code"):
        for output in cell.outputs:
            assert output.output_type != "error", cell.source
            assert output.get("name") != "stderr", output.get("text")


def test_outputs_show_no_path_of_a_machine(path):
    outputs = json.dumps([cell.outputs for cell in cells(path, "code")])
    assert not re.search(r"(?<![\w.])/(home|root|tmp|Users|content|usr|opt|var)/", outputs)


def test_it_is_small(path):
    assert path.stat().st_size < 2_000_000


def test_cells_are_short_and_have_known_tags(path):
    for cell in cells(path, "code"):
        assert len(cell.source.splitlines()) <= 25, cell.source
        assert set(cell.metadata.get("tags", [])) <= TAGS


def test_every_picture_has_a_text_alternative(path):
    for cell in cells(path, "code"):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                assert "image/png" not in output.data, "show figures through helpers.plots"
            html = output.get("data", {}).get("text/html", "")
            for tag in re.findall(r"<img[^>]*>", html):
                assert re.search(r'alt="[^"]{40,}"', tag), cell.source


def test_badge_and_first_cell_follow_from_the_configuration(path):
    assert badge(path.name) in cells(path, "markdown")[0].source
    assert cells(path, "code")[0].source == first_cell()


def test_the_table_of_contents_lists_it(path):
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    assert f"notebooks/{path.stem}" in set(pages(contents))


def test_it_has_the_parts_of_a_chapter(path):
    text = "\n".join(cell.source for cell in cells(path, "markdown"))
    for part in (
        "**You will be able to**",
        "**You need**",
        "## Exercises",
        "## Quiz",
        "## What to take along",
    ):
        assert part in text


def section(path, title):
    """Return the text of a section, without its heading."""
    text = "\n\n".join(cell.source for cell in cells(path, "markdown"))
    parts = re.split(r"(?m)^## (.+)$", text)[1:]
    (found,) = (b for a, b in zip(parts[::2], parts[1::2], strict=True) if a == title)
    return found


def folded(text):
    """Return what is folded away, as pairs of summary and rest."""
    found = re.findall(r"(?s)<details><summary>(.*?)</summary>\n\n(.*?)\n\n</details>", text)
    assert len(found) == text.count("<details") == text.count("</details>"), (
        "write <details><summary>…</summary>, an empty line, the text, an empty line, </details>"
    )
    return found


def test_it_has_three_to_six_exercises_each_with_a_hint_and_a_solution(path):
    number = int(path.stem[:2])
    _, *exercises = re.split(r"(?m)^### ", section(path, "Exercises"))
    assert 3 <= len(exercises) <= 6
    for i, exercise in enumerate(exercises, 1):
        assert exercise.startswith(f"{number}.{i} ")
        (hint, advice), (solution, code) = folded(exercise)
        assert (hint, solution) == ("Hint", "Solution"), exercise
        assert advice.strip()
        assert re.fullmatch(r"(?s)```python\ndef .*\n```", code), exercise


def test_its_quiz_explains_every_option(path):
    questions = folded(section(path, "Quiz"))
    assert 3 <= len(questions) <= 5
    for i, (question, explanation) in enumerate(questions, 1):
        assert question.startswith(f"{i}. "), question
        letters = re.findall(r"\((\w)\) ", question)
        assert len(letters) >= 2, question
        assert letters == list("abcdef"[: len(letters)]), question
        right = re.match(r"\*\*\(([a-f])\)\.\*\* \w", explanation)
        assert right, f"begin with the right option, as **(b).**: {explanation}"
        for letter in letters:
            assert f"({letter})" in explanation, f"option {letter} is not explained: {question}"


def test_what_to_take_along_comes_last_and_each_point_links_to_its_section(path):
    titles = re.findall(
        r"(?m)^## (.+)$", "\n".join(cell.source for cell in cells(path, "markdown"))
    )
    assert titles[-3:] == ["Exercises", "Quiz", "What to take along"]
    points = re.findall(r"(?ms)^- (.+?)(?=^- |^$|\Z)", section(path, "What to take along"))
    assert len(points) >= 3
    for point in points:
        assert re.search(r"\]\(#[^)]+\)", point), f"no link to a section of the chapter: {point}"


def test_papers_it_links_are_in_the_bibliography(path):
    bibliography = (ROOT / "book" / "references.bib").read_text(encoding="utf-8").lower()
    text = "\n".join(cell.source for cell in cells(path, "markdown"))
    for doi in re.findall(r"https://doi\.org/([^)\s]+)", text):
        assert doi.lower() in bibliography


def test_the_glossary_has_the_terms_it_links(path):
    glossary = (ROOT / "book" / "glossary.md").read_text(encoding="utf-8")
    anchors = {
        re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"(?m)^## (.+)$", glossary)
    }
    text = "\n".join(cell.source for cell in cells(path, "markdown"))
    assert set(re.findall(r"glossary\.md#([\w-]+)", text)) <= anchors


def anchors(path):
    """Return what the headings of a notebook are linked by."""
    text = "\n".join(cell.source for cell in cells(path, "markdown"))
    titles = re.findall(r"(?m)^#+ (.+)$", text)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def test_its_links_into_chapters_lead_to_headings(path):
    known = {other.name: anchors(other) for other in NOTEBOOKS}
    text = "\n".join(cell.source for cell in cells(path, "markdown"))
    for file, heading in re.findall(r"\]\(([\w.]*)#([^)]+)\)", text):
        assert heading in known.get(file or path.name, {heading}), f"{file}#{heading}"


def test_the_repository_is_named_in_the_configuration_alone(path):
    url = configuration()["repository"]["url"]
    for cell in cells(path, "code")[1:]:
        assert url not in cell.source
