"""What boxes find at one rate of false alarms on good parts."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from helpers.detection.boxes import Boxes
from helpers.detection.precision_recall import iou_matrix
from helpers.metrics.threshold import threshold_from_good
from helpers.metrics.working_point import RATE, WorkingPoint

LEAST_OVERLAP = 0.1  # IoU from which on a box points at an object, however badly it is placed


def highest_scores(found: Sequence[Boxes]) -> list[float]:
    """Return the score of each picture's surest box; 0 where there is none."""
    return [float(boxes.scores.max(initial=0.0)) for boxes in found]


def working_point_of_boxes(
    found: Sequence[Boxes], true: Sequence[Boxes], good_scores: ArrayLike, rate: float = RATE
) -> WorkingPoint:
    """Keep the boxes above the score that a share ``rate`` of good pictures passes.

    Classes are not looked at. A picture's overlap is the mean over its true boxes of the IoU with
    the best box; its damage is met when a box has an IoU of ``LEAST_OVERLAP`` with a true one.

    Parameters
    ----------
    found, true
        The boxes of each test picture.
    good_scores
        The highest score on each of other good pictures, which nothing was trained on; of boxes
        from a map, the map's maximum.
    rate
        Share of good pictures on which a box is allowed.

    Raises
    ------
    ValueError
        When the numbers of pictures differ or the rate is no rate.
    """
    threshold = threshold_from_good(good_scores, rate)
    kept = [boxes.keep(boxes.scores > threshold.value) for boxes in found]
    best = [
        iou_matrix(one.corners, other.corners).max(axis=1, initial=0.0)
        for one, other in zip(true, kept, strict=True)
    ]
    alarms = np.array([len(boxes) > 0 for boxes in kept])
    labels = np.array([len(boxes) > 0 for boxes in true]).astype(int)
    overlap = [
        each.mean() if len(each) else float(not alarm)
        for each, alarm in zip(best, alarms, strict=True)
    ]
    met = [(each >= LEAST_OVERLAP).any() for each in best]
    return WorkingPoint(threshold, labels, alarms, np.array(met), np.array(overlap))
