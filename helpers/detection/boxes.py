"""The boxes of a picture, true or found: corners, classes, scores; where they come from."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from helpers.annotations.formats.coco import to_coco
from helpers.annotations.objects import AnnotationSet, distinct
from helpers.annotations.regions import RegionRules, regions
from helpers.detection.coco_scores import coco_scores


@dataclass(frozen=True, eq=False)
class Boxes:
    """The boxes of one picture.

    Attributes
    ----------
    corners
        float32, N×4: left, top, right, bottom in pixels from the picture's upper left corner; a
        pixel covers the square from its number to the next, so width = right − left.
    labels
        int64, N: numbers of the classes, from 0.
    scores
        float32, N: the confidence of a detector; 1 for true boxes.

    Raises
    ------
    ValueError
        When the shapes disagree, a number is not finite, or a box has no area.
    """

    corners: np.ndarray
    labels: np.ndarray
    scores: np.ndarray

    def __post_init__(self) -> None:
        count = len(self.corners)
        if self.corners.shape != (count, 4) or {len(self.labels), len(self.scores)} - {count}:
            raise ValueError(
                "boxes are N×4 corners, N labels and N scores; got shapes "
                f"{self.corners.shape}, {np.shape(self.labels)} and {np.shape(self.scores)}."
            )
        if not (np.isfinite(self.corners).all() and np.isfinite(self.scores).all()):
            raise ValueError("a box or a score is not finite. Look for a diverged training run.")
        flat = (self.corners[:, 2:] <= self.corners[:, :2]).any(axis=1)
        if flat.any():
            raise ValueError(
                f"box {self.corners[flat][0].tolist()} (left, top, right, bottom) has no area: "
                "right must lie beyond left, and bottom beyond top."
            )

    def __len__(self) -> int:
        return len(self.corners)

    def __repr__(self) -> str:
        return f"Boxes({len(self)})"

    def keep(self, rows: ArrayLike) -> "Boxes":
        """Return the boxes of these numbers, or where these are true."""
        return Boxes(self.corners[rows], self.labels[rows], self.scores[rows])

    def of_class(self, label: int) -> "Boxes":
        """Return the boxes of one class."""
        return self.keep(self.labels == label)

    def coco(self) -> list[list[float]]:
        """Return the boxes as COCO has them: left, top, width, height."""
        left, top, right, bottom = self.corners.T.astype(float)
        return np.stack([left, top, right - left, bottom - top], 1).tolist()


def make_boxes(
    corners: ArrayLike, labels: ArrayLike | None = None, scores: ArrayLike | None = None
) -> Boxes:
    """Build boxes from lists; all of class 0, and all with score 1, where nothing is said."""
    corners = np.asarray(corners, np.float32).reshape(-1, 4)
    count = len(corners)
    return Boxes(
        corners,
        np.zeros(count, np.int64) if labels is None else np.asarray(labels, np.int64),
        np.ones(count, np.float32) if scores is None else np.asarray(scores, np.float32),
    )


def true_boxes(annotations: AnnotationSet) -> list[Boxes]:
    """Return the boxes around the objects of each picture."""
    found = []
    for image in annotations.images:
        boxes = [a.region.box for a in image.annotations]
        corners = [(x, y, x + width, y + height) for x, y, width, height in boxes]
        found.append(make_boxes(corners, [a.label for a in image.annotations]))
    return found


def as_one_class(annotations: AnnotationSet, name: str = "defect") -> AnnotationSet:
    """Return the same objects, all of one class; what was two classes at once is one object."""
    images = tuple(
        replace(image, annotations=distinct(replace(a, label=0) for a in image.annotations))
        for image in annotations.images
    )
    return replace(annotations, classes=(name,), images=images)


def boxes_from_maps(
    maps: np.ndarray, threshold: float, rules: RegionRules, label: int = 0
) -> list[Boxes]:
    """Turn anomaly maps into boxes: around each region above the threshold.

    Parameters
    ----------
    maps
        N×H×W, higher is more anomalous.
    threshold
        Best chosen on held-out good pictures.
    rules
        What counts as one region.
    label
        Class of all boxes; a map does not tell defect types apart.

    Returns
    -------
    list of Boxes
        For each map; a box's score is the highest value within its region.
    """
    found = []
    for values in maps:
        objects = regions(values > threshold, rules)
        corners = [(r.left, r.top, r.left + r.box[2], r.top + r.box[3]) for r in objects]
        scores = [values[r.on(*values.shape)].max() for r in objects]
        found.append(make_boxes(corners, [label] * len(objects), scores))
    return found


def evaluate_boxes(
    annotations: AnnotationSet, found: Sequence[Boxes], folder: Path | None = None
) -> Mapping[str, float]:
    """Evaluate found boxes with pycocotools; see ``helpers.detection.coco_scores.coco_scores``.

    Parameters
    ----------
    annotations
        The truth.
    found
        The boxes of each picture, in the same order.
    folder
        Where the truth is written for pycocotools; a temporary one when not given.

    Raises
    ------
    ValueError
        When the numbers of pictures differ.
    """
    if len(found) != len(annotations.images):
        raise ValueError(
            f"{len(found)} pictures have found boxes, {len(annotations.images)} are annotated. "
            "Give an empty Boxes for a picture on which nothing was found."
        )
    detections = [
        {"image_id": number, "category_id": int(label) + 1, "bbox": box, "score": float(score)}
        for number, boxes in enumerate(found, 1)
        for box, label, score in zip(boxes.coco(), boxes.labels, boxes.scores, strict=True)
    ]
    with tempfile.TemporaryDirectory(dir=folder) as work:
        path = Path(work) / "truth.json"
        path.write_text(json.dumps(to_coco(annotations, "runs")), "utf-8")
        return coco_scores(path, detections, "bbox")
