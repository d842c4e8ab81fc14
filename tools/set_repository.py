"""Point the book at another repository: ``python -m tools.set_repository URL``.

Without a URL it only brings badges and first cells into line with ``_config.yml``.
"""

import re
import sys

import nbformat

from helpers.files import whole_file
from tools.notebook_files import notebook_paths, write
from tools.repository import ROOT, first_cell, with_badge


def set_url(url: str) -> None:
    """Write ``url`` into ``_config.yml``, whose comments stay."""
    if not re.fullmatch(r"https://[\w.-]+/[\w.-]+/[\w.-]+", url):
        raise SystemExit(f"'{url}' is not like https://github.com/owner/name")
    config = ROOT / "_config.yml"
    text = config.read_text(encoding="utf-8")
    with whole_file(config) as work:
        work.write_text(re.sub(r"(?m)^(repository:\n  url: ).*$", rf"\g<1>{url}", text), "utf-8")


def align_notebooks() -> None:
    """Give every notebook the badge and the first code cell that ``_config.yml`` asks for."""
    for path in notebook_paths():
        notebook = nbformat.read(path, as_version=4)
        notebook.cells[0].source = with_badge(notebook.cells[0].source, path.name)
        next(c for c in notebook.cells if c.cell_type == "code").source = first_cell()
        write(notebook, path)
        print(f"{path.name}: badge and first cell set")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        set_url(sys.argv[1].rstrip("/"))
    align_notebooks()
