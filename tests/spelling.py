"""British spelling, checked with the word lists of two packages and one of the book's own."""

import re
from functools import cache
from importlib import resources
from pathlib import Path

from spellchecker import SpellChecker

OWN_WORDS = Path(__file__).parent / "words.txt"
BIBLIOGRAPHY = Path(__file__).parent.parent / "book" / "references.bib"


def _pairs(file: str) -> dict[str, str]:
    text = (resources.files("codespell_lib") / "data" / file).read_text(encoding="utf-8")
    return dict(line.lower().split("->", 1) for line in text.splitlines() if "->" in line)


@cache
def own_words() -> frozenset[str]:
    """Return what no general list has: tests/words.txt, and the authors in the bibliography."""
    lines = OWN_WORDS.read_text(encoding="utf-8").splitlines()
    authors = re.findall(r"(?m)^ *author *= *(.*)", BIBLIOGRAPHY.read_text(encoding="utf-8"))
    names = re.findall(r"[^\W\d_]+", " ".join(authors))
    return frozenset(word.lower() for word in (*lines, *names) if not word.startswith("#"))


@cache
def misspelled() -> dict[str, str]:
    """Return common misspellings, each with what is meant."""
    return _pairs("dictionary.txt")


@cache
def american() -> dict[str, str]:
    """Return how a Briton writes what an American writes otherwise."""
    british = _pairs("dictionary_en-GB_to_en-US.txt")
    return {there: here for here, there in british.items() if there not in british}


@cache
def _lists() -> tuple[SpellChecker, frozenset[str]]:
    return SpellChecker(language="en"), frozenset(_pairs("dictionary_en-GB_to_en-US.txt"))


def _known(word: str) -> bool:
    general, british = _lists()
    return word in british or bool(general.known([word]))


def mistake(word: str) -> str | None:
    """Return what is wrong with a word, or None.

    A word of several parts joined by hyphens is right when each part is.
    """
    word = word.replace("’", "'").lower().removesuffix("'s").strip("'")
    if word in own_words() or word.removesuffix("s") in own_words():
        return None
    if word in misspelled():
        return f"{word}: {misspelled()[word]}?"
    if word in american():
        return f"{word}: British spelling is {american()[word]}"
    if "-" in word:
        wrong = [told for part in word.split("-") if (told := mistake(part))]
        return "; ".join(wrong) or None
    if len(word) > 1 and not _known(word):
        return f"{word}: in no word list"
    return None
