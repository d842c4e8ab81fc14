"""Build the static book, warnings as errors, and check that every page is there.

``--execute`` renders fresh outputs: it first runs every notebook that has changed since it was last
run (see ``tools/execution.py``). Without it the committed outputs are rendered.
``--builder linkcheck`` builds nothing and asks every link whether it still leads somewhere.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from tools.execution import NotebookError, executed, kept_folder
from tools.notebook_files import NOTEBOOKS, notebook_paths
from tools.repository import ROOT, configuration
from tools.scale import write_table
from tools.times import write_tables

HTML = ROOT / "_build" / "html"


def pages(node: dict | list) -> Iterator[str]:
    """Yield the pages that a table of contents names."""
    if isinstance(node, list):
        for entry in node:
            yield from pages(entry)
    else:
        yield from (node[key] for key in ("root", "file") if key in node)
        for key in ("parts", "chapters", "sections"):
            yield from pages(node.get(key, []))


def missing_pages() -> list[str]:
    """Return the pages of ``_toc.yml`` that the built book lacks."""
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [page for page in pages(contents) if not (HTML / f"{page}.html").is_file()]


def build(notebooks: Path = NOTEBOOKS, builder: str = "html") -> None:
    """Run Jupyter Book with the notebooks of a folder; exit with its status when it fails."""
    write_tables(notebooks)
    write_table()
    config = configuration()
    config["sphinx"]["config"]["notebooks_folder"] = str(notebooks)
    extensions = config["sphinx"]["local_extensions"]
    # Jupyter Book takes the folders from where the configuration lies.
    config["sphinx"]["local_extensions"] = {k: str(ROOT / v) for k, v in extensions.items()}
    path = ROOT / "_build" / "_config.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    command = ["build", ".", "--config", str(path), "--all", "--builder", builder]
    if builder == "html":  # a link that is slow or moved is a warning, not yet an error
        command += ["-W", "-n", "--keep-going"]
    jupyter_book = Path(sys.executable).with_name("jupyter-book")
    status = subprocess.run([jupyter_book, *command], cwd=ROOT, check=False).returncode
    if status:
        sys.exit(status)


def main() -> None:
    """Build as asked on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--execute", action="store_true", help="run the notebooks first")
    parser.add_argument("--builder", default="html", choices=("html", "linkcheck"))
    chosen = parser.parse_args()
    notebooks = NOTEBOOKS
    if chosen.execute:
        notebooks = kept_folder()
        try:
            list(executed(notebook_paths()))
        except NotebookError as error:
            sys.exit(str(error))
    build(notebooks, chosen.builder)
    if chosen.builder != "html":
        return
    if missing := missing_pages():
        sys.exit("The book lacks pages of its table of contents: " + ", ".join(missing))
    print(f"\nThe book is built. Open {(HTML / 'index.html').as_uri()}")


if __name__ == "__main__":
    main()
