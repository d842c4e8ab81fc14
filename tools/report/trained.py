"""What the chapters on detection and segmentation recorded: the report takes it where it is."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from helpers.data.category import Category
from helpers.errors import DataError
from tools.report.facts import Trained
from tools.report.records import relative

Read = Callable[[dict], tuple[int, float]]


def trained(records: Path, category: Category) -> tuple[Trained, ...]:
    """Return for boxes and for masks the model with the most labels, where there are records of it.

    Those chapters train on generated nuts, so a report on other pictures takes nothing from them.
    Records of another shape, or of other pictures, are passed over.

    Parameters
    ----------
    records
        Folder of all records.
    category
        With images of full detail.

    Raises
    ------
    DataError
        When a record is damaged.
    """
    if category.source != "generated":
        return ()

    def boxes(entry: dict) -> tuple[int, float]:
        if (entry["category"], entry["weights"]) != (category.name, "formula"):
            raise KeyError("category")
        return int(entry["each"]), float(entry["scores"]["AP50"])

    def masks(entry: dict) -> tuple[int, float]:
        if entry["data"]["fingerprint"] != category.fingerprint or entry["case"]["left_out"]:
            raise KeyError("case")
        marked = [
            value
            for value, kind in zip(entry["iou"], entry["defects"], strict=True)
            if kind != "good"
        ]
        return int(entry["case"]["labels"]), float(np.mean(marked))

    found = (
        _most("boxes", records / "detection", boxes),
        _most("masks", records / "masks" / "quick", masks),
    )
    return tuple(one for one in found if one)


def _most(task: str, folder: Path, read: Read) -> Trained | None:
    """Return the mean over the seeds with the most labels."""
    by_labels: dict[int, list[tuple[float, str]]] = {}
    for path, entry in _entries(folder):
        try:
            labels, value = read(entry)
        except (KeyError, TypeError, ValueError):
            continue
        by_labels.setdefault(labels, []).append((value, relative(path)))
    if not by_labels:
        return None
    labels = max(by_labels)
    values, files = zip(*by_labels[labels], strict=True)
    return Trained(task, labels, float(np.mean(values)), files)


def _entries(folder: Path) -> Iterator[tuple[Path, dict]]:
    for path in sorted(folder.glob("*.json")):
        try:
            yield path, json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(
                f"{path} is not a record ({error}). Take the book's own again, or remove it."
            ) from error
