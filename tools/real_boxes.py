"""Detect defects with boxes on a real category's own test images, in stratified folds."""

import argparse
import json

import numpy as np

from helpers.annotations.objects import annotate
from helpers.annotations.regions import RegionRules
from helpers.data.category import split_good
from helpers.data.labels import stratified_folds
from helpers.data.load import load_category
from helpers.detection.boxes import (
    as_one_class,
    boxes_from_maps,
    evaluate_boxes,
    make_boxes,
    true_boxes,
)
from helpers.detection.detector import BoxDetector
from helpers.detectors.memory.patchcore import PatchCoreDetector, PatchCoreSettings
from helpers.experiments.detection import box_settings, judge, records_folder
from helpers.files import whole_file
from helpers.profiles import current_profile


def main() -> None:
    """Print COCO's scores of all out-of-fold boxes together, and of boxes from PatchCore's map."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--good", type=int, default=20, help="good training images in each fold")
    parser.add_argument("--join", type=int, default=8, help="join regions within these pixels")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    category = load_category(current_profile().category, size=chosen.size)
    rules = RegionRules(least_area=2, join_within=chosen.join)
    annotations = annotate(category, rules)
    print(annotations)
    boxes = true_boxes(annotations)
    names = sorted(set(category.defects.tolist()))
    labels = np.array([names.index(defect) for defect in category.defects])
    fold = stratified_folds(labels, chosen.folds, chosen.seed)
    found = [make_boxes([])] * len(labels)
    for number in range(chosen.folds):
        known, asked = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        images = np.concatenate([category.test[known], category.train[: chosen.good]])
        truth = [boxes[row] for row in known] + [make_boxes([])] * chosen.good
        detector = BoxDetector(box_settings(chosen.epochs, chosen.seed))
        detector.fit(images, truth, annotations.classes)
        for row, each in zip(asked, detector.predict(category.test[asked]), strict=True):
            found[row] = each
        print(f"fold {number + 1} of {chosen.folds}", flush=True)
    scores, by_class = judge(category, found, rules)

    fit_images, held_out = split_good(category.train, fraction=0.15, seed=0)
    memory = PatchCoreDetector(PatchCoreSettings(weights="formula")).fit(fit_images)
    threshold = float(np.quantile(memory.predict(held_out).maps.max((1, 2)), 0.95))
    seen = boxes_from_maps(memory.predict(category.test).maps, threshold, rules)
    record = {
        "arguments": vars(chosen),
        "category": category.name,
        "source": category.source,
        "fingerprint": category.fingerprint,
        "pictures": len(labels),
        "objects": sum(map(len, boxes)),
        "scores": scores,
        "by_class": by_class,
        "PatchCore's map": {
            name: round(evaluate_boxes(as_one_class(annotations), seen)[name], 4)
            for name in ("AP", "AP50", "AP75")
        },
    }
    print(json.dumps(record, indent=1))
    with whole_file(records_folder() / "real" / f"{category.name}.json") as path:
        path.write_text(json.dumps(record, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
