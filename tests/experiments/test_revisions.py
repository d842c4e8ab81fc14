"""A method that computes something else gets another revision number, so that its records are old.

Every method of the book learns from a few tiny pictures and scores others. What came out when its
``revision`` was last raised stands in ``revisions.json``. After a deliberate change, raise the
number beside the method, then remake the file:

    .venv/bin/python -m tests.experiments.test_revisions
"""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from helpers.annotations.regions import RegionRules
from helpers.data.category import Category
from helpers.data.labelled import Labelled
from helpers.detection.boxes import make_boxes
from helpers.detection.detector import BoxDetector
from helpers.detectors import catalogue
from helpers.experiments.detection import box_settings
from helpers.experiments.detection import measured as measured_boxes
from helpers.experiments.promptable import TuningSettings, tune
from helpers.long_tail.classifier import REMEDIES, ClassifierSettings, DefectClassifier
from helpers.long_tail.recipe import RecipeClassifier, RecipeSettings
from helpers.metrics import REVISION, Scores, evaluate
from helpers.metrics.classes import average_precision_per_class, confusion_matrix, reliability
from helpers.metrics.masks import mask_table
from helpers.networks.training import TrainingSettings
from helpers.profiles import PROFILES
from helpers.segmentation.promptable_model import load_promptable
from helpers.segmentation.prompts import Prompt
from helpers.segmentation.segmenter import Segmenter, SegmenterSettings
from tests.stripes import moving_stripes
from tests.tiny import KNOWN, SIDE, TINY

FILE = Path(__file__).with_name("revisions.json")
SPOT = (slice(24, 34), slice(40, 50))
RANDOM = replace(TINY, weights="random", crop_weights=PROFILES["quick"].crop_weights)
# Another processor rounds differently; another computation is far off.
TOLERANCE = 0.01


def damaged(count, seed):
    pictures = moving_stripes(count, seed, SIDE)
    pictures[::2, :, *SPOT] = 20
    return pictures


TEST = damaged(6, seed=1)


def one_class():
    """Return each detector's class and the scores of the tiny pictures."""
    known = moving_stripes(KNOWN, side=SIDE)
    makers = {
        spec.name: spec.detector
        for every in (catalogue.all_attempts, catalogue.all_strategies, catalogue.all_newer)
        for spec in every(RANDOM, KNOWN)
    }
    for name, make in makers.items():
        detector = make()
        yield name, detector, lambda d=detector: d.fit(known).predict(TEST).image


def supervised():
    """Return each method that learns from labels, and what it says of the tiny pictures."""
    known = damaged(KNOWN, seed=2)
    masks = np.zeros((KNOWN, SIDE, SIDE), bool)
    masks[::2, *SPOT] = True
    segmenter = Segmenter(SegmenterSettings(width=8, levels=3, steps=4, batch_size=4, crop=32))
    yield "Segmenter", segmenter, lambda: segmenter.fit(known, masks).predict(TEST).image

    boxes = [make_boxes([[40, 24, 50, 34]] if row % 2 == 0 else []) for row in range(KNOWN)]
    settings = box_settings(epochs=2, weights="random", batch_size=8)
    finder = BoxDetector(
        replace(settings, network=replace(settings.network, width=32, score_threshold=0.0))
    )

    def surest():
        found = finder.fit(known, boxes, ("spot",)).predict(TEST)
        return np.array([each.scores.max() for each in found])

    yield "BoxDetector", finder, surest

    spots = Labelled(known[::2], np.ones(KNOWN // 2, int), ("good", "spot"), masks[::2])
    tuning = TuningSettings(side=32, steps=3)
    box = Prompt(box=(36.0, 20.0, 53.0, 37.0))

    def outlined():
        sam = load_promptable("random", side=tuning.side)
        tune(sam, spots, tuning)
        with torch.inference_mode():
            return sam.logits(sam.embed(TEST), [box] * len(TEST), SIDE).mean((1, 2)).numpy()

    yield "TuningSettings", tuning, outlined

    labels = np.array([1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    training = TrainingSettings(epochs=2, batch_size=4, learning_rate=1e-3)
    for name, remedy in REMEDIES.items():
        classifier = DefectClassifier(ClassifierSettings(remedy, "random", training=training))
        yield name, classifier, lambda c=classifier: c.fit(known, labels).predict(TEST)[:, 1]
    for alpha in (None, 0.2):
        settings = RecipeSettings(alpha, "resnet18", "random", epochs=1, batch_size=4)
        classifier = RecipeClassifier(settings)
        yield (
            f"{type(classifier).__name__}, α {alpha}",
            classifier,
            lambda c=classifier: c.fit(known, labels, (known, labels)).predict(TEST)[:, 1],
        )


class Measures:
    """The measures have one revision among them."""

    revision = REVISION


def measures():
    """Return what is measured of made-up scores, masks, probabilities and boxes.

    Not the interval of the AUROC: a chapter computes it from a record's scores when it reads them.
    """
    rng = np.random.default_rng(0)
    defects = np.repeat(["good", "crack", "hole"], (8, 6, 6))
    masks = np.zeros((20, 32, 32), bool)
    masks[8:, 10:20, 5:17] = True
    maps = rng.random((20, 32, 32)).astype(np.float32) + 0.4 * masks
    files = tuple(f"test/{defect}/{row}.png" for row, defect in enumerate(defects))
    pictures = np.zeros((20, 3, 32, 32), np.uint8)
    category = Category(
        "nut", pictures, pictures, (defects != "good").astype(int), defects, masks, "made up", "",
        files, files,
    )  # fmt: skip
    scores = Scores(maps.mean((1, 2)) + rng.normal(0, 0.1, 20).astype(np.float32), maps)
    report = evaluate(category, scores, Scores(scores.image[:8], maps[:8]))
    yield from (report.image_auroc, report.average_precision, report.pixel_auroc)
    yield from (report.pixel_average_precision, report.aupro, report.f1, report.threshold.value)
    yield from report.auroc_per_defect.values()
    table = mask_table(maps > 0.9, masks, defects)
    yield from table[["IoU", "boundary F", "false pixels"]].mean()
    labels = np.repeat([0, 1, 2], (8, 6, 6))
    probabilities = rng.dirichlet((1, 1, 1), 20) * 0.6 + 0.4 * np.eye(3)[labels]
    yield from confusion_matrix(labels, probabilities).ravel()
    yield from average_precision_per_class(labels, probabilities)
    yield reliability(labels, probabilities).error
    found = [make_boxes([[5, 10, 16, 20 + row % 3]], [row % 2], [row / 20]) for row in range(20)]
    result = measured_boxes(category, found, RegionRules())
    yield from [*result.scores.values(), *result.by_class.values()]


def methods():
    yield from one_class()
    yield from supervised()
    yield "measures", Measures(), lambda: list(measures())


def scores(compute):
    """Return what a method computes in single precision and on one thread, as numbers."""
    threads, precision = torch.get_num_threads(), os.environ.get("ONE_BAD_NUT_PRECISION")
    device = os.environ.get("ONE_BAD_NUT_DEVICE")
    os.environ.update(ONE_BAD_NUT_PRECISION="float32", ONE_BAD_NUT_DEVICE="cpu")
    torch.set_num_threads(1)
    try:
        return [float(f"{value:.6g}") for value in np.asarray(compute(), float)]
    finally:
        torch.set_num_threads(threads)
        for name, value in (
            ("ONE_BAD_NUT_PRECISION", precision),
            ("ONE_BAD_NUT_DEVICE", device),
        ):
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def same(name, a, b):
    tolerance = 1e-5 if name == "measures" else TOLERANCE * np.ptp(b)
    return len(a) == len(b) and np.allclose(a, b, rtol=1e-5, atol=tolerance)


EXPECTED = json.loads(FILE.read_text("utf-8")) if FILE.is_file() else {}
METHODS = {name: (method, compute) for name, method, compute in methods()}


@pytest.mark.parametrize("name", METHODS)
def test_what_a_method_computes_belongs_to_its_revision(name):
    method, compute = METHODS[name]
    expected = EXPECTED[name]
    assert method.revision == expected["revision"], (
        f"{type(method).__name__} has a new revision: run "
        "`.venv/bin/python -m tests.experiments.test_revisions`, then `make results`."
    )
    assert same(name, scores(compute), expected["scores"]), (
        f"{type(method).__name__} computes something else than before. Where that is meant, raise "
        "its `revision`, run `.venv/bin/python -m tests.experiments.test_revisions`, then "
        "`make results`: the records of the old revision are run again."
    )


def test_nothing_else_is_expected():
    assert set(EXPECTED) == set(METHODS)


def main():
    """Write what every method computes now; refuse where that changed and the revision did not."""
    now = {
        name: {"revision": method.revision, "scores": scores(compute)}
        for name, (method, compute) in METHODS.items()
    }
    for name in set(now) & set(EXPECTED):
        before = EXPECTED[name]
        if before["revision"] == now[name]["revision"]:
            if not same(name, now[name]["scores"], before["scores"]):
                raise SystemExit(f"{name} computes something else: raise its `revision` first.")
            now[name] = before
    lines = (f" {json.dumps(k, ensure_ascii=False)}: {json.dumps(v)}" for k, v in now.items())
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


if __name__ == "__main__":
    main()
