"""The report in a language: from the records to the PDF."""

from pathlib import Path

from helpers.errors import did_you_mean
from helpers.profiles import Profile
from tools.report.figures import figures
from tools.report.gather import Gathered, gather
from tools.report.page import page
from tools.report.text_en import ENGLISH
from tools.report.text_zh_tw import CHINESE
from tools.report.typeset import chinese_font, typeset

LANGUAGES = {text.code: text for text in (ENGLISH, CHINESE)}


def check_language(language: str) -> None:
    """Raise ValueError when there is no report in this language."""
    if language not in LANGUAGES:
        raise ValueError(f"LANGUAGE is '{language}'. {did_you_mean(language, LANGUAGES)}")


def write(gathered: Gathered, language: str, path: Path) -> int:
    """Typeset what was gathered, and return the number of pages.

    Raises
    ------
    DataError
        As ``typeset``.
    ValueError
        When there is no such language.
    """
    check_language(language)
    text = LANGUAGES[language]
    drawn = figures(
        gathered.numbers, gathered.category, text, chinese_font() if text is CHINESE else None
    )
    if text is CHINESE:
        # The charts describe themselves in English only.
        drawn = {name: (svg, text.captions[name]) for name, (svg, _) in drawn.items()}
    return typeset(page(gathered.numbers, text), drawn, path)


def report(profile: Profile, language: str, path: Path, allow_stale: bool = False) -> int:
    """Write the report of a profile's latest run, and return the number of pages.

    Parameters
    ----------
    profile
        Whose records are read.
    language
        ``"en"`` or ``"zh-TW"``.
    path
        Of the PDF.
    allow_stale
        Whether records of another revision of the code are let through, with a caveat on the
        first page.

    Raises
    ------
    DataError
        When records are missing, damaged or out of date, or the PDF cannot be made.
    ValueError
        When there is no such language.
    """
    check_language(language)
    return write(gather(profile, allow_stale), language, path)
