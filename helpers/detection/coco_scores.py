"""Scores of detections as COCO defines them, computed by pycocotools."""

import contextlib
import io
from pathlib import Path

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

# The first six numbers of COCO's summary, in its order.
NAMES = ("AP", "AP50", "AP75", "AP small", "AP medium", "AP large")
KINDS = ("bbox", "segm")


def load_coco(path: str | Path) -> COCO:
    """Load an annotation file with pycocotools, without its messages."""
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(path))


def coco_scores(truth: str | Path, detections: list[dict], kind: str = "bbox") -> dict[str, float]:
    """Score detections against an annotation file.

    Parameters
    ----------
    truth
        COCO's JSON file.
    detections
        Each with ``image_id``, ``category_id``, ``score`` and ``bbox`` or ``segmentation`` (run
        lengths). At most 100 an image count, the highest scores first.
    kind
        ``"bbox"`` or ``"segm"``: whether boxes or masks must overlap.

    Returns
    -------
    dict
        The average precision over IoU 0.50 … 0.95, at 0.50, at 0.75, and over the small, medium
        and large objects; -1 where there is none of that size.

    Raises
    ------
    ValueError
        When the kind is unknown.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}; got {kind!r}.")
    if not detections:
        return dict.fromkeys(NAMES, 0.0)
    with contextlib.redirect_stdout(io.StringIO()):
        known = COCO(str(truth))
        judged = COCOeval(known, known.loadRes(detections), kind)
        judged.evaluate()
        judged.accumulate()
        judged.summarize()
    return dict(zip(NAMES, judged.stats[:6].tolist(), strict=True))


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
