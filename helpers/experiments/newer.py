"""The methods of the chapter "What came after", and what there is to say with few photos."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from helpers.data.category import Category, split_good
from helpers.data.load import load_category
from helpers.detectors import catalogue
from helpers.detectors.memory.mutual_scoring import MutualScoring, MutualScoringSettings
from helpers.detectors.memory.patchcore import PatchCoreDetector
from helpers.experiments.cost import timed
from helpers.experiments.detectors import HELD_OUT, Variant, backbone_of, described
from helpers.experiments.detectors import plan as plan_of
from helpers.experiments.store import Experiment, Plan, Provenance, revisions
from helpers.metrics.image import image_auroc
from helpers.metrics.pixel import pixel_report
from helpers.metrics.report import Report
from helpers.metrics.scores import Scores, resize
from helpers.plain import plain
from helpers.profiles import Profile

COMMAND = ".venv/bin/python -m tools.results"
NEWER = Experiment("newer", Report, f"{COMMAND} newer")
PHOTOS = (1, 2, 4, 8, 16)  # how many good photos there may be


@dataclass(frozen=True)
class FewPhotos:
    """What is measured where no photo is left to choose a threshold with.

    Attributes
    ----------
    image_auroc, pixel_auroc, aupro
        See ``Report``.
    image_scores
        Of the test images, in their order.
    """

    image_auroc: float
    pixel_auroc: float
    aupro: float
    image_scores: list[float]


FEW = Experiment("few photos", FewPhotos, f"{COMMAND} few-photos")


def planned(profile: Profile, methods: Sequence[str] = ()) -> Iterator[Plan]:
    """Plan each newer method, or those of the names given, with each of the profile's seeds."""
    category = load_category(profile.category, size=profile.feature_size)
    images = len(split_good(category.train, HELD_OUT)[0])
    for seed in profile.seeds:
        for spec in catalogue.all_newer(profile, images, seed):
            if not methods or spec.name in methods:
                yield plan_of(category, Variant(spec), seed)


def few_planned(profile: Profile) -> Iterator[Plan]:
    """Plan PatchCore with few good photos, and mutual scoring with none, seed by seed."""
    category = load_category(profile.category, size=profile.feature_size)
    for seed in profile.seeds:
        detector = PatchCoreDetector(catalogue.few_photos(profile, seed))
        for count in PHOTOS:
            yield _few(category, "PatchCore", detector, count, seed)
    # Nothing of it is random.
    alone = MutualScoring(MutualScoringSettings(weights=profile.weights))
    yield _few(category, "Mutual scoring", alone, 0, 0)


def _few(category: Category, name: str, detector: Any, photos: int, seed: int) -> Plan:
    def work() -> tuple[FewPhotos, Provenance]:
        chosen = few_photos_of(category, photos, seed)
        seconds = timed(lambda: detector.fit(chosen))[1] if photos else 0.0
        scores, predict_seconds = timed(lambda: detector.predict(category.test))
        provenance = Provenance(
            {"fit": round(seconds, 4), "predict": round(predict_seconds, 4)},
            backbone=backbone_of(detector),
        )
        return few_measured(category, scores), provenance

    return Plan(
        case={"method": name, "photos": photos, "seed": seed},
        settings=plain(detector.settings),
        data=described(category),
        revision=revisions(detector),
        work=work,
    )


def few_photos_of(category: Category, photos: int, seed: int) -> np.ndarray:
    """Return so many of the good photos; the seed decides which, and more begin with the fewer."""
    order = np.random.default_rng(seed).permutation(len(category.train))
    return category.train[order[:photos]]


def few_measured(category: Category, scores: Scores) -> FewPhotos:
    """Measure what needs no threshold."""
    masks = category.fine_masks
    pixels = pixel_report(masks, resize(scores.maps, masks.shape[1:]))
    return FewPhotos(
        image_auroc(category.labels, scores.image),
        pixels.auroc,
        pixels.aupro,
        [float(f"{score:.6g}") for score in scores.image],
    )
