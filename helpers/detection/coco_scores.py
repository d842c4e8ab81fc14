"""Scores of detections as COCO defines them, computed by pycocotools."""

import contextlib
import io
from pathlib import Path

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

# The first six numbers of COCO's summary, in its order.
NAMES = ("AP", "AP50", "AP75", "AP small", "AP medium", "AP large")
IOU_TYPES = ("bbox", "segm")


def load_coco(path: str | Path) -> COCO:
    """Load an annotation file with pycocotools, without its messages."""
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(path))


def coco_scores(
    truth: str | Path, detections: list[dict], iou_type: str = "bbox"
) -> dict[str, float]:
    """Score detections against an annotation file.

    Parameters
    ----------
    truth
        COCO's JSON file.
    detections
        Each with ``image_id``, ``category_id``, ``score`` and ``bbox`` or ``segmentation`` (run
        lengths). At most 100 an image count, the highest scores first.
    iou_type
        ``"bbox"`` or ``"segm"``: whether boxes or masks must overlap.

    Returns
    -------
    dict
        The average precision over IoU 0.50 … 0.95, at 0.50, at 0.75, and over the small, medium
        and large objects; -1 where there is none of that size.

    Raises
    ------
    ValueError
        When there is no such ``iou_type``.
    """
    if iou_type not in IOU_TYPES:
        raise ValueError(f"iou_type must be one of {', '.join(IOU_TYPES)}; got {iou_type!r}.")
    with contextlib.redirect_stdout(io.StringIO()):
        known = COCO(str(truth))
        # loadRes fails on an empty list.
        found = known.loadRes(detections) if detections else _nothing_on(known)
        evaluation = COCOeval(known, found, iou_type)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return dict(zip(NAMES, evaluation.stats[:6].tolist(), strict=True))


def as_detections(truth: str | Path) -> list[dict]:
    """Return the objects of an annotation file as detections with score 1."""
    known = load_coco(truth)
    return [
        {
            "image_id": entry["image_id"],
            "category_id": entry["category_id"],
            "bbox": entry["bbox"],
            "segmentation": known.annToRLE(entry),
            "score": 1.0,
        }
        for entry in known.loadAnns(known.getAnnIds())
    ]


def _nothing_on(known: COCO) -> COCO:
    found = COCO()
    found.dataset = {**known.dataset, "annotations": []}
    found.createIndex()
    return found
