"""Question 5: what the masks become, and whether it comes back; counted on the spot."""

import json
import tempfile
from pathlib import Path

import numpy as np

from helpers.annotations.formats.coco import read_coco, to_coco, write_coco
from helpers.annotations.formats.png import read_numbers
from helpers.annotations.formats.voc import write_voc
from helpers.annotations.formats.yolo import read_yolo, write_yolo
from helpers.annotations.objects import AnnotatedImage, AnnotationSet, annotate
from helpers.annotations.polygons import filled, polygon
from helpers.annotations.regions import RegionRules, run_lengths
from helpers.annotations.splits import check_disjoint, stratified_parts
from helpers.data.category import Category
from helpers.detection.coco_scores import as_detections, coco_scores
from helpers.experiments.detection import DETECTION
from helpers.experiments.segmentation import SEGMENTATION
from helpers.metrics.masks import iou
from tools.report.facts import LabelFacts
from tools.report.trained import trained

SHARES = {"train": 0.7, "val": 0.3}
RULES = RegionRules(least_area=4, join_within=12)
TOLERANCE = 2  # pixels: what outlines are simplified by, to see what that costs


def label_facts(category: Category) -> LabelFacts:
    """Count objects, write every format, read it back, and compare with the masks.

    Parameters
    ----------
    category
        With images of full detail.

    Raises
    ------
    DataError
        When such a record is damaged.
    """
    annotations = annotate(category)
    parts = stratified_parts(category.defects, SHARES)
    check_disjoint(parts, category.test)
    joined = annotate(category, RULES)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trips = _trips(folder, category, annotations, parts)
        self_ap, capped = _scores(folder / "runs.json", annotations)
    return LabelFacts(
        objects=_objects(annotations),
        pictures=len(annotations.images),
        classes=annotations.classes,
        least_area=RULES.least_area,
        join_within=RULES.join_within,
        joined=_objects(joined),
        parts={part: len(rows) for part, rows in parts.items()},
        trips=trips,
        self_ap=self_ap,
        capped_ap=capped,
        trained=trained(DETECTION.folder(), SEGMENTATION.folder(), category),
    )


def _objects(annotations: AnnotationSet) -> int:
    return sum(len(image.annotations) for image in annotations.images)


def _trips(
    folder: Path, category: Category, annotations: AnnotationSet, parts: dict[str, np.ndarray]
) -> dict[str, tuple[int, int, float]]:
    given = annotations, category.test, parts
    coco = write_coco(folder / "coco", *given)
    voc = write_voc(folder / "voc", *given)
    yolo = write_yolo(folder / "yolo", *given, shapes="polygons")
    boxes = write_yolo(folder / "boxes", *given, shapes="boxes")
    place = {name: row for row, name in enumerate(annotations.flat_names())}
    damaged = {name: row for name, row in place.items() if category.labels[row]}

    def overlaps(images: list[AnnotatedImage]) -> list[float]:
        rows = [(image, place[Path(image.file).stem]) for image in images]
        return [iou(i.mask(), category.masks[r]) for i, r in rows if category.labels[r]]

    def read(ending: str) -> list[AnnotatedImage]:
        files = [coco / f"annotations/instances_{part}{ending}.json" for part in parts]
        return [image for file in files for image in read_coco(file).images]

    masks = voc / "VOCdevkit" / "VOC2012" / "SegmentationObject"
    found = {
        "COCO, polygons": overlaps(read("")),
        "COCO, run lengths": overlaps(read("_runs")),
        "YOLO, polygons": overlaps(read_yolo(yolo / "data.yaml").images),
        "Pascal VOC, indexed PNG": [
            iou(read_numbers(masks / f"{name}.png") > 0, category.masks[row])
            for name, row in damaged.items()
        ],
        "YOLO, boxes": overlaps(read_yolo(boxes / "data.yaml").images),
    }
    return {
        name: (len(values), sum(value == 1 for value in values), float(np.mean(values)))
        for name, values in found.items()
    }


def _scores(path: Path, annotations: AnnotationSet) -> tuple[float, float]:
    """Return the AP of the truth against itself, and that of simplified outlines against it."""
    path.write_text(json.dumps(to_coco(annotations, "runs")), "utf-8")
    truth = as_detections(path)
    simplified = [
        run_lengths(filled([polygon(a.region, TOLERANCE)], image.height, image.width))
        for image in annotations.images
        for a in image.annotations
    ]
    cut = [{**t, "segmentation": runs} for t, runs in zip(truth, simplified, strict=True)]
    return coco_scores(path, truth, "segm")["AP"], coco_scores(path, cut, "segm")["AP"]
