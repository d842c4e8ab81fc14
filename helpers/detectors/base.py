"""What every anomaly detector of the book has in common."""

from typing import Any, Protocol, Self

import numpy as np

from helpers.metrics.scores import Scores


class Detector(Protocol):
    """An anomaly detector that has seen good images only.

    The habit is scikit-learn's: settings go into the constructor, ``fit`` learns and returns the
    detector itself, ``predict`` judges.
    """

    settings: Any

    def fit(self, images: np.ndarray) -> Self:
        """Learn what good looks like from uint8 images N×3×H×W."""
        ...

    def predict(self, images: np.ndarray) -> Scores:
        """Score uint8 images N×3×H×W."""
        ...
