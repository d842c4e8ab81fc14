"""From a page of text and its figures to a PDF, by typst."""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from fontTools.ttLib import TTFont

from helpers.errors import DataError
from helpers.files import whole_file
from tools.report.answers import Page

HERE = Path(__file__).parent
TEMPLATE = HERE / "report.typ"
MOST_PAGES = 3
# A part of Noto Sans CJK TC, under the SIL Open Font License: see fonts/README.md.
CHINESE_FONT = HERE / "fonts" / "report-tc.otf"
LATIN_FAMILIES = ("Libertinus Serif",)  # typst brings it along
# For each answer: how wide its figure is, and whether it stands beside the table.
LAYOUT = (("86%", False), ("72%", False), ("64%", False), ("68%", False), ("100%", True))


def chinese_font() -> Path:
    """Return the font file for Chinese: the book's own, or the one that ``REPORT_FONT`` names.

    Raises
    ------
    DataError
        When the named file is not there.
    """
    path = Path(os.environ.get("REPORT_FONT") or CHINESE_FONT).expanduser()
    if not path.is_file():
        raise DataError(
            f"REPORT_FONT names {path}, where there is no file. Name a font file with Traditional "
            "Chinese, such as NotoSansTC-Regular.otf, or unset it to use the book's own."
        )
    return path


def check_characters(text: str, font: Path) -> None:
    """Check that a font can write a text.

    Raises
    ------
    DataError
        When characters are missing; the message shows them and the remedy.
    """
    with TTFont(font, fontNumber=0, lazy=True) as opened:
        known = opened.getBestCmap()
    missing = sorted({letter for letter in text if letter > " " and ord(letter) not in known})
    if missing:
        raise DataError(
            f"The font {font.name} lacks {''.join(missing)}. Name another with REPORT_FONT=FILE, "
            "such as a NotoSansTC-Regular.otf, or make the book's font anew: "
            "python -m tools.subset_font FILE."
        )


def typeset(page: Page, figures: Mapping[str, tuple[bytes, str]], path: Path) -> int:
    """Write the PDF, whole or not at all, and return its number of pages.

    Parameters
    ----------
    page
        All text.
    figures
        For each answer's figure, its SVG and its text alternative.
    path
        Of the PDF.

    Raises
    ------
    DataError
        When typst is not installed, a character cannot be written, the report is longer than three
        pages, or the file cannot be written.
    """
    typst = _typst()
    chinese = chinese_font() if page.language.startswith("zh") else None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(TEMPLATE, folder / TEMPLATE.name)
        fonts = folder / "fonts"
        fonts.mkdir()
        families = LATIN_FAMILIES
        if chinese:
            shutil.copy(chinese, fonts)
            families = (_family(chinese),)
        content = _content(page, figures, families)
        text = json.dumps(content, ensure_ascii=False)
        if chinese:
            check_characters(re.sub(r"\\n", " ", text), chinese)
        (folder / "report.json").write_text(text, "utf-8")
        for figure, (svg, _) in figures.items():
            (folder / f"{figure}.svg").write_bytes(svg)
        compiler = typst.Compiler(
            folder / TEMPLATE.name, root=folder, font_paths=[fonts], ignore_system_fonts=True
        )
        pages = int(json.loads(compiler.query("<pages>", field="value", one=True)))
        pdf = compiler.compile(format="pdf")
    if pages > MOST_PAGES:
        raise DataError(
            f"The report has {pages} pages, and {MOST_PAGES} are allowed. Shorten the summaries."
        )
    with whole_file(path) as work:
        work.write_bytes(pdf)
    return pages


def _typst() -> object:
    try:
        import typst
    except ImportError as error:
        raise DataError(
            "The report is typeset by typst, which is not installed: `make report` installs it, "
            "and so does `pip install typst`."
        ) from error
    return typst


def _family(font: Path) -> str:
    with TTFont(font, fontNumber=0, lazy=True) as opened:
        return opened["name"].getBestFamilyName()


def _content(
    page: Page, figures: Mapping[str, tuple[bytes, str]], families: tuple[str, ...]
) -> dict:
    language, _, region = page.language.partition("-")
    answers = [
        {**asdict(answer), "alt": figures[answer.figure][1], "width": width, "beside": beside}
        for answer, (width, beside) in zip(page.answers, LAYOUT, strict=True)
    ]
    return {
        **asdict(page),
        "font": families,
        "lang": language,
        "region": region or None,
        "answers": answers,
    }
