"""What follows from the one place that names the repository, ``_config.yml``."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent

BADGE = (
    "[![Open in Colab](../book/_static/open-in-colab.svg)]"
    "({colab}/github/{name}/blob/{branch}/notebooks/{file})"
)

FIRST_CELL = """\
# On Colab only: fetch the helpers, and install what Colab does not have.
import sys
from importlib.util import find_spec

url = "{url}"
if "google.colab" in sys.modules:
    folder = "/content/{folder}"
    ![ -d $folder ] || git clone -q --depth 1 -b {branch} $url $folder
    sys.path.insert(0, folder)
if not find_spec("helpers"):
    hint = f"The book's helpers are not here. Open this from a clone of {{url}}, by `make lab`."
    raise ModuleNotFoundError(hint)
if "google.colab" in sys.modules:
    from helpers.colab import install_missing

    install_missing()"""


def configuration() -> dict:
    """Return ``_config.yml`` as a dictionary."""
    return yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))


def first_cell() -> str:
    """Return the source of every notebook's first code cell."""
    repository = configuration()["repository"]
    folder = repository["url"].rstrip("/").rsplit("/", 1)[-1]
    return FIRST_CELL.format(folder=folder, branch=repository["branch"], url=repository["url"])


def badge(file: str) -> str:
    """Return the Open-in-Colab badge of the notebook called ``file``."""
    config = configuration()
    return BADGE.format(
        colab=config["launch_buttons"]["colab_url"],
        name="/".join(config["repository"]["url"].rstrip("/").rsplit("/", 2)[-2:]),
        branch=config["repository"]["branch"],
        file=file,
    )


def with_badge(markdown: str, file: str) -> str:
    """Return a notebook's opening text with its badge brought up to date."""
    return re.sub(r"\[!\[Open in Colab\].*", lambda _: badge(file), markdown)
