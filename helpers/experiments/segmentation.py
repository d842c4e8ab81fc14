"""How a segmenter fares with few labels, and with a kind of defect that was never labelled."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from helpers.data.category import Category
from helpers.data.labelled import Labelled, labelled_pool
from helpers.errors import DataError
from helpers.experiments.report import environment, plain, timed
from helpers.files import whole_file
from helpers.hazelnuts.defects import DEFECT_TYPES
from helpers.metrics.masks import mask_table
from helpers.metrics.pixel import pixel_report
from helpers.paths import project_root
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
        Labelled nuts of each defect.
    left_out
        A kind of defect of which none is labelled; empty for none.
    seed
        Decides which nuts are labelled, and the training.
    """

    labels: int
    left_out: str = ""
    seed: int = 0

    @property
    def name(self) -> str:
        """Of the record's file."""
        without = f"-without-{self.left_out}" if self.left_out else ""
        return f"{self.labels}-labels{without}-seed-{self.seed}"


@dataclass(frozen=True)
class MaskRun:
    """What one segmenter achieved on the category's test pictures.

    Attributes
    ----------
    case, settings
        What was trained, and how, as nested dictionaries.
    data
        Category, source, size and fingerprint.
    defects, iou, boundary_f, false_pixels
        For each test picture, in the category's order.
    pixel_auroc, aupro
        Of the probabilities.
    seconds
        Of the training.
    environment
        Machine kind, number format and versions.
    """

    case: dict
    settings: dict
    data: dict
    defects: list[str]
    iou: list[float]
    boundary_f: list[float]
    false_pixels: list[int]
    pixel_auroc: float
    aupro: float
    seconds: float
    environment: dict[str, str]

    def mean_iou(self, kind: str = "") -> float:
        """Mean IoU over the defective pictures, or over those of one kind."""
        rows = [
            value
            for value, defect in zip(self.iou, self.defects, strict=True)
            if defect == kind or (not kind and defect != "good")
        ]
        return float(np.mean(rows))

    def found(self, kind: str) -> float:
        """Share of a kind's pictures on which the mask meets the defect."""
        rows = [v > 0 for v, d in zip(self.iou, self.defects, strict=True) if d == kind]
        return float(np.mean(rows))


def curve(seeds: Sequence[int]) -> list[MaskCase]:
    """List the trainings with few and with all labels, for each seed."""
    return [MaskCase(labels, "", seed) for seed in seeds for labels in (*LABELS, MOST)]


def kinds_left_out() -> list[MaskCase]:
    """List the trainings in which one kind of defect is never labelled."""
    return [MaskCase(MOST, kind, 0) for kind in DEFECT_TYPES]


def training_set(category: Category, case: MaskCase) -> Labelled:
    """Return the good pictures and the labelled nuts of a case; another seed, other nuts."""
    pool = labelled_pool(category, dict.fromkeys(DEFECT_TYPES, MOST), case.seed)
    counts = {kind: 0 if kind == case.left_out else case.labels for kind in DEFECT_TYPES}
    return pool.first(counts).with_good(category.train[::GOOD_EVERY])


def judge(
    case: dict, settings: SegmenterSettings, category: Category, maps: np.ndarray, seconds: float
) -> MaskRun:
    """Measure probabilities N×H×W of the category's test pictures."""
    table = mask_table(maps > settings.threshold, category.masks, category.defects)
    pixels = pixel_report(category.masks, maps)
    return MaskRun(
        case=case,
        settings=plain(settings),
        data=_data(category),
        defects=category.defects.tolist(),
        iou=table["IoU"].round(4).tolist(),
        boundary_f=table["boundary F"].round(4).tolist(),
        false_pixels=table["false pixels"].tolist(),
        pixel_auroc=round(pixels.auroc, 4),
        aupro=round(pixels.aupro, 4),
        seconds=round(seconds, 1),
        environment=environment(),
    )


def run_all(
    category: Category, folder: Path, cases: Sequence[MaskCase], settings: SegmenterSettings
) -> Iterator[MaskRun]:
    """Run what is not yet recorded, and yield each run.

    Raises
    ------
    DataError
        When a record is damaged or cannot be written.
    """
    for case in cases:
        mine = SegmenterSettings(**{**vars(settings), "seed": case.seed})
        path = folder / f"{case.name}.json"
        run = load(path) if path.is_file() else None
        wanted = (asdict(case), plain(mine), _data(category))
        if run is None or (run.case, run.settings, run.data) != wanted:
            known = training_set(category, case)
            segmenter = Segmenter(mine)
            _, seconds = timed(lambda: segmenter.fit(known.images, known.masks))  # noqa: B023
            maps = segmenter.predict(category.test).maps
            run = judge(asdict(case), mine, category, maps, seconds)
            save(run, path)
        yield run


def save(run: MaskRun, path: Path) -> None:
    """Write a record, whole or not at all."""
    with whole_file(path) as work:
        work.write_text(json.dumps(asdict(run), ensure_ascii=False) + "\n", "utf-8")


def load(path: Path) -> MaskRun:
    """Read a record.

    Raises
    ------
    DataError
        When the file is missing or is no such record.
    """
    try:
        return MaskRun(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise DataError(
            f"{path} is not a record of this book ({error}). Remove it, then run tools/masks.py "
            "again."
        ) from error


def load_runs(folder: Path) -> list[MaskRun]:
    """Return all records in a folder, by name.

    Raises
    ------
    DataError
        When one is damaged.
    """
    return [load(path) for path in sorted(folder.glob("*.json"))]


def record_folder(name: str = "quick") -> Path:
    """Return where the records that the book reads are kept."""
    return project_root() / "book" / "records" / "masks" / name


def _data(category: Category) -> dict:
    return {
        "category": category.name,
        "source": category.source,
        "size": category.test.shape[-1],
        "fingerprint": category.fingerprint,
    }
