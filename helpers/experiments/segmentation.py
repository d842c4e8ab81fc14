"""How a segmenter fares with few labels, and with a defect type that was never labelled."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from helpers.data.category import Category, split_good
from helpers.data.labelled import Labelled, labelled_pool, labelled_test
from helpers.data.labels import stratified_folds
from helpers.experiments.cost import timed
from helpers.experiments.store import Experiment, Plan, Provenance, data_of, revisions
from helpers.hazelnuts.defects import DEFECT_TYPES
from helpers.metrics.masks import mask_table
from helpers.metrics.pixel import pixel_report
from helpers.metrics.report import check_shares
from helpers.metrics.scores import smooth
from helpers.metrics.working_point import WorkingPoint, working_point_of_maps
from helpers.plain import plain
from helpers.segmentation.segmenter import Segmenter, SegmenterSettings

LABELS = (1, 2, 4, 8, 16)
MOST = 60  # labelled nuts of each defect that the chapter trains on
GOOD_EVERY = 4  # every so many of the good pictures that are fitted to
# Of the image's side, as other maps of the book are: a lone pixel may be sure, and wrong.
SMOOTHING = 1 / 64
PRETRAINED = "imagenet"  # the encoder beside the one that begins at random
PRETRAINED_LABELS = (1, 4, 16)
# Twenty and more trainings: each takes fewer steps than the chapter's own.
SETTINGS = SegmenterSettings(steps=120)


@dataclass(frozen=True)
class MaskCase:
    """One training.

    Attributes
    ----------
    labels
        Labelled nuts of each defect; none where the test pictures are learned from, in folds.
    left_out
        A defect type of which none is labelled; empty for none.
    encoder
        Of the network; see ``helpers.segmentation.unet.unet``.
    folds
        Into how many the test pictures are split; none where nuts are generated to learn from.
    seed
        Decides which nuts are labelled, and the training.
    """

    labels: int | None
    left_out: str = ""
    encoder: str = SETTINGS.encoder
    folds: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class AtRate:
    """What a segmenter marks, smoothed, where a stated share of good parts may have a false alarm.

    Attributes
    ----------
    rate, threshold
        The share, and the threshold chosen for it on held-out good pictures.
    alarms, met
        1 for each test picture on which something is marked, and on which the damage is.
    iou
        For each test picture.
    """

    rate: float
    threshold: float
    alarms: list[int]
    met: list[int]
    iou: list[float]

    @classmethod
    def of(cls, point: WorkingPoint) -> Self:
        """Return it as a record keeps it."""
        return cls(
            point.threshold.asked_false_alarm_rate,
            point.threshold.value,
            point.alarms.astype(int).tolist(),
            point.met.astype(int).tolist(),
            point.overlap.round(4).tolist(),
        )


@dataclass(frozen=True)
class MaskResult:
    """What one segmenter achieved on the category's test pictures.

    Attributes
    ----------
    defects, iou, boundary_f, false_pixels
        For each test picture, in the category's order.
    pixel_auroc, aupro
        Of the probabilities.
    at_rate
        What is marked at another threshold, the same false alarms for all; none in old records.
    """

    defects: list[str]
    iou: list[float]
    boundary_f: list[float]
    false_pixels: list[int]
    pixel_auroc: float
    aupro: float
    at_rate: AtRate | None = None

    def __post_init__(self) -> None:
        check_shares({"pixel_auroc": self.pixel_auroc, "aupro": self.aupro})
        for name in ("iou", "boundary_f"):
            check_shares({f"{name} {i}": value for i, value in enumerate(getattr(self, name))})

    def mean_iou(self, defect_type: str = "") -> float:
        """Mean IoU over the defective pictures, or over those of one type."""
        return self._mean(self.iou, defect_type)

    def found(self, defect_type: str) -> float:
        """Share of a type's pictures on which the mask meets the defect."""
        return self._mean([value > 0 for value in self.iou], defect_type)

    def met_at_rate(self, defect_type: str = "") -> float:
        """Share of the defective pictures, or of one type's, whose defect is met at the rate."""
        return self._mean(self.at_rate.met, defect_type)

    def iou_at_rate(self, defect_type: str = "") -> float:
        """Mean IoU at the rate."""
        return self._mean(self.at_rate.iou, defect_type)

    def alarms_at_rate(self) -> float:
        """Share of the good test pictures on which something is marked at the rate."""
        return self._mean(self.at_rate.alarms, "good")

    def _mean(self, values: Sequence[float], defect_type: str) -> float:
        rows = [
            value
            for value, defect in zip(values, self.defects, strict=True)
            if defect == defect_type or (not defect_type and defect != "good")
        ]
        return float(np.mean(rows))


SEGMENTATION = Experiment("segmentation", MaskResult, "make segmentation")


def curve(seeds: Sequence[int], encoder: str = SETTINGS.encoder) -> list[MaskCase]:
    """List the trainings with few and with all labels, for each seed; fewer of other encoders."""
    numbers = (*LABELS, MOST) if encoder == SETTINGS.encoder else PRETRAINED_LABELS
    return [MaskCase(n, encoder=encoder, seed=seed) for seed in seeds for n in numbers]


def types_left_out(encoder: str = SETTINGS.encoder) -> list[MaskCase]:
    """List the trainings in which one defect type is never labelled."""
    return [MaskCase(MOST, defect_type, encoder) for defect_type in DEFECT_TYPES]


def training_set(category: Category, case: MaskCase) -> Labelled:
    """Return the good pictures and the labelled nuts of a case; another seed, other nuts."""
    pool = labelled_pool(category, dict.fromkeys(DEFECT_TYPES, MOST), case.seed)
    counts = {
        defect_type: 0 if defect_type == case.left_out else case.labels
        for defect_type in DEFECT_TYPES
    }
    return pool.first(counts).with_good(good_parts(category)[0])


def good_parts(category: Category) -> tuple[np.ndarray, np.ndarray]:
    """Return the good pictures that a segmenter is trained on, and those that are held out."""
    fit_images, held_out = split_good(category.train, fraction=0.15, seed=0)
    return fit_images[::GOOD_EVERY], held_out


def plans(
    category: Category, cases: Sequence[MaskCase], settings: SegmenterSettings = SETTINGS
) -> Iterator[Plan]:
    """Plan the trainings of the cases, all tested on the category's test pictures."""
    for case in cases:
        mine = replace(settings, encoder=case.encoder, seed=case.seed)
        yield Plan(
            case=plain(case),
            settings=plain(mine),
            data=data_of(category),
            revision=revisions(Segmenter),
            work=lambda case=case, mine=mine: _work(category, case, mine),
        )


def calm(maps: np.ndarray) -> np.ndarray:
    """Smooth probabilities N×H×W before a threshold is chosen on their maxima."""
    return smooth(maps, SMOOTHING * maps.shape[-1])


def measured(
    maps: np.ndarray, category: Category, threshold: float, good_maps: np.ndarray
) -> MaskResult:
    """Compare probabilities N×H×W with the masks of the category's test pictures.

    Parameters
    ----------
    maps, good_maps
        Of the test pictures, and M×H×W of good pictures that were held out.
    category, threshold
        The test pictures, and the probability above which a pixel is marked.
    """
    table = mask_table(maps > threshold, category.masks, category.defects)
    pixels = pixel_report(category.masks, maps)
    return MaskResult(
        defects=category.defects.tolist(),
        iou=table["IoU"].round(4).tolist(),
        boundary_f=table["boundary F"].round(4).tolist(),
        false_pixels=table["false pixels"].tolist(),
        pixel_auroc=round(pixels.auroc, 4),
        aupro=round(pixels.aupro, 4),
        at_rate=AtRate.of(working_point_of_maps(calm(maps), category.masks, calm(good_maps))),
    )


def _work(
    category: Category, case: MaskCase, settings: SegmenterSettings
) -> tuple[MaskResult, Provenance]:
    if case.folds is None:
        known, segmenter = training_set(category, case), Segmenter(settings)
        _, seconds = timed(lambda: segmenter.fit(known.images, known.masks))
        maps = segmenter.predict(category.test).maps
        good_maps = segmenter.predict(good_parts(category)[1]).maps
    else:
        (maps, good_maps), seconds = timed(lambda: _out_of_fold(category, case, settings))
    result = measured(maps, category, settings.threshold, good_maps)
    return result, Provenance({"fit": round(seconds, 1)})


def _out_of_fold(
    category: Category, case: MaskCase, settings: SegmenterSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Segment each test picture by what has learned from the other folds and good pictures.

    Of the held-out good pictures each fold's segmenter sees its share, so that test pictures and
    good ones have been judged by the same segmenters.
    """
    everything = labelled_test(category)
    good, held_out = good_parts(category)
    _, labels = np.unique(category.defects, return_inverse=True)
    fold = stratified_folds(labels, case.folds, case.seed)
    share = np.arange(len(held_out)) % case.folds
    maps = np.empty(category.masks.shape, np.float32)
    good_maps = np.empty((len(held_out), *maps.shape[1:]), np.float32)
    for number in range(case.folds):
        inside, mine = fold == number, share == number
        known = everything.subset(np.flatnonzero(~inside)).with_good(good)
        segmenter = Segmenter(settings).fit(known.images, known.masks)
        maps[inside] = segmenter.predict(category.test[inside]).maps
        if mine.any():
            good_maps[mine] = segmenter.predict(held_out[mine]).maps
    return maps, good_maps
