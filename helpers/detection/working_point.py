"""What boxes find at one rate of false alarms on good parts."""

from collections.abc import Sequence

import numpy as np

from helpers.detection.boxes import Boxes
from helpers.detection.precision_recall import iou_matrix
from helpers.metrics.threshold import threshold_from_good
from helpers.metrics.working_point import RATE, WorkingPoint

LEAST_OVERLAP = 0.1  # IoU from which on a box points at an object, however badly it is placed


def highest_score(boxes: Boxes) -> float:
    """Return the score of a picture's surest box; 0 when there is none."""
    return float(boxes.scores.max(initial=0.0))


def working_point_of_boxes(
    found: Sequence[Boxes], true: Sequence[Boxes], good: Sequence[Boxes], rate: float = RATE
) -> WorkingPoint:
    """Keep the boxes above the score that a share ``rate`` of good pictures passes.

    Classes are not looked at. A picture's overlap is the mean over its true boxes of the IoU with
    the best box; its damage is met when a box has an IoU of ``LEAST_OVERLAP`` with a true one.

    Parameters
    ----------
    found, true
        The boxes of each test picture.
    good
        The boxes found on good pictures that nothing was trained on and that are not tested on.
    rate
        Share of good pictures on which a box is allowed.

    Raises
    ------
    ValueError
        When the numbers of pictures differ or the rate is no rate.
    """
    threshold = threshold_from_good([highest_score(boxes) for boxes in good], rate)
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
