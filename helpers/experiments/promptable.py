"""How many labels a promptable segmenter needs beside an anomaly map, and how many a U-Net.

All are brought to the same false alarms by one rule: a mask ends where its probability passes a
half, and a region of it is shown where its evidence passes a threshold from good parts (see
``helpers.segmentation.map_prompts.region_scores``). The evidence for what the segmenter outlines is
PatchCore's map, which asked it; for the U-Net it is its own probability, smoothed, and once more
PatchCore's map, so that neither has what the other lacks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import chain
from typing import Any, ClassVar

import numpy as np

from helpers.augmentation.turns import turned
from helpers.data.category import Category, split_good
from helpers.data.labelled import Labelled, labelled_pool
from helpers.detectors.memory.patchcore import PatchCoreDetector, PatchCoreSettings
from helpers.experiments.cost import timed
from helpers.experiments.segmentation import (
    LABELS,
    AtRate,
    calm,
    good_parts,
)
from helpers.experiments.segmentation import SETTINGS as UNET
from helpers.experiments.store import Experiment, Plan, Provenance, data_of, revisions
from helpers.formulas.scenes import draw_scenes, draw_textures
from helpers.hazelnuts.defects import DEFECT_TYPES
from helpers.metrics.masks import iou
from helpers.metrics.report import check_shares
from helpers.metrics.working_point import working_point_of_maps
from helpers.networks.training import TrainingSettings
from helpers.networks.weights import model_card
from helpers.plain import plain
from helpers.segmentation.map_prompts import HALF, probabilities_by_maps, region_scores
from helpers.segmentation.promptable_model import FOLDER, Promptable, file_of, load_promptable
from helpers.segmentation.promptable_scores import (
    Questions,
    object_ious,
    object_masks,
    questions_of,
    questions_of_scenes,
)
from helpers.segmentation.prompts import prompted_objects
from helpers.segmentation.sam_fine_tuning import FineTuning, fine_tune
from helpers.segmentation.segmenter import Segmenter, SegmenterSettings

PRETRAINED, RANDOM, SCRATCH = "pretrained", "random weights", "U-Net"
MODELS = (PRETRAINED, RANDOM, SCRATCH)
OWN, MAP = "own", "map"  # kinds of evidence
WEIGHTS = {PRETRAINED: "loose", RANDOM: "random"}
SCENES, TEXTURES, SCENES_SEED = 60, 20, 4242  # that nothing was trained on


@dataclass(frozen=True)
class TuningSettings:
    """How the mask decoder is fine-tuned; chosen on other nuts than those of any record.

    Attributes
    ----------
    side
        Of the pictures that the segmenter sees.
    level
        Of the boxes in test pictures, between a map's median and its maximum.
    steps, batch_size, learning_rate, jitter, seed
        See ``FineTuning``; of steps about so many, however few the labels.
    """

    revision: ClassVar[int] = 1
    side: int = 256
    level: float = 0.6
    steps: int = 150
    batch_size: int = 8
    learning_rate: float = 5e-4
    jitter: float = 0.15
    seed: int = 0


# Random numbers learn better at a higher rate than what was pretrained.
SETTINGS = {PRETRAINED: TuningSettings(), RANDOM: TuningSettings(learning_rate=2e-3), SCRATCH: UNET}


@dataclass(frozen=True)
class TuningCase:
    """One training, or none.

    Attributes
    ----------
    model
        One of ``MODELS``.
    labels
        Labelled nuts of each defect; 0 for the segmenter as it ships.
    seed
        Decides which nuts are labelled, random weights, and the training.
    """

    model: str
    labels: int
    seed: int = 0


@dataclass(frozen=True)
class TuningResult:
    """What one segmenter achieved on the category's test pictures.

    Attributes
    ----------
    defects
        Of each test picture.
    at_rate
        What is shown at equal false alarms by evidence of a kind: ``MAP``, and ``OWN`` of a U-Net.
    half
        IoU of all that has a probability above a half, for each test picture.
    true_boxes
        For each defective picture, the IoU of what is found by the boxes of the true masks; none
        of a model that takes no prompt.
    scenes
        Mean IoU of the objects of unseen formula scenes, by their boxes; none likewise.
    """

    defects: list[str]
    at_rate: dict[str, AtRate]
    half: list[float]
    true_boxes: list[float] | None = None
    scenes: float | None = None

    def __post_init__(self) -> None:
        lists = [self.half, self.true_boxes or [], *(each.iou for each in self.at_rate.values())]
        check_shares({f"value {i}": value for i, value in enumerate(chain(*lists))})
        check_shares({} if self.scenes is None else {"scenes": self.scenes})

    def of_defective(self, values: Sequence[float]) -> np.ndarray:
        """Return those values, one for each test picture, that are of defective ones."""
        return np.array(values, float)[np.array(self.defects) != "good"]

    def share(self, values: Sequence[float], defect: str) -> float:
        """Return the mean of values, one for each test picture, over those of a type, or good."""
        return float(np.array(values, float)[np.array(self.defects) == defect].mean())


PROMPTABLE = Experiment("promptable", TuningResult, "make segmentation")


@dataclass(frozen=True, eq=False)
class Line:
    """The nuts, and PatchCore's maps of them: what all runs share, computed when first wanted.

    Attributes
    ----------
    category
        Generated hazelnuts.
    patchcore
        Fitted to every other picture of those that are not held out.
    """

    category: Category
    patchcore: PatchCoreSettings

    @cached_property
    def good(self) -> np.ndarray:
        """Good parts for the U-Net to learn from, those of the chapter's curve."""
        return good_parts(self.category)[0]

    @property
    def asked(self) -> tuple[np.ndarray, np.ndarray]:
        """The test pictures, and the good ones that are held out."""
        return self.category.test, good_parts(self.category)[1]

    @cached_property
    def maps(self) -> tuple[np.ndarray, np.ndarray]:
        """PatchCore's maps of the two."""
        fit_images, _ = split_good(self.category.train, fraction=0.15, seed=0)
        detector = PatchCoreDetector(self.patchcore).fit(fit_images[::2])
        return tuple(detector.predict(images).maps for images in self.asked)

    def labelled(self, labels: int, seed: int) -> Labelled:
        """Return so many labelled nuts of each defect: those of ``segmentation.training_set``."""
        pool = labelled_pool(self.category, dict.fromkeys(DEFECT_TYPES, max(LABELS)), seed)
        return pool.first(dict.fromkeys(DEFECT_TYPES, labels))


def cases(seeds: Sequence[int], models: Sequence[str] = MODELS) -> list[TuningCase]:
    """List the segmenter as it ships, then every training."""
    untrained = [TuningCase(PRETRAINED, 0)] if PRETRAINED in models else []
    return untrained + [TuningCase(m, n, seed) for m in models for seed in seeds for n in LABELS]


def plans(
    category: Category,
    patchcore: PatchCoreSettings,
    wanted: Sequence[TuningCase],
    settings: Mapping[str, TuningSettings | SegmenterSettings] = SETTINGS,
) -> Iterator[Plan]:
    """Plan the runs of the cases, all tested on the category's test pictures."""
    line = Line(category, patchcore)
    for case in wanted:
        mine = replace(settings[case.model], seed=case.seed)
        yield Plan(
            case=plain(case),
            settings=settings_of(case, mine, patchcore),
            data=data_of(category),
            revision=revisions(Segmenter if case.model == SCRATCH else TuningSettings),
            work=lambda case=case, mine=mine: _work(line, case, mine),
        )


def settings_of(
    case: TuningCase, mine: TuningSettings | SegmenterSettings, patchcore: PatchCoreSettings
) -> dict[str, Any]:
    """Return what was chosen for a case; weights that ship are told by their checksum."""
    chosen = {"training": plain(mine), "patchcore": plain(patchcore)}
    if case.model == PRETRAINED:
        chosen["weights"] = model_card(file_of(WEIGHTS[PRETRAINED]), FOLDER)["sha256"]
    return chosen


def measured(
    category: Category,
    found: tuple[np.ndarray, np.ndarray],
    evidence: Mapping[str, tuple[np.ndarray, np.ndarray]],
) -> TuningResult:
    """Compare probabilities with the test pictures' masks, at equal false alarms.

    Parameters
    ----------
    category
        The test pictures.
    found
        Probabilities N×H×W of the test pictures, and M×H×W of good pictures held out.
    evidence
        By its kind, likewise.
    """
    at_rate = {}
    for kind, pair in evidence.items():
        shown, good = (region_scores(*both) for both in zip(found, pair, strict=True))
        at_rate[kind] = AtRate.of(working_point_of_maps(shown, category.masks, good))
    half = overlaps(found[0] > HALF, category.masks)
    return TuningResult(category.defects.tolist(), at_rate, half.round(4).tolist())


def overlaps(found: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Return the IoU of each of N masks with its truth: N."""
    return np.array([iou(*pair) for pair in zip(found, masks, strict=True)])


def by_true_boxes(sam: Promptable, images: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Return the IoU of each picture's mask, asked by the boxes of its true regions: N."""
    asked, found = questions_of(images, masks), np.zeros(masks.shape, bool)
    np.logical_or.at(found, asked.rows, object_masks(sam, asked))
    return overlaps(found, masks)


def tune(sam: Promptable, known: Labelled, settings: TuningSettings) -> list[float]:
    """Fine-tune the mask decoder in place, on labelled pictures in all eight positions.

    Returns the mean loss of each epoch. There are as many epochs as make ``settings.steps`` steps,
    or nearly so, and one at least, however few the pictures.
    """
    images, masks = turned(known.images), turned(known.masks)
    objects = sum(len(prompted_objects(mask)) for mask in masks)
    steps = max(1, -(-objects // settings.batch_size))  # of an epoch
    epochs = max(1, round(settings.steps / steps))
    training = TrainingSettings(epochs, settings.batch_size, settings.learning_rate, settings.seed)
    return fine_tune(sam, images, masks, FineTuning(training, jitter=settings.jitter))


@cache
def unseen_scenes() -> Questions:
    """Ask for each object of scenes that nothing was trained on."""
    textures = draw_textures(TEXTURES, SCENES_SEED)
    return questions_of_scenes(draw_scenes(SCENES, SCENES_SEED, textures))


def _work(
    line: Line, case: TuningCase, mine: TuningSettings | SegmenterSettings
) -> tuple[TuningResult, Provenance]:
    known = line.labelled(case.labels, case.seed) if case.labels else None
    if case.model == SCRATCH:
        return _scratch(line, known.with_good(line.good), mine)
    sam = load_promptable(WEIGHTS[case.model], seed=case.seed, side=mine.side)
    seconds = timed(lambda: tune(sam, known, mine))[1] if known else 0.0
    return _prompted(line, sam, mine.level), _took(seconds)


def _scratch(
    line: Line, known: Labelled, mine: SegmenterSettings
) -> tuple[TuningResult, Provenance]:
    segmenter = Segmenter(mine)
    _, seconds = timed(lambda: segmenter.fit(known.images, known.masks))
    found = tuple(segmenter.predict(images).maps for images in line.asked)
    evidence = {OWN: tuple(map(calm, found)), MAP: line.maps}
    return measured(line.category, found, evidence), _took(seconds)


def _prompted(line: Line, sam: Promptable, level: float) -> TuningResult:
    found = tuple(
        probabilities_by_maps(sam, sam.embed(images), maps, level)
        for images, maps in zip(line.asked, line.maps, strict=True)
    )
    nuts, damaged = line.category, line.category.masks.any((1, 2))
    by_boxes = by_true_boxes(sam, nuts.test[damaged], nuts.masks[damaged])
    return replace(
        measured(nuts, found, {MAP: line.maps}),
        true_boxes=by_boxes.round(4).tolist(),
        scenes=round(float(object_ious(sam, unseen_scenes()).mean()), 4),
    )


def _took(seconds: float) -> Provenance:
    return Provenance({"fit": round(seconds, 1)})
