"""A detector on its way into a comparison: what it is called, what it looks at, how it is made."""

from collections.abc import Callable
from dataclasses import dataclass

from helpers.detectors import Detector


@dataclass(frozen=True)
class Contender:
    """One way to find damage.

    Attributes
    ----------
    name
        The same everywhere in the book.
    size
        Side of the pictures it looks at, in pixels.
    detector
        Makes the detector, not yet fitted.
    """

    name: str
    size: int
    detector: Callable[[], Detector]
