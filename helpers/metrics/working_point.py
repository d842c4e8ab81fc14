"""What is found at one rate of false alarms: only so can detectors of any kind be compared.

A detector that marks most good parts also finds most damage. So the threshold of each is chosen by
the same rule, on good parts that were held out, for the same rate; then it is asked what it finds.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from helpers.metrics.masks import dice, iou
from helpers.metrics.threshold import Threshold, threshold_from_good

RATE = 0.05  # of good parts with a false alarm, as in the book's other chapters


@dataclass(frozen=True, eq=False)
class WorkingPoint:
    """What a detector does at its threshold, picture by picture.

    Attributes
    ----------
    threshold
        Chosen on held-out good pictures.
    labels
        N, 0 for good and 1 for defective.
    alarms
        bool, N: whether anything is marked.
    met
        bool, N: whether what is marked meets the true damage; false on good pictures.
    overlap
        N: IoU of what is marked with the damage; 1 on a good picture without a mark.
    dice
        N, likewise; none where boxes are compared.
    """

    threshold: Threshold
    labels: np.ndarray
    alarms: np.ndarray
    met: np.ndarray
    overlap: np.ndarray
    dice: np.ndarray | None = None

    def share(self, of: np.ndarray, defective: bool = True) -> float:
        """Return the mean of a quantity over the defective pictures, or over the good ones."""
        return float(np.mean(of[self.labels == defective]))

    def row(self) -> dict[str, float]:
        """Return what a table shows of it; see ``TABLE``."""
        values = (
            self.share(self.alarms, defective=False),
            self.threshold.expected_false_alarm_rate,
            self.share(self.alarms),
            self.share(self.met),
            self.share(self.overlap),
        )
        rest = {} if self.dice is None else {"Dice": self.share(self.dice)}
        return dict(zip(TABLE, values, strict=True)) | rest


TABLE = ("false alarms", "expected", "nuts found", "defects met", "IoU")


def working_point_of_maps(
    maps: np.ndarray, masks: np.ndarray, good_maps: np.ndarray, rate: float = RATE
) -> WorkingPoint:
    """Mark what lies above the threshold that a share ``rate`` of good pictures passes.

    Parameters
    ----------
    maps
        N×H×W, higher is more anomalous.
    masks
        bool, N×H×W; empty on good pictures.
    good_maps
        M×H×W, of good pictures that nothing was fitted to and that are not among the N.
    rate
        Share of good pictures on which a mark is allowed.

    Raises
    ------
    ValueError
        When the shapes differ or the rate is no rate.
    """
    if maps.shape != masks.shape:
        raise ValueError(f"maps and masks must fit; got {maps.shape} and {masks.shape}.")
    threshold = threshold_from_good(good_maps.max((1, 2)), rate)
    marked = maps > threshold.value
    return WorkingPoint(
        threshold,
        labels=masks.any((1, 2)).astype(int),
        alarms=marked.any((1, 2)),
        met=(marked & masks).any((1, 2)),
        overlap=np.array([iou(*pair) for pair in zip(marked, masks, strict=True)]),
        dice=np.array([dice(*pair) for pair in zip(marked, masks, strict=True)]),
    )


def against(one: WorkingPoint, other: WorkingPoint, name: str, reference: str) -> str:
    """Say in one sentence on how many defective pictures only one of two detectors meets damage.

    Both saw the same pictures, so those on which they agree tell nothing of which is better. If
    neither were, each of the others would be met by the one or by the other with equal
    probability: the exact form of McNemar's test (Psychometrika 12, 1947).

    Raises
    ------
    ValueError
        When the two saw other pictures.
    """
    if not np.array_equal(one.labels, other.labels):
        raise ValueError("compare two detectors on the same pictures.")
    first = int((one.met & ~other.met).sum())
    second = int((other.met & ~one.met).sum())
    p = binomtest(first, first + second).pvalue if first + second else 1.0
    verdict = "neither is shown to find more"
    if p < 0.05:
        verdict = f"{name if first > second else reference} finds more"
    pictures = "picture" if first == 1 else "pictures"
    return (
        f"At equal false alarms {name} meets the damage of {first} {pictures} that {reference} "
        f"misses, and misses {second} that {reference} meets: {verdict} (p = {p:.2g})."
    )
