"""Sphinx extension of the book: no page needs a network, and every notebook has its buttons.

It shows the notebooks of the folder ``notebooks_folder``, in which they may have fresh outputs.
It writes the moving pages' data, puts the notebooks' figures into files, copies MathJax from a
Python package next to the pages, leaves out the icons that no page shows, and adds a JupyterLab
button.
"""

import base64
import hashlib
import re
import shutil
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

from tools import explorer_data, inspector_data
from tools.notebook_files import NOTEBOOKS
from tools.repository import ROOT

MADE = ROOT / "_build" / "made"
RECORDS = ROOT / "book" / "records" / "detectors" / "quick"
# Pages that move: their scripts in the order they run, and their style sheets.
MOVING = {
    "book/explorer": (
        (
            "vendor/htm-preact.js",
            "explorer/scores.js",
            "explorer/pictures.js",
            "explorer/maths.js",
            "explorer/parts.js",
            "explorer/threshold.js",
            "explorer/mixing.js",
        ),
        ("explorer/explorer.css",),
    ),
    # What it loads when its reader starts it, weights.js and nuts.js, is not among them.
    "book/inspector": (
        (
            "vendor/htm-preact.js",
            "explorer/parts.js",
            "inspector/wasm.js",
            "inspector/kernels.js",
            "inspector/network.js",
            "inspector/memory.js",
            "inspector/pictures.js",
            "inspector/archive.js",
            "inspector/session.js",
            "inspector/thread.js",
            "inspector/parts.js",
            "inspector/page.js",
        ),
        ("explorer/explorer.css", "inspector/inspector.css"),
    ),
}
MOVING["book/index"] = MOVING["book/inspector"]  # a small one
# The theme loads them on every page, for a search while one types, which is off.
SEARCH_TOOLS = re.compile(
    r'\s*<script src="[./]*(_static/searchtools|_static/language_data|searchindex)\.js"></script>'
)
# A figure as a notebook holds it, and whether a slider keeps it for another moment.
FIGURE = re.compile(r'src="data:image/(?P<kind>\w+);base64,(?P<data>[^"]+)"(?P<hidden> hidden)?')
LAB = "http://localhost:8888/lab/tree"  # where `make lab` answers
# An icon of Font Awesome: name:[width,height,[other names],"code","path" or ["path", …]]
ICON = re.compile(
    r'(?P<name>"[\w-]+"|[\w$]+):'
    r'\[\d+,\d+,\[(?P<aliases>[^\]]*)\],"[0-9a-f]+",(?:"[^"]*"|\[[^\]]*\])\],?'
)


def mathjax_files() -> dict[str, Path]:
    """Return what of MathJax a page may ask for: the program and its fonts, by place.

    Raises
    ------
    ExtensionError
        When the package that brings them has changed.
    """
    package = distribution("sphinx-mathjax-offline")
    root = Path(str(package.locate_file("sphinx-mathjax-offline/static/mathjax")))
    files = [root / "tex-chtml.js", *sorted(root.glob("output/chtml/fonts/woff-v2/*.woff"))]
    if len(files) < 2 or not files[0].is_file():
        raise ExtensionError(f"{package.name} {package.version} has no MathJax in {root.name}.")
    return {path.relative_to(root).as_posix(): path for path in files}


def used_icons(texts: list[str]) -> set[str]:
    """Return the names of all icons, without ``fa-``, that pages or scripts name."""
    return {name for text in texts for name in re.findall(r"\bfa-([\w-]+)", text)}


def trimmed(script: str, used: set[str]) -> str:
    """Return Font Awesome's script without the icons that are not in ``used``.

    Raises
    ------
    ExtensionError
        When no used icon is found in it: then its form has changed.
    """
    kept = 0

    def keep(match: re.Match) -> str:
        nonlocal kept
        names = {match["name"].strip('"'), *re.findall(r'"([\w-]+)"', match["aliases"])}
        if names & used:
            kept += 1
            return match[0]
        return ""

    short = ICON.sub(keep, script)
    if not kept:
        raise ExtensionError("Font Awesome's script has a new form; mend ICON in tools.")
    return short


def with_figure_files(body: str, folder: Path, link: Callable[[str], str]) -> str:
    """Write a page's figures into files; a slider's are loaded when they are first shown.

    Parameters
    ----------
    body
        The page, with figures in base64.
    folder
        Where the files go, each named by its content.
    link
        Makes the address, as seen from the page, of a file by its name.
    """

    def beside(match: re.Match) -> str:
        content = base64.b64decode(match["data"])
        name = f"{hashlib.sha256(content).hexdigest()[:16]}.{match['kind']}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        later = ' loading="lazy" hidden' if match["hidden"] else ""
        return f'src="{link(name)}"{later}'

    return FIGURE.sub(beside, body)


def make_assets(app: Sphinx, config: Config) -> None:
    """Write what the moving pages read, once for each state of the records and the code."""
    config.mathjax_path = "mathjax/tex-chtml.js"
    config.html_context.setdefault("default_mode", "auto")  # light or dark, as the system has it
    config.html_theme_options["navbar_persistent"] = []  # the sidebar has the search field
    sources = [
        *sorted(RECORDS.glob("*/*.json")),
        *sorted((ROOT / "helpers/hazelnuts").glob("*.py")),
    ]
    sources += [Path(module.__file__) for module in (explorer_data, inspector_data)]
    state = "\n".join(f"{path.name} {path.stat().st_mtime_ns}" for path in sources)
    mark = MADE.with_name("made.txt")
    if not mark.is_file() or mark.read_text("utf-8") != state:
        explorer_data.write(MADE / "explorer", RECORDS)
        inspector_data.write(MADE / "inspector")
        mark.write_text(state, "utf-8")
    config.html_static_path.append(str(MADE))


def show_outputs(app: Sphinx, docname: str, source: list[str]) -> None:
    """Take a notebook from the folder whose outputs shall be shown."""
    notebook = Path(app.config.notebooks_folder, f"{Path(docname).name}.ipynb")
    if docname.startswith("notebooks/"):
        source[0] = notebook.read_text("utf-8")


def dress_page(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    """Give the moving pages their scripts, each notebook its JupyterLab button and figures.

    Sphinx gives an entry of the bibliography a role that DPUB-ARIA 1.1 has withdrawn.
    """
    if "body" in context:
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')
        if app.builder.format == "html":
            context["body"] = with_figure_files(
                context["body"],
                Path(app.outdir, "_images"),
                lambda name: context["pathto"](f"_images/{name}", 1),
            )
    # Nothing here starts a kernel, and the theme and Jupyter Book both load what would: an error.
    context["script_files"][:] = [
        file
        for file in context["script_files"]
        if "thebe" not in f"{file.filename}{file.attributes.get('body')}".lower()
    ]
    scripts, styles = MOVING.get(pagename, ((), ()))
    for script in scripts:
        app.add_js_file(script, loading_method="defer")
    for style in styles:
        app.add_css_file(style)
    for button in context.get("header_buttons", []):
        if button.get("label") == "launch-buttons":
            button["buttons"].append(lab_button(pagename))


def lab_button(pagename: str) -> dict[str, str]:
    """Return the button that opens a notebook in the reader's own JupyterLab."""
    return {
        "type": "link",
        "text": "JupyterLab",
        "tooltip": "Open in your JupyterLab (make lab)",
        "icon": "fas fa-flask",
        "url": f"{LAB}/{pagename}.ipynb",
    }


def finish(app: Sphinx, error: Exception | None) -> None:
    """Copy MathJax, and leave out what no page uses: search tools outside of search, icons."""
    if error is not None or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    for name, source in mathjax_files().items():
        target = static / "mathjax" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    for path in Path(app.outdir).rglob("*.html"):
        if path.name != "search.html":
            path.write_text(SEARCH_TOOLS.sub("", path.read_text("utf-8")), "utf-8")
    script = static / "scripts" / "fontawesome.js"
    # The style sheets name every icon there is; pages and scripts name those that are shown.
    naming = [*Path(app.outdir).rglob("*.html"), *static.rglob("*.js")]
    naming.remove(script)
    used = used_icons([path.read_text("utf-8", "replace") for path in naming])
    script.write_text(trimmed(script.read_text("utf-8"), used), "utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_config_value("notebooks_folder", str(NOTEBOOKS), "env")
    app.connect("config-inited", make_assets)
    app.connect("source-read", show_outputs)
    app.connect("html-page-context", dress_page, priority=900)  # after the theme's buttons
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
