"""Print the built book into one PDF, ``_build/one-bad-nut.pdf``, with Chromium.

Each page is printed as it stands, quizzes and solutions opened; then the pages are put together in
reading order, with an outline, and links between them stay links.
"""

import io
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml
from playwright.sync_api import sync_playwright
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, NameObject

from tools.build_book import HTML, pages
from tools.repository import ROOT

TARGET = ROOT / "_build" / "one-bad-nut.pdf"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
MARGIN = {"top": "16mm", "bottom": "18mm", "left": "16mm", "right": "16mm"}
FOOTER = (
    '<div style="font-size:8px;width:100%;text-align:center">'
    'One Bad Nut · <span class="title"></span> · <span class="pageNumber"></span></div>'
)
READY = """async () => {
    document.querySelectorAll('details').forEach((d) => { d.open = true; });
    if (window.MathJax?.startup) await MathJax.startup.promise;
    await Promise.all([...document.images].map((i) => i.decode().catch(() => {})));
}"""


def printed(addresses: Sequence[str], chromium: str) -> list[tuple[str, bytes]]:
    """Print web pages; return each one's title and PDF."""
    done = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(color_scheme="light")
        for address in addresses:
            page.goto(address, wait_until="load")
            page.evaluate(READY)
            title = page.title().split(" — ")[0]
            done.append(
                (
                    title,
                    page.pdf(
                        format="A4",
                        margin=MARGIN,
                        display_header_footer=True,
                        header_template="<span></span>",
                        footer_template=FOOTER,
                        tagged=True,
                    ),
                )
            )
        browser.close()
    return done


def merged(parts: Sequence[tuple[str, bytes]], addresses: Sequence[str]) -> PdfWriter:
    """Put the PDFs together: an outline entry each, links to other parts lead to their first page.

    Raises
    ------
    ValueError
        When there are more parts than addresses, or fewer.
    """
    writer, first = PdfWriter(), {}
    for (title, data), address in zip(parts, addresses, strict=True):
        first[address] = len(writer.pages)
        writer.append(io.BytesIO(data), outline_item=title, import_outline=False)
    for page in writer.pages:
        for reference in page.get("/Annots") or []:
            link = reference.get_object()
            address = str(link.get("/A", {}).get("/URI", "")).split("#")[0]
            if address in first:
                target = writer.pages[first[address]].indirect_reference
                link[NameObject("/Dest")] = ArrayObject([target, NameObject("/Fit")])
                del link["/A"]
    return writer


def main() -> None:
    """Run ``make pdf``."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        sys.exit("There is no Chromium. Install it, or name one: CHROMIUM=/path make pdf")
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    addresses = [(HTML / f"{name}.html").as_uri() for name in pages(contents)]
    writer = merged(printed(addresses, chromium), addresses)
    writer.add_metadata({"/Title": "One Bad Nut", "/Author": "The One Bad Nut authors"})
    writer.compress_identical_objects()
    writer.write(TARGET)
    size = TARGET.stat().st_size / 1e6
    count = len(PdfReader(TARGET).pages)
    print(f"{TARGET.relative_to(Path.cwd())}: {count} pages, {size:.1f} MB")


if __name__ == "__main__":
    main()
