"""What chapter 16 trains on, and the records of the runs that take too long for it."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from helpers.annotations.objects import AnnotatedImage, Annotation, AnnotationSet, annotate
from helpers.annotations.regions import RegionRules, regions
from helpers.data.category import Category, crop_centre
from helpers.data.labelled import POOL_SEED
from helpers.data.load import generate_category
from helpers.detection.boxes import Boxes, as_one_class, evaluate_boxes, true_boxes
from helpers.detection.detector import BoxDetector, BoxDetectorSettings
from helpers.detection.network import BoxNetworkSettings
from helpers.detection.precision_recall import ap_per_class
from helpers.errors import DataError
from helpers.files import whole_file
from helpers.hazelnuts.defects import DEFECT_TYPES
from helpers.machine import this_machine
from helpers.networks.training import TrainingSettings
from helpers.paths import project_root

SIZE, MARGIN = 160, 0.1  # pixels, and the share of the side that is cut off: 128 are left
RULES = RegionRules(least_area=2, join_within=8)  # chapter 15's, for pictures of 160 pixels
EACH = 120  # labelled training nuts of each defect in the chapter
SHOTS = (1, 2, 4, 8, 16)
STEPS = 160  # of each training of the curve, however few its pictures
BATCH = 8


def judged_nuts(size: int = SIZE) -> Category:
    """Return the book's own test nuts, their margins cut off."""
    return crop_centre(generate_category(size), MARGIN)


def labelled_nuts(each: int, seed: int = 0, size: int = SIZE) -> Category:
    """Return other nuts to learn from, in its test part: ``each`` of every defect, and good ones.

    The few whose damage reaches into the margin are left out. The first nuts of a larger set are
    those of a smaller one with the same seed.
    """
    counts = {"train/good": 1, "test/good": each} | {f"test/{kind}": each for kind in DEFECT_TYPES}
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
    """Return the places of the first ``each`` pictures of every class, good included."""
    kinds = sorted(set(category.defects.tolist()))
    return np.sort(np.concatenate([np.flatnonzero(category.defects == k)[:each] for k in kinds]))


def box_settings(
    epochs: int = 10, seed: int = 0, weights: str = "formula", batch_size: int = BATCH
) -> BoxDetectorSettings:
    """Return the settings of the chapter's detector."""
    training = TrainingSettings(epochs=epochs, batch_size=batch_size, learning_rate=3e-3, seed=seed)
    return BoxDetectorSettings(BoxNetworkSettings(weights=weights), training=training)


@dataclass(frozen=True)
class DetectionRun:
    """One training and what came of it.

    Attributes
    ----------
    category, fingerprint
        What it was judged on.
    each
        Labelled training pictures of each defect.
    weights
        What the trunk began with.
    seed
        Of the training pictures and of the training.
    scores
        COCO's AP, AP50 and AP75, and AP50 with all defects as one class.
    by_class
        AP50 of each defect.
    seconds
        Of training.
    machine
        On which.
    settings
        Of the detector.
    """

    category: str
    fingerprint: str
    each: int
    weights: str
    seed: int
    scores: dict[str, float]
    by_class: dict[str, float]
    seconds: float
    machine: str
    settings: dict

    def save(self, folder: Path) -> Path:
        """Write the record."""
        path = folder / f"{self.category}-{self.weights}-{self.each:02}-seed{self.seed}.json"
        with whole_file(path) as work:
            work.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n", "utf-8")
        return path


def records_folder() -> Path:
    """Return where the records of this chapter are kept."""
    return project_root() / "book" / "records" / "detection"


def load_runs(folder: Path | None = None) -> list[DetectionRun]:
    """Return all recorded runs.

    Raises
    ------
    DataError
        When a record is damaged.
    """
    runs = []
    for path in sorted((folder or records_folder()).glob("*.json")):
        try:
            runs.append(DetectionRun(**json.loads(path.read_text("utf-8"))))
        except (OSError, ValueError, TypeError) as error:
            raise DataError(
                f"{path} is not a record of a detector ({error}). Delete it and run "
                "tools/label_curve.py again."
            ) from error
    return runs


def judge(
    category: Category, found: Sequence[Boxes], rules: RegionRules
) -> tuple[dict[str, float], dict[str, float]]:
    """Return COCO's scores, with "AP50, one class" among them, and AP50 of each defect."""
    annotations = annotate(category, rules)
    scores = evaluate_boxes(annotations, found)
    kept = {name: scores[name] for name in ("AP", "AP50", "AP75")}
    alike = [replace(boxes, labels=np.zeros_like(boxes.labels)) for boxes in found]
    kept["AP50, one class"] = evaluate_boxes(as_one_class(annotations), alike)["AP50"]
    by_class = ap_per_class(true_boxes(annotations), found, annotations.classes)
    return (
        {name: round(value, 4) for name, value in kept.items()},
        {name: round(value, 4) for name, value in by_class.items()},
    )


def run_case(
    judged: Category, pool: Category, each: int, seed: int, weights: str = "formula"
) -> DetectionRun:
    """Train on the first ``each`` pictures of every class of the pool, and judge.

    However few the pictures, the training has about ``STEPS`` steps.
    """
    rows = first_of_each(pool, each)
    known = annotate(pool, RULES).subset(rows)
    batch = min(BATCH, len(rows))
    epochs = max(1, round(STEPS / -(-len(rows) // batch)))
    settings = box_settings(epochs, seed, weights, batch)
    started = time.perf_counter()
    detector = BoxDetector(settings).fit(pool.test[rows], true_boxes(known), known.classes)
    seconds = time.perf_counter() - started
    scores, by_class = judge(judged, detector.predict(judged.test), RULES)
    return DetectionRun(
        category=judged.name,
        fingerprint=judged.fingerprint,
        each=each,
        weights=weights,
        seed=seed,
        scores=scores,
        by_class=by_class,
        seconds=round(seconds, 1),
        machine=this_machine().describe(),
        settings=asdict(settings),
    )
