"""How long each notebook takes: what its own last cell measured, as tables for the book.

``tools/build_book.py`` writes them to ``book/generated`` before every build. A notebook that has
measured nothing is named as such.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat

from helpers.files import whole_file
from tools.notebook_files import NOTEBOOKS, notebook_paths

GENERATED = Path(__file__).resolve().parent.parent / "book" / "generated"
WORDS_A_MINUTE = 200
# The chapters of each learning path, by number; one that does not exist yet is left out.
PATHS = {
    "student": (*range(1, 18), *range(19, 23)),
    "engineer": (1, 3, 19, 10, 2, 20, 12, 6, 9, 14, 15),
    "teacher": (1, 2, 4, 6, 7, 10, 14),
}


@dataclass(frozen=True)
class Measured:
    """What a notebook says of itself.

    Attributes
    ----------
    file, title
        Of the notebook.
    seconds
        From its first cell to its last in the committed run; none when it says nothing.
    machine
        Where that was; empty when it does not say.
    words
        Of its text, without code.
    exercises
        How many it has.
    """

    file: str
    title: str
    seconds: int | None
    machine: str
    words: int
    exercises: int

    @property
    def number(self) -> int:
        """Of the chapter."""
        return int(self.file.split("_")[0])

    @property
    def minutes(self) -> int:
        """To read it, at ``WORDS_A_MINUTE``."""
        return max(1, round(self.words / WORDS_A_MINUTE))


def run_time(path: Path) -> tuple[int | None, str]:
    """Return the seconds that a notebook took by its own account, and on what machine."""
    cells = nbformat.read(path, as_version=4).cells
    outputs = [o.get("text", "") for c in cells if c.cell_type == "code" for o in c.outputs]
    found = re.findall(r"This run took (\d+) s(?: \((.*?)\))?", "\n".join(outputs))
    if not found:
        return None, ""
    seconds, machine = found[-1]
    return int(seconds), re.sub(r"\b1 threads", "1 thread", machine)


def measured(path: Path) -> Measured:
    """Read the notebook at ``path``."""
    cells = nbformat.read(path, as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    seconds, machine = run_time(path)
    prose = re.sub(r"(?s)```.*?```|\]\(.*?\)|<[^>]+>", " ", text)
    return Measured(
        file=path.name,
        title=re.search(r"(?m)^# (.+)$", text)[1],
        seconds=seconds,
        machine=machine,
        words=len(prose.split()),
        exercises=len(re.findall(r"(?m)^### \d+\.\d+ ", text)),
    )


def table(chapters: Sequence[Measured]) -> str:
    """Return chapters as a Markdown table with a last line of sums."""
    lines = [
        "| chapter | minutes to read | exercises | seconds to run | measured on |",
        "|---|--:|--:|--:|---|",
    ]
    for one in chapters:
        link = f"[{one.title}](../notebooks/{one.file})"
        seconds = "" if one.seconds is None else one.seconds
        lines.append(f"| {link} | {one.minutes} | {one.exercises} | {seconds} | {one.machine} |")
    sums = [
        sum(one.minutes for one in chapters),
        sum(one.exercises for one in chapters),
        sum(one.seconds or 0 for one in chapters),
    ]
    return "\n".join([*lines, f"| *all* | {sums[0]} | {sums[1]} | {sums[2]} | |", ""])


def write_tables(notebooks: Path = NOTEBOOKS, folder: Path = GENERATED) -> list[Path]:
    """Write the table of the notebooks in a folder, and one for each learning path."""
    chapters = [measured(notebooks / path.name) for path in notebook_paths()]
    by_number = {one.number: one for one in chapters}
    wanted = {"times": chapters} | {
        f"path-{name}": [by_number[n] for n in numbers if n in by_number]
        for name, numbers in PATHS.items()
    }
    written = []
    for name, some in wanted.items():
        path = folder / f"{name}.md"
        with whole_file(path) as work:
            work.write_text(table(some), encoding="utf-8")
        written.append(path)
    return written


if __name__ == "__main__":
    for written_file in write_tables():
        print(written_file.name)
