"""What an answer of the report consists of, and how long it is."""

import re
from dataclasses import dataclass

POINTS = (10, 30, 20, 20, 20)
WORDS = (150, 150, 150, 100, 150)  # about as many in each answer, the assignment says
CHARACTERS_A_WORD = 1.6  # Chinese characters that say what one English word says
CHINESE = r"[\u3400-\u9fff]"


@dataclass(frozen=True)
class Table:
    """A header and rows, all text; the first column stands left, the others right."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes
    ----------
    heading
        The question, in a few words, with its number and points.
    summary
        The answer in about as many words as the assignment asks for.
    table
        The numbers behind it.
    figure, caption
        Name of its figure, and what stands below it.
    """

    heading: str
    summary: str
    table: Table
    figure: str
    caption: str


@dataclass(frozen=True)
class Page:
    """All that is typeset, in one language.

    Attributes
    ----------
    language
        ``"en"`` or ``"zh-TW"``.
    title, line
        Title of the report and the line below it.
    answers
        The five answers.
    sources_title, sources
        Where the numbers come from, in short paragraphs.
    caveat
        Printed at the top when records were let through that may be out of date; else empty.
    """

    language: str
    title: str
    line: str
    answers: tuple[Answer, ...]
    sources_title: str
    sources: tuple[str, ...]
    caveat: str


def word_count(text: str) -> float:
    """Count words; where the text is Chinese, characters over ``CHARACTERS_A_WORD``.

    Numbers and names in Latin letters count as words in both.

    Examples
    --------
    >>> word_count("The best reaches 0.83, not more.")
    6
    >>> word_count("影像 AUROC 為 0.83")
    3.875
    """
    chinese = len(re.findall(CHINESE, text))
    words = [w for w in re.sub(CHINESE, " ", text).split() if re.search(r"\w", w)]
    return len(words) + chinese / CHARACTERS_A_WORD if chinese else len(words)
