"""What chapter 16 trains on, and its runs that take too long for a chapter."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from helpers.annotations.objects import AnnotatedImage, Annotation, AnnotationSet, annotate
from helpers.annotations.regions import RegionRules, regions
from helpers.data.category import Category, crop_centre, split_good
from helpers.data.labelled import POOL_SEED
from helpers.data.labels import stratified_folds
from helpers.data.load import generate_category
from helpers.detection.boxes import (
    Boxes,
    as_one_class,
    boxes_from_maps,
    evaluate_boxes,
    make_boxes,
    true_boxes,
)
from helpers.detection.detector import BoxDetector, BoxDetectorSettings
from helpers.detection.network import BoxNetworkSettings
from helpers.detection.precision_recall import ap_per_class
from helpers.detection.working_point import highest_scores, working_point_of_boxes
from helpers.detectors.memory.patchcore import PatchCoreDetector, PatchCoreSettings
from helpers.experiments.cost import timed
from helpers.experiments.store import Experiment, Plan, Provenance, data_of, revisions
from helpers.hazelnuts.defects import DEFECT_TYPES
from helpers.metrics.report import check_shares
from helpers.metrics.threshold import threshold_from_good
from helpers.metrics.working_point import RATE
from helpers.networks.training import TrainingSettings
from helpers.plain import plain

SIZE, MARGIN = 160, 0.1  # pixels, and the share of the side that is cut off: 128 are left
RULES = RegionRules(least_area=2, join_within=8)  # chapter 15's, for pictures of 160 pixels
EACH = 120  # labelled training nuts of each defect in the chapter
SHOTS = (1, 4, 16)
STEPS = 160  # of each training of the curve, however few its pictures
BATCH = 8


def test_nuts(size: int = SIZE) -> Category:
    """Return the book's own test nuts, their margins cut off."""
    return crop_centre(generate_category(size), MARGIN)


def labelled_nuts(each: int, seed: int = 0, size: int = SIZE) -> Category:
    """Return other nuts to learn from, in its test part: ``each`` of every defect, and good ones.

    The few whose damage reaches into the margin are left out. The first nuts of a larger set are
    those of a smaller one with the same seed.
    """
    counts = {"train/good": 1, "test/good": each} | {
        f"test/{defect}": each for defect in DEFECT_TYPES
    }
    return crop_centre(generate_category(size, counts, POOL_SEED + seed), MARGIN, leave_out=True)


def whole_nuts(category: Category) -> AnnotationSet:
    """Return the box around each whole nut, which is brighter than the background it lies on."""
    brightness = category.test.max(axis=1)
    images = []
    for file, picture in zip(category.test_files, brightness, strict=True):
        # The nut covers the middle, the corners show the background.
        background = float(np.median(picture[:6, :6]))
        middle_of_nut = float(np.median(picture[picture.shape[0] // 3 : -picture.shape[0] // 3]))
        found = regions(picture > (background + middle_of_nut) / 2)
        nut = Annotation(0, max(found, key=lambda region: region.area))
        images.append(AnnotatedImage(file, *picture.shape[::-1], (nut,)))
    return AnnotationSet(category.name, ("hazelnut",), tuple(images))


def first_of_each(category: Category, each: int) -> np.ndarray:
    """Return the rows of the first ``each`` pictures of every class, good included."""
    classes = sorted(set(category.defects.tolist()))
    return np.sort(np.concatenate([np.flatnonzero(category.defects == k)[:each] for k in classes]))


def box_settings(
    epochs: int = 10, seed: int = 0, weights: str = "formula", batch_size: int = BATCH
) -> BoxDetectorSettings:
    """Return the settings of the chapter's detector."""
    training = TrainingSettings(epochs=epochs, batch_size=batch_size, learning_rate=3e-3, seed=seed)
    return BoxDetectorSettings(BoxNetworkSettings(weights=weights), training=training)


@dataclass(frozen=True)
class BoxCase:
    """One training, or one for each fold.

    Attributes
    ----------
    labels
        Labelled training pictures of each defect; none where the test pictures are learned from.
    weights
        What the trunk begins with.
    folds
        Into how many the test pictures are split; none where nuts are generated to learn from.
    seed
        Of the training pictures and of the training.
    """

    labels: int | None
    weights: str = "formula"
    folds: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class BoxResult:
    """What one detector of objects achieved on the test pictures.

    Attributes
    ----------
    scores
        COCO's AP, AP50 and AP75, and AP50 with all defects as one class.
    by_class
        AP50 of each defect.
    pictures, objects
        How many were looked at, and how many there were to find; none when not counted.
    map_scores
        COCO's scores of boxes from PatchCore's map, with all defects as one class, where measured.
    at_rate
        What the boxes find at the book's rate of false alarms on good pictures; see
        ``metrics.working_point.WorkingPoint.row``. None in old records.
    """

    scores: dict[str, float]
    by_class: dict[str, float]
    pictures: int | None = None
    objects: int | None = None
    map_scores: dict[str, float] = field(default_factory=dict)
    at_rate: dict[str, float] | None = None

    def __post_init__(self) -> None:
        check_shares(self.scores | self.by_class | self.map_scores | (self.at_rate or {}))


DETECTION = Experiment("detection", BoxResult, "make detection")


def measured(category: Category, found: Sequence[Boxes], rules: RegionRules) -> BoxResult:
    """Return COCO's scores, with "AP50, one class" among them, and AP50 of each defect."""
    annotations = annotate(category, rules)
    scores = evaluate_boxes(annotations, found)
    kept = {name: scores[name] for name in ("AP", "AP50", "AP75")}
    alike = [replace(boxes, labels=np.zeros_like(boxes.labels)) for boxes in found]
    kept["AP50, one class"] = evaluate_boxes(as_one_class(annotations), alike)["AP50"]
    by_class = ap_per_class(true_boxes(annotations), found, annotations.classes)
    return BoxResult(
        {name: round(value, 4) for name, value in kept.items()},
        {name: round(value, 4) for name, value in by_class.items()},
    )


def few_labels(
    category: Category,
    seeds: Sequence[int],
    shots: Sequence[int] = SHOTS,
    weights: Sequence[str] = ("formula",),
) -> Iterator[Plan]:
    """Plan the label curve: trainings on the first nuts of every class, tested on ``category``.

    However few the pictures, a training has about ``STEPS`` steps.
    """
    for seed in seeds:
        pool = labelled_nuts(max(shots), seed)
        for start in weights:
            for each in shots:
                yield _few(category, pool, BoxCase(each, start, seed=seed))


def _few(category: Category, pool: Category, case: BoxCase) -> Plan:
    rows = first_of_each(pool, case.labels)
    batch = min(BATCH, len(rows))
    epochs = max(1, round(STEPS / -(-len(rows) // batch)))
    settings = box_settings(epochs, case.seed, case.weights, batch)

    def work() -> tuple[BoxResult, Provenance]:
        known, detector = annotate(pool, RULES).subset(rows), BoxDetector(settings)
        _, seconds = timed(lambda: detector.fit(pool.test[rows], true_boxes(known), known.classes))
        found = detector.predict(category.test)
        _, held_out = split_good(category.train, fraction=0.15, seed=0)
        true = true_boxes(annotate(category, RULES))
        good_scores = highest_scores(detector.predict(held_out))
        point = working_point_of_boxes(found, true, good_scores)
        at_rate = {name: round(value, 4) for name, value in point.row().items()}
        result = replace(measured(category, found, RULES), at_rate=at_rate)
        return result, Provenance({"fit": round(seconds, 1)})

    return _plan(category, case, plain(settings), work)


def in_folds(category: Category, folds: int, epochs: int, good: int, join: int, seed: int) -> Plan:
    """Plan detectors of a category's own test pictures, each trained on the other folds.

    Parameters
    ----------
    category
        With labelled defects in its test part.
    folds, epochs, seed
        Of the trainings.
    good
        Good training images in each fold.
    join
        Regions within so many pixels are one object.
    """
    rules = RegionRules(least_area=2, join_within=join)
    settings = {"epochs": epochs, "good": good, "join": join}

    def work() -> tuple[BoxResult, Provenance]:
        found, seconds = timed(lambda: _out_of_fold(category, rules, folds, epochs, good, seed))
        result = measured(category, found, rules)
        annotations = annotate(category, rules)
        beside = evaluate_boxes(as_one_class(annotations), _map_boxes(category, rules))
        result = replace(
            result,
            pictures=len(category.test),
            objects=sum(map(len, true_boxes(annotations))),
            map_scores={name: round(beside[name], 4) for name in ("AP", "AP50", "AP75")},
        )
        return result, Provenance({"fit": round(seconds, 1)})

    return _plan(category, BoxCase(None, folds=folds, seed=seed), settings, work)


def _plan(category: Category, case: BoxCase, settings: dict[str, Any], work: Any) -> Plan:
    return Plan(plain(case), settings, data_of(category), revisions(BoxDetector), work)


def _out_of_fold(
    category: Category, rules: RegionRules, folds: int, epochs: int, good: int, seed: int
) -> list[Boxes]:
    annotations = annotate(category, rules)
    boxes = true_boxes(annotations)
    _, labels = np.unique(category.defects, return_inverse=True)
    fold = stratified_folds(labels, folds, seed)
    found = [make_boxes([])] * len(labels)
    for number in range(folds):
        known, asked = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        images = np.concatenate([category.test[known], category.train[:good]])
        truth = [boxes[row] for row in known] + [make_boxes([])] * good
        detector = BoxDetector(box_settings(epochs, seed))
        detector.fit(images, truth, annotations.classes)
        for row, each in zip(asked, detector.predict(category.test[asked]), strict=True):
            found[row] = each
    return found


def _map_boxes(category: Category, rules: RegionRules) -> list[Boxes]:
    """Return the boxes of what PatchCore's map marks, by a threshold from good images."""
    fit_images, held_out = split_good(category.train, fraction=0.15, seed=0)
    memory = PatchCoreDetector(PatchCoreSettings(weights="auto")).fit(fit_images)
    threshold = threshold_from_good(memory.predict(held_out).maps.max((1, 2)), RATE)
    return boxes_from_maps(memory.predict(category.test).maps, threshold.value, rules)
