"""What every anomaly detector of the book has in common."""

from typing import Any, Protocol, Self

import numpy as np

from helpers.metrics.scores import Scores
from helpers.networks.backbone import FeatureExtractor, backbone
from helpers.networks.learner import Learner


class Detector(Protocol):
    """An anomaly detector that has seen good images only.

    The habit is scikit-learn's: settings go into the constructor, ``fit`` learns and returns the
    detector itself, ``predict`` scores.
    """

    settings: Any

    def fit(self, images: np.ndarray) -> Self:
        """Learn what good looks like from uint8 images N×3×H×W."""
        ...

    def predict(self, images: np.ndarray) -> Scores:
        """Score uint8 images N×3×H×W."""
        ...


class FeatureDetector(Learner):
    """What detectors that look at a frozen network's features share.

    Parameters
    ----------
    settings
        All choices; among them ``architecture``, ``weights`` and ``layers`` of the backbone.
    network
        A backbone made before; otherwise ``fit`` makes the one that the settings describe.

    Attributes
    ----------
    backbone
        The network in use.
    """

    def __init__(self, settings: Any = None, network: FeatureExtractor | None = None) -> None:
        super().__init__(settings)
        self.backbone = network

    def _make_backbone(self, seed: int) -> None:
        if self.backbone is None:
            s = self.settings
            self.backbone = backbone(s.architecture, s.weights, s.layers, seed)
