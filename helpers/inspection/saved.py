"""An inspector in a file, and back: data only, never code."""

from pathlib import Path
from typing import Any

from helpers.data.squares import Squares
from helpers.detectors.saved import load_detector, save_detector
from helpers.errors import DataError
from helpers.inspection.conformal import Promise
from helpers.inspection.inspector import Inspector
from helpers.inspection.look import Usual
from helpers.plain import plain, typed

FORMAT = 1  # raised when what stands beside the detector is laid out otherwise


def save_inspector(inspector: Inspector, path: str | Path, **about: Any) -> Path:
    """Write an inspector to a file, whole or not at all; see ``save_detector``.

    Parameters
    ----------
    inspector
        Fitted.
    path
        The file; by habit it ends in ``.zip``.
    about
        What else to keep: text and numbers.

    Raises
    ------
    UnwritableError
        When the file cannot be written or the disk is full.
    """
    kept = {
        "format": FORMAT,
        "squares": plain(inspector.squares),
        "promise": plain(inspector.promise),
        "usual": plain(inspector.usual),
        "about": about,
    }
    return save_detector(inspector.detector, path, inspection=kept)


def load_inspector(path: str | Path) -> Inspector:
    """Read an inspector that `save_inspector` wrote.

    Raises
    ------
    DataError
        When the file is missing, damaged or changed, of another version, or holds a detector
        without a threshold.
    """
    detector, more = load_detector(path)
    kept = more.get("inspection")
    if not isinstance(kept, dict):
        raise DataError(
            f"{path} holds a detector without a threshold. Make the file with `python -m "
            "helpers.inspection fit`."
        )
    if kept.get("format") != FORMAT:
        raise DataError(
            f"{path} has format {kept.get('format')} of an inspector, this book reads {FORMAT}. "
            "Fit it again, or use the book's version that wrote it."
        )
    try:
        return Inspector(
            detector,
            typed(Squares, kept["squares"], "squares"),
            typed(Promise, kept["promise"], "promise"),
            typed(Usual, kept["usual"], "usual"),
        )
    except (KeyError, ValueError) as error:
        raise DataError(f"{path} holds no inspector: {error}. Fit it again.") from error
