"""The words of the book's pages, without what is not prose: code, formulas, tags, addresses."""

import json
import re
from functools import cache
from pathlib import Path

import yaml

from tools.build_book import pages

ROOT = Path(__file__).parent.parent


def reading_order() -> list[Path]:
    """Return the chapters in the order of the table of contents."""
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    listed = [ROOT / f"{page}.ipynb" for page in pages(contents)]
    return [path for path in listed if path.is_file()]


@cache
def markdown(path: Path) -> str:
    """Return the text of a page: of a notebook, that of its markdown cells."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    return "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")


def without_code(text: str) -> str:
    """Drop code and formulas; keep links, emphasis and headings as they are written."""
    text = re.sub(r"(?ms)^ *```.*?^ *```", "", text)
    text = re.sub(r"(?s)\$\$.*?\$\$|\$[^$\n]+\$", "", text)
    return re.sub(r"`[^`\n]+`", "`code`", text)


def prose(text: str) -> str:
    """Return what is read as text: without code, tags, pictures, addresses and marks."""
    text = without_code(text).replace("`code`", "")
    text = re.sub(r"<!--.*?-->|<[^>\n]+>", " ", text, flags=re.DOTALL)
    text = re.sub(r"\[!\[[^]]*\]\([^)]*\)\]\([^)]*\)", "", text)  # a badge
    text = re.sub(r"!\[([^]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"\[([^]]*)\]\((?:[^()]|\([^)]*\))*\)", r"\1", text)
    text = re.sub(r"https?://\S+", "", text)
    return re.sub(r"[*_#>|]", " ", text)


def words(text: str) -> list[str]:
    """Return the words of a text: Latin letters, with apostrophes and hyphens inside them."""
    return re.findall(r"[A-Za-zÀ-ÖØ-öø-ɏ]+(?:[’'-][A-Za-zÀ-ÖØ-öø-ɏ]+)*", text)


def without_headings(text: str) -> str:
    """Drop the lines of headings: a heading announces a term, what follows explains it."""
    return re.sub(r"(?m)^#+ .*$", "", text)


def anchor(title: str) -> str:
    """Return what a heading is linked by."""
    return re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")


def first_use(text: str, names: tuple[str, ...]) -> re.Match | None:
    """Find the first of some names, or its plural, as words of their own."""
    either = "|".join(re.escape(name).replace(r"\ ", r"\s+") for name in names)
    return re.search(rf"(?i)(?<![\w-])(?:{either})(?:e?s)?(?![\w-])", text)


def used_before_explained(text: str, title: str, names: tuple[str, ...]) -> str | None:
    """Return a term's first use, with its surroundings, unless the text explains it by then.

    It is explained by a link to its entry in the glossary, at the first use or before it, or by
    being set in italics or bold there, which the book does where a sentence defines a term.
    """
    text = without_headings(without_code(text))
    target = rf"\[[^]]*\]\((?:\.\./book/)?glossary\.md#{re.escape(anchor(title))}\)"
    link = re.search(target, text)
    # Blanks in place of addresses leave all positions as they are.
    plain = re.sub(r"\]\([^)\s]*\)", lambda m: " " * len(m.group()), text)
    use = first_use(plain, names)
    if use is None or (link and link.start() <= use.start()):
        return None
    for emphasis in re.finditer(r"(\*\*?)(?=[^*\s])([^*]+?)\1", plain):
        if emphasis.start() <= use.start() and use.end() <= emphasis.end():
            return None
    return " ".join(text[max(0, use.start() - 60) : use.end() + 60].split())
