"""Average precision, step by step: overlap, matching, precision and recall, the area."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from helpers.detection.boxes import Boxes

WAYS = ("coco", "voc2007", "area")


def iou_matrix(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the IoU of each box with each other: float64, N×M.

    Parameters
    ----------
    one, other
        N×4 and M×4: left, top, right, bottom.
    """
    one, other = (np.asarray(b, np.float64).reshape(-1, 4) for b in (one, other))
    upper = np.maximum(one[:, None, :2], other[None, :, :2])
    lower = np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = (lower - upper).clip(min=0).prod(axis=2)
    area, others = ((b[:, 2:] - b[:, :2]).prod(axis=1) for b in (one, other))
    return shared / (area[:, None] + others - shared)


def match(true: Boxes, found: Boxes, least_iou: float = 0.5) -> np.ndarray:
    """Say which found box takes which true box of one picture and one class.

    The surest box chooses first. It takes the true box that it overlaps most of those that are
    still free, if the IoU is ``least_iou`` or more (COCO API, cocoeval.py, evaluateImg).

    Parameters
    ----------
    true, found
        Boxes; their classes are not looked at.
    least_iou
        Above 0, at most 1.

    Returns
    -------
    np.ndarray
        int64, one a found box: the place of the true box, or -1 when there is none.

    Raises
    ------
    ValueError
        When ``least_iou`` is out of range.
    """
    if not 0 < least_iou <= 1:
        raise ValueError(f"least_iou must be above 0 and at most 1; got {least_iou}.")
    overlap = iou_matrix(found.corners, true.corners)
    free = np.ones(len(true), bool)
    taken = np.full(len(found), -1, np.int64)
    for row in np.argsort(-found.scores, kind="stable"):
        best = np.where(free, overlap[row], -1)
        # Of equals COCO takes the last.
        place = len(best) - 1 - int(best[::-1].argmax()) if len(best) else -1
        if place >= 0 and best[place] >= min(least_iou, 1 - 1e-10):
            taken[row], free[place] = place, False
    return taken


@dataclass(frozen=True, eq=False)
class PrecisionRecall:
    """Precision and recall as the boxes are accepted one by one, the surest first.

    Attributes
    ----------
    scores, right
        Of the D boxes in that order: their scores, and whether each is right.
    precision, recall
        float64, D: after each box, the share of the accepted boxes that is right, and the share of
        the true boxes that is found.
    """

    scores: np.ndarray
    right: np.ndarray
    precision: np.ndarray
    recall: np.ndarray

    @property
    def envelope(self) -> np.ndarray:
        """The best precision at this recall or a larger one: it never rises."""
        return np.maximum.accumulate(self.precision[::-1])[::-1]


def precision_recall(scores: np.ndarray, right: np.ndarray, total: int) -> PrecisionRecall:
    """Sort boxes by score, and count.

    Parameters
    ----------
    scores, right
        D numbers, and whether each of the boxes took a true one.
    total
        How many true boxes there are.

    Raises
    ------
    ValueError
        When there is no true box, the lengths differ, or more boxes are right than there are.
    """
    scores, right = np.asarray(scores, float), np.asarray(right, bool)
    if total < 1:
        raise ValueError("there is no true box, so nothing can be found and recall means nothing.")
    if scores.shape != right.shape or scores.ndim != 1 or right.sum() > total:
        raise ValueError(
            f"scores and right must be of one length, and at most {total} can be right; got shapes "
            f"{scores.shape} and {right.shape} with {right.sum()} right."
        )
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(right[order])
    precision = hits / np.arange(1, len(order) + 1)
    return PrecisionRecall(scores[order], right[order], precision, hits / total)


def average_precision(curve: PrecisionRecall, way: str = "coco") -> float:
    """Return the area under the envelope of precision over recall.

    Parameters
    ----------
    curve
        Of one class.
    way
        ``"coco"``: the mean over 101 recalls, 0, 0.01 … 1 (Lin et al., ECCV 2014); ``"voc2007"``:
        over 11 (Everingham et al., IJCV 2010, Section 4.2); ``"area"``: exactly, as VOC has it
        since 2010.

    Raises
    ------
    ValueError
        When there is no such way.
    """
    if way not in WAYS:
        raise ValueError(f"way must be one of {', '.join(WAYS)}; got {way!r}.")
    envelope = np.append(curve.envelope, 0.0)
    if way == "area":
        steps = np.diff(curve.recall, prepend=0.0)
        return float((steps * envelope[:-1]).sum())
    # pycocotools takes linspace; of 11 levels its 0.6 would lie above a recall of 3 / 5.
    levels = np.linspace(0, 1, 101) if way == "coco" else np.arange(11) / 10
    return float(envelope[np.searchsorted(curve.recall, levels, side="left")].mean())


def class_curve(
    true: Sequence[Boxes], found: Sequence[Boxes], label: int, least_iou: float = 0.5
) -> PrecisionRecall:
    """Return precision and recall of one class over all pictures.

    Raises
    ------
    ValueError
        When the numbers of pictures differ, or no picture has the class.
    """
    if len(true) != len(found):
        raise ValueError(f"{len(true)} pictures have true boxes, {len(found)} found ones.")
    scores, right = [], []
    for truth, guess in zip(true, found, strict=True):
        mine = guess.of(label)
        scores.append(mine.scores)
        right.append(match(truth.of(label), mine, least_iou) >= 0)
    total = sum(int((truth.labels == label).sum()) for truth in true)
    return precision_recall(np.concatenate(scores), np.concatenate(right), total)


def ap_by_class(
    true: Sequence[Boxes],
    found: Sequence[Boxes],
    classes: Sequence[str],
    least_iou: float = 0.5,
    way: str = "coco",
) -> dict[str, float]:
    """Return the average precision of each class that occurs among the true boxes."""
    there = {int(label) for truth in true for label in truth.labels}
    return {
        name: average_precision(class_curve(true, found, label, least_iou), way)
        for label, name in enumerate(classes)
        if label in there
    }
