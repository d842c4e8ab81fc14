"""A fitted detector in a file, and back: the same scores in another process, tomorrow, elsewhere.

The file is a zip of a JSON header and arrays (``helpers/networks/archive.py``). The header says
which detector it is, with which settings, and of which version; the arrays are what it has learned.
Public weights that it looks through unchanged are not stored again but named, with their SHA-256.
It is read as data: nothing in it is ever run.

The header also says in which number format the detector was fitted, float32 or bfloat16: a flow's
scores in the one are not to be compared with a threshold of the other. A loaded detector scores in
that format on every machine, slowly where the processor has to imitate it.
"""

import reprlib
import tomllib
import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from helpers.detectors.base import Detector
from helpers.detectors.catalogue import KINDS
from helpers.errors import DataError, did_you_mean
from helpers.machine import PRECISION, PRECISIONS, asked_precision
from helpers.networks.archive import read_archive, write_archive
from helpers.paths import project_root
from helpers.plain import plain, typed

FORMAT = 1  # raised when a file is laid out otherwise
REMEDY = "Save the detector again, or fit it again where it is lost."


def book_version() -> str:
    """Return the book's version, of a clone too that is not installed, such as Colab's."""
    try:
        return version("one-bad-nut")
    except PackageNotFoundError:
        listed = (project_root() / "pyproject.toml").read_text("utf-8")
        return tomllib.loads(listed)["project"]["version"]


def save_detector(detector: Detector, path: str | Path, **more: Any) -> Path:
    """Write a fitted detector to a file, whole or not at all.

    Parameters
    ----------
    detector
        Any of the book's, fitted.
    path
        The file; by habit it ends in ``.zip``.
    more
        What else shall stand in it and come back, such as a threshold: numbers, text, ``None``,
        lists, dictionaries, arrays and tensors.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        When the detector has not been fitted, is none of the book's, or ``more`` holds something
        else.
    UnwritableError
        When the file cannot be written or the disk is full.
    """
    kind, path = type(detector).__name__, Path(path)
    if KINDS.get(kind) is not type(detector):
        raise ValueError(
            f"a {kind} cannot be saved: it is none of the book's detectors, {', '.join(KINDS)}."
        )
    header = {
        "format": FORMAT,
        "kind": kind,
        "revision": detector.revision,
        "book": book_version(),
        "torch": torch.__version__,
        "precision": detector.precision,
        "settings": plain(detector.settings),
        "state": detector.state(),
        "more": more,
    }
    write_archive(path, header)
    return path


def load_detector(path: str | Path) -> tuple[Detector, dict[str, Any]]:
    """Read a detector that ``save_detector`` wrote.

    Returns
    -------
    detector
        Fitted, on this machine's device. It scores in the number format that it was fitted in; a
        warning says so when ``ONE_BAD_NUT_PRECISION`` asks for the other.
    more
        What was saved with it.

    Raises
    ------
    DataError
        When the file is missing, damaged or changed, of another version of the format or of the
        method, of an unknown kind or setting, or the weights it names are not to be had.
    """
    path = Path(path)
    header = read_archive(path, REMEDY)
    book = _plainly(header.get("book"))
    if not _equal(header.get("format"), FORMAT):
        raise DataError(
            f"{path} has format {_plainly(header.get('format'))}, this book reads format {FORMAT}. "
            f"Use the book's version {book}, or fit the detector again with this one."
        )
    kind = _plainly(header.get("kind"))
    if kind not in KINDS:
        raise DataError(f"{path} holds a '{kind}'. {did_you_mean(kind, KINDS)}")
    maker = KINDS[kind]
    if not _equal(header.get("revision"), maker.revision):
        raise DataError(
            f"{path} was fitted by revision {_plainly(header.get('revision'))} of {kind}; this "
            f"book has revision {maker.revision}, which scores otherwise. Fit the detector again, "
            f"or use the book's version {book}."
        )
    try:
        detector = maker(typed(maker.settings_class, header["settings"], "settings"))
        detector.restore(header["state"]).precision = _precision(header.get("precision"), path)
        return detector, dict(header["more"])
    except DataError:
        raise
    except Exception as error:
        # Settings and arrays that do not belong together fail where they meet, in any way.
        reason = (str(error) or type(error).__name__).splitlines()[0][:300]
        raise DataError(
            f"{path} holds no {kind} that this book knows: {reason}. {REMEDY}"
        ) from error


def _equal(found: Any, number: int) -> bool:
    """Say whether a damaged header, whose values may be anything, has the number wanted."""
    return isinstance(found, int) and found == number


def _plainly(value: Any) -> str:
    return value if isinstance(value, str) else reprlib.repr(value)


def _precision(fitted: Any, path: Path) -> str | None:
    # Files that were written before this was recorded say nothing, and are judged as they were.
    if fitted is None:
        return None
    if not isinstance(fitted, str) or fitted not in PRECISIONS:
        fitted = _plainly(fitted)
        raise DataError(f"{path} was fitted in '{fitted}'. {did_you_mean(fitted, PRECISIONS)}")
    asked = asked_precision()
    if asked and asked != fitted:
        warnings.warn(
            f"{path} was fitted in {fitted}, and {PRECISION} asks for {asked}: its scores move, "
            f"and its threshold is that of {fitted}. Unset the variable, or choose another "
            "threshold.",
            stacklevel=3,
        )
    return fitted
