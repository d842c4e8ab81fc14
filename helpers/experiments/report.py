"""What a detector achieved, how it was measured, and the JSON record of both."""

import json
import platform
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import torch

from helpers.data.category import Category
from helpers.detectors.base import Detector
from helpers.errors import DataError
from helpers.experiments.record_codes import code_of
from helpers.files import whole_file
from helpers.machine import this_machine
from helpers.metrics.image import Confusion, Interval, image_report
from helpers.metrics.pixel import pixel_report
from helpers.metrics.scores import Scores
from helpers.metrics.threshold import Threshold, threshold_from_good
from helpers.paths import project_root
from helpers.profiles import current_profile

Result = TypeVar("Result")

LIBRARIES = ("numpy", "pillow", "scikit-learn", "scipy", "torch", "torchvision")


@dataclass(frozen=True)
class Report:
    """All metrics of one run, with everything needed to know where they come from.

    Attributes
    ----------
    method
        The detector's name, the same everywhere in the book.
    seed
        Of the run.
    settings
        The detector's settings, as nested dictionaries.
    backbone
        Which pretrained weights the detector stands on, and why these; empty when it has none.
    data
        Category, source, image size, counts and the fingerprint of the files.
    image_auroc, image_auroc_interval
        Area under the ROC curve of the image scores, with its 95 % bootstrap interval.
    average_precision
        Of the image scores.
    pixel_auroc, pixel_average_precision, aupro
        Of the maps; AUPRO up to a false positive rate of 0.3.
    image_scores
        Of each test image, in the category's order.
    auroc_per_defect
        Image AUROC of each defect type against all good test images.
    threshold
        Chosen on held-out good images, with the false-alarm rate to expect.
    confusion, f1
        What that threshold does on the test set.
    numbers_kept
        How many numbers the fitted detector keeps, weights, statistics and memory together.
    seconds
        Durations, such as ``{"fit": 12.3, "predict": 0.4}``.
    environment
        Profile, machine kind, number format, Python and library versions.
    memory
        Bytes, such as ``{"fit": 3e8, "predict": 1e8, "on disk": 1e7}``; empty when not measured.
    code
        Fingerprint of the code that made it, see ``record_codes``; empty when not known.
    """

    method: str
    seed: int
    settings: dict[str, Any]
    backbone: str
    data: dict[str, Any]
    image_auroc: float
    image_auroc_interval: Interval
    average_precision: float
    pixel_auroc: float
    pixel_average_precision: float
    aupro: float
    image_scores: list[float]
    auroc_per_defect: dict[str, float]
    threshold: Threshold
    confusion: Confusion
    f1: float
    numbers_kept: int
    seconds: dict[str, float]
    environment: dict[str, str]
    memory: dict[str, int] = field(default_factory=dict)
    code: str = ""

    @property
    def false_alarm_rate(self) -> float:
        """Share of good test images above the threshold."""
        return self.confusion.fp / (self.confusion.fp + self.confusion.tn)

    @property
    def miss_rate(self) -> float:
        """Share of defective test images at or below the threshold."""
        return self.confusion.fn / (self.confusion.fn + self.confusion.tp)

    def summary(self) -> pd.DataFrame:
        """Return the main figures as a table with one row, named after the method."""
        interval, expected = self.image_auroc_interval, self.threshold.expected_false_alarm_rate
        row = {
            "image AUROC": f"{self.image_auroc:.3f} ({interval.low:.3f}–{interval.high:.3f})",
            "pixel AUROC": f"{self.pixel_auroc:.3f}",
            "AUPRO": f"{self.aupro:.3f}",
            "false alarms (expected)": f"{self.false_alarm_rate:.1%} ({expected:.1%})",
            "missed": f"{self.miss_rate:.1%}",
        }
        return pd.DataFrame([row], index=[self.method])

    def save(self, folder: Path | None = None) -> Path:
        """Write the record as JSON, whole or not at all, and return its path.

        Parameters
        ----------
        folder
            Where records are kept; ``record_folder()`` when not given.

        Raises
        ------
        DataError
            When the folder cannot be written.
        """
        path = _path(folder or record_folder(), self.data, self.method, self.seed)
        with whole_file(path) as work:
            work.write_text(json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n", "utf-8")
        return path


def load_report(path: Path) -> Report:
    """Read a record written by ``Report.save``.

    Raises
    ------
    DataError
        When the file is missing or is not a record.
    """
    try:
        values = json.loads(path.read_text("utf-8"))
        nested = {
            "image_auroc_interval": Interval(**values.pop("image_auroc_interval")),
            "threshold": Threshold(**values.pop("threshold")),
            "confusion": Confusion(**values.pop("confusion")),
        }
        return Report(**values, **nested)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} is not a record of this book ({error}). Run the chapter that makes it again."
        ) from error


def record_path(folder: Path, category: Category, method: str, seed: int) -> Path:
    """Return where a run on ``category`` is recorded in ``folder``."""
    return _path(folder, data_of(category), method, seed)


def record_folder() -> Path:
    """Return where the current profile's records are kept."""
    return project_root() / "records" / current_profile().name


def evaluate(
    method: str,
    detector: Detector,
    category: Category,
    scores: Scores,
    held_out: Scores,
    *,
    seed: int = 0,
    false_alarm_rate: float = 0.05,
    seconds: Mapping[str, float] | None = None,
    memory: Mapping[str, int] | None = None,
) -> Report:
    """Measure ``scores`` of the test images against labels and masks.

    Parameters
    ----------
    method
        The name to report.
    detector
        Its settings enter the report, and its ``backbone.source`` where it has a backbone.
    category
        The data; only its test part is used here.
    scores
        Of ``category.test``.
    held_out
        Of good images that were neither trained on nor are in the test set: the threshold is
        chosen on them, never on the test set.
    seed
        Of the run.
    false_alarm_rate
        The share of good parts one accepts to stop.
    seconds
        Durations to report.
    memory
        Bytes to report.

    Raises
    ------
    ValueError
        When scores and test images differ in number or shape.
    """
    if scores.maps.shape != category.masks.shape:
        raise ValueError(
            f"the maps have shape {scores.maps.shape}, the masks {category.masks.shape}; "
            "predict the category's own test images."
        )
    pixels = pixel_report(category.masks, scores.maps)
    threshold = threshold_from_good(held_out.image, false_alarm_rate)
    images = image_report(category.defects, scores.image, threshold.value)
    return Report(
        method=method,
        seed=seed,
        settings=plain(detector.settings),
        backbone=_backbone(detector),
        data=data_of(category),
        image_auroc=images.auroc,
        image_auroc_interval=images.auroc_interval,
        average_precision=images.average_precision,
        pixel_auroc=pixels.auroc,
        pixel_average_precision=pixels.average_precision,
        aupro=pixels.aupro,
        image_scores=[float(f"{score:.6g}") for score in scores.image],
        auroc_per_defect=images.auroc_per_defect,
        threshold=threshold,
        confusion=images.confusion,
        f1=images.confusion.f1,
        numbers_kept=numbers_kept(detector),
        seconds=dict(seconds or {}),
        environment=environment(),
        memory=dict(memory or {}),
        code=code_of(detector),
    )


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """Return what ``work()`` returns, and the seconds it took."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def _path(folder: Path, data: Mapping[str, Any], method: str, seed: int) -> Path:
    run = f"{data['category']}-{data['source']}-{data['size']}"
    return folder / _slug(run) / f"{_slug(f'{method}-seed-{seed}')}.json"


def numbers_kept(detector: Detector) -> int:
    """Count the numbers that a fitted detector keeps; what it refers to twice counts once."""
    seen: dict[int, int] = {}

    def visit(value: Any) -> None:
        if isinstance(value, torch.nn.Module):
            for tensor in (*value.parameters(), *value.buffers()):
                seen[id(tensor)] = tensor.numel()
        elif isinstance(value, torch.Tensor):
            seen[id(value)] = value.numel()
        elif isinstance(value, np.ndarray):
            seen[id(value)] = value.size
        elif is_dataclass(value):
            for part in fields(value):
                visit(getattr(value, part.name))

    for value in vars(detector).values():
        visit(value)
    return sum(seen.values())


def _backbone(detector: Detector) -> str:
    network = getattr(detector, "backbone", None)
    return "" if network is None else str(network.source)


def data_of(category: Category) -> dict[str, Any]:
    """Return what a record says of its data."""
    names, counts = np.unique(category.defects, return_counts=True)
    return {
        "category": category.name,
        "source": category.source,
        "size": category.train.shape[-1],
        "train": len(category.train),
        "test": {str(name): int(count) for name, count in zip(names, counts, strict=True)},
        "fingerprint": category.fingerprint,
    }


def environment() -> dict[str, str]:
    """Return profile, machine kind, number format, Python and library versions."""
    return {
        "profile": current_profile().name,
        "machine": this_machine().describe(),
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
    }


def plain(settings: Any) -> Any:
    """Turn settings into what JSON gives back: dictionaries, lists, numbers and strings."""
    return json.loads(json.dumps(asdict(settings) if is_dataclass(settings) else settings))


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
