"""Average precision, step by step: overlap, matching, precision and recall, the area."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from helpers.detection.boxes import Boxes

AP_METHODS = ("coco", "voc2007", "area")


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


def match_boxes(true: Boxes, found: Boxes, iou_threshold: float = 0.5) -> np.ndarray:
    """Say which found box takes which true box of one picture and one class.

    The most confident box chooses first. Of the true boxes that are still free it takes the one
    that it overlaps most, if the IoU is ``iou_threshold`` or more (COCO API, cocoeval.py,
    evaluateImg).

    Parameters
    ----------
    true, found
        Boxes; their classes are not looked at.
    iou_threshold
        Above 0, at most 1.

    Returns
    -------
    np.ndarray
        int64, one a found box: the number of the true box, or -1 when there is none.

    Raises
    ------
    ValueError
        When ``iou_threshold`` is out of range.
    """
    if not 0 < iou_threshold <= 1:
        raise ValueError(f"iou_threshold must be above 0 and at most 1; got {iou_threshold}.")
    overlap = iou_matrix(found.corners, true.corners)
    free = np.ones(len(true), bool)
    taken = np.full(len(found), -1, np.int64)
    for row in np.argsort(-found.scores, kind="stable"):
        best = np.where(free, overlap[row], -1)
        # Of equals COCO takes the last.
        last = len(best) - 1 - int(best[::-1].argmax()) if len(best) else -1
        if last >= 0 and best[last] >= min(iou_threshold, 1 - 1e-10):
            taken[row], free[last] = last, False
    return taken


@dataclass(frozen=True, eq=False)
class PrecisionRecall:
    """Precision and recall as the boxes are accepted one by one, the most confident first.

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


def box_average_precision(curve: PrecisionRecall, method: str = "coco") -> float:
    """Return the area under the envelope of precision over recall.

    Parameters
    ----------
    curve
        Of one class.
    method
        ``"coco"``: the mean over 101 recalls, 0, 0.01 … 1 (Lin et al., ECCV 2014); ``"voc2007"``:
        over 11 (Everingham et al., IJCV 2010, Section 4.2); ``"area"``: exactly, as VOC has it
        since 2010.

    Raises
    ------
    ValueError
        When there is no such method.
    """
    if method not in AP_METHODS:
        raise ValueError(f"method must be one of {', '.join(AP_METHODS)}; got {method!r}.")
    envelope = np.append(curve.envelope, 0.0)
    if method == "area":
        steps = np.diff(curve.recall, prepend=0.0)
        return float((steps * envelope[:-1]).sum())
    # pycocotools takes linspace; of 11 levels its 0.6 would lie above a recall of 3 / 5.
    levels = np.linspace(0, 1, 101) if method == "coco" else np.arange(11) / 10
    return float(envelope[np.searchsorted(curve.recall, levels, side="left")].mean())


def class_precision_recall(
    true: Sequence[Boxes], found: Sequence[Boxes], label: int, iou_threshold: float = 0.5
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
        mine = guess.of_class(label)
        scores.append(mine.scores)
        right.append(match_boxes(truth.of_class(label), mine, iou_threshold) >= 0)
    total = sum(int((truth.labels == label).sum()) for truth in true)
    return precision_recall(np.concatenate(scores), np.concatenate(right), total)


def ap_per_class(
    true: Sequence[Boxes],
    found: Sequence[Boxes],
    classes: Sequence[str],
    iou_threshold: float = 0.5,
    method: str = "coco",
) -> dict[str, float]:
    """Return the average precision of each class that occurs among the true boxes."""
    there = {int(label) for truth in true for label in truth.labels}
    return {
        name: box_average_precision(
            class_precision_recall(true, found, label, iou_threshold), method
        )
        for label, name in enumerate(classes)
        if label in there
    }
