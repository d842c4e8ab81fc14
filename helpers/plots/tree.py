"""A tree of questions, from the first at the left to what they lead to at the right."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from helpers.plots.picture import METHOD_COLOURS, Picture, method_colour
from helpers.plots.style import GREY, chart, check_lengths

ROW = 0.34  # inches
GAP = 0.07  # of a column or a row
LEAF = 2.1  # columns wide
PALE = "#f2f2f2"

Path = Sequence[tuple[str, str]]


def answer_tree(paths: Sequence[Path], leaves: Sequence[str], label: str) -> Picture:
    """Draw each way through the questions as a row of boxes; ways that share answers share boxes.

    Parameters
    ----------
    paths
        For each leaf the pairs of a question and its answer, from the root; leaves that share
        answers stand together.
    leaves
        What each way leads to, a method's name or other words; empty for nothing.
    label
        What the leaves are.

    Raises
    ------
    ValueError
        When paths and leaves differ in number, or there is none.
    """
    check_lengths(paths=paths, leaves=leaves)
    questions = list(dict.fromkeys(question for path in paths for question, _ in path))
    with chart(ROW * len(paths) + 0.75, 7.0) as (figure, axis):
        for column, question in enumerate(questions):
            axis.text(column + 0.5, -0.25, question.replace(" ", "\n", 1), ha="center", va="bottom",
                      size=9, weight="bold")  # fmt: skip
        right = len(questions)
        axis.text(right + LEAF / 2, -0.25, label, ha="center", va="bottom", size=9, weight="bold")
        for column, first, last, answer in _boxes(paths, questions):
            _box(axis, column, 1, first, last, answer)
        for row, (path, leaf) in enumerate(zip(paths, leaves, strict=True)):
            reached = questions.index(path[-1][0]) + 1
            axis.plot([reached, right], [row + 0.5] * 2, color=GREY, lw=0.8, ls=":")
            _leaf(axis, right, row, leaf)
        axis.set(xlim=(0, right + LEAF), ylim=(len(paths), -1.2))
        axis.axis("off")
    ways = (
        ", ".join(f"{question}: {answer}" for question, answer in path) + f" → {leaf or 'none'}"
        for path, leaf in zip(paths, leaves, strict=True)
    )
    return Picture(
        figure, f"A tree of questions and what their answers lead to. {'; '.join(ways)}."
    )


def letter_of(place: int) -> str:
    """Return the letter that a leaf goes by: A for the first."""
    return chr(ord("A") + place)


def _boxes(paths: Sequence[Path], questions: list[str]) -> Iterator[tuple[int, int, int, str]]:
    """Yield the column, the first and the last row, and the answer of each box."""
    for depth in range(max(map(len, paths))):
        for prefix, rows in groupby(
            range(len(paths)), key=lambda row: tuple(paths[row][: depth + 1])
        ):
            rows = list(rows)
            if len(prefix) > depth:
                question, answer = prefix[depth]
                yield questions.index(question), rows[0], rows[-1], answer


def _box(axis: Axes, left: float, width: float, first: int, last: int, text: str) -> None:
    axis.add_patch(
        Rectangle(
            (left + GAP / 2, first + GAP), width - GAP, last - first + 1 - 2 * GAP,
            facecolor=PALE, edgecolor=GREY, lw=0.7,
        )
    )  # fmt: skip
    words = text.split(", ")
    axis.text(left + width / 2, (first + last + 1) / 2, ",\n".join(words), ha="center",
              va="center", size=8.5)  # fmt: skip


def _leaf(axis: Axes, left: float, row: int, text: str) -> None:
    known = text in METHOD_COLOURS
    if text:
        colour = method_colour(text) if known else GREY
        axis.add_patch(Rectangle((left + 0.38, row + 0.2), 0.16, 0.6, facecolor=colour, lw=0))
    axis.text(
        left + 0.22, row + 0.5, letter_of(row), ha="center", va="center", size=9, weight="bold"
    )
    axis.text(left + 0.62, row + 0.5, text or "no evidence", va="center", size=8.5,
              style="normal" if text else "italic")  # fmt: skip
