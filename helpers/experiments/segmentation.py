"""How a segmenter fares with few labels, and with a defect type that was never labelled."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from helpers.data.category import Category
from helpers.data.labelled import Labelled, labelled_pool, labelled_test
from helpers.data.labels import stratified_folds
from helpers.experiments.cost import timed
from helpers.experiments.store import Experiment, Plan, Provenance, data_of, plain, revisions
from helpers.hazelnuts.defects import DEFECT_TYPES
from helpers.metrics.masks import mask_table
from helpers.metrics.pixel import pixel_report
from helpers.metrics.report import check_shares
from helpers.segmentation.segmenter import Segmenter, SegmenterSettings

LABELS = (1, 2, 4, 8, 16)
MOST = 60  # labelled nuts of each defect that the chapter trains on
GOOD_EVERY = 4  # every so many of the good training pictures
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
class MaskResult:
    """What one segmenter achieved on the category's test pictures.

    Attributes
    ----------
    defects, iou, boundary_f, false_pixels
        For each test picture, in the category's order.
    pixel_auroc, aupro
        Of the probabilities.
    """

    defects: list[str]
    iou: list[float]
    boundary_f: list[float]
    false_pixels: list[int]
    pixel_auroc: float
    aupro: float

    def __post_init__(self) -> None:
        check_shares({"pixel_auroc": self.pixel_auroc, "aupro": self.aupro})
        for name in ("iou", "boundary_f"):
            check_shares({f"{name} {i}": value for i, value in enumerate(getattr(self, name))})

    def mean_iou(self, defect_type: str = "") -> float:
        """Mean IoU over the defective pictures, or over those of one type."""
        rows = [
            value
            for value, defect in zip(self.iou, self.defects, strict=True)
            if defect == defect_type or (not defect_type and defect != "good")
        ]
        return float(np.mean(rows))

    def found(self, defect_type: str) -> float:
        """Share of a type's pictures on which the mask meets the defect."""
        rows = [v > 0 for v, d in zip(self.iou, self.defects, strict=True) if d == defect_type]
        return float(np.mean(rows))


SEGMENTATION = Experiment("segmentation", MaskResult, "make segmentation")


def curve(seeds: Sequence[int], encoder: str = SETTINGS.encoder) -> list[MaskCase]:
    """List the trainings with few and with all labels, for each seed."""
    numbers = (*LABELS, MOST)
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
    return pool.first(counts).with_good(category.train[::GOOD_EVERY])


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


def measured(maps: np.ndarray, category: Category, threshold: float) -> MaskResult:
    """Compare probabilities N×H×W with the masks of the category's test pictures."""
    table = mask_table(maps > threshold, category.masks, category.defects)
    pixels = pixel_report(category.masks, maps)
    return MaskResult(
        defects=category.defects.tolist(),
        iou=table["IoU"].round(4).tolist(),
        boundary_f=table["boundary F"].round(4).tolist(),
        false_pixels=table["false pixels"].tolist(),
        pixel_auroc=round(pixels.auroc, 4),
        aupro=round(pixels.aupro, 4),
    )


def _work(
    category: Category, case: MaskCase, settings: SegmenterSettings
) -> tuple[MaskResult, Provenance]:
    if case.folds is None:
        known, segmenter = training_set(category, case), Segmenter(settings)
        _, seconds = timed(lambda: segmenter.fit(known.images, known.masks))
        maps = segmenter.predict(category.test).maps
    else:
        maps, seconds = timed(lambda: _out_of_fold(category, case, settings))
    return measured(maps, category, settings.threshold), Provenance({"fit": round(seconds, 1)})


def _out_of_fold(category: Category, case: MaskCase, settings: SegmenterSettings) -> np.ndarray:
    """Segment each test picture by what has learned from the other folds and good pictures."""
    everything = labelled_test(category)
    _, labels = np.unique(category.defects, return_inverse=True)
    fold = stratified_folds(labels, case.folds, case.seed)
    maps = np.empty(category.masks.shape, np.float32)
    for number in range(case.folds):
        inside = fold == number
        known = everything.subset(np.flatnonzero(~inside)).with_good(category.train[::GOOD_EVERY])
        segmenter = Segmenter(settings).fit(known.images, known.masks)
        maps[inside] = segmenter.predict(category.test[inside]).maps
    return maps
