"""What the chapters on detection and segmentation recorded: the report takes it where it is."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from helpers.data.category import Category
from helpers.experiments.detection import DETECTION
from helpers.experiments.segmentation import SEGMENTATION, SETTINGS
from helpers.experiments.store import Record, path_of
from tools.report.facts import Trained
from tools.report.records import relative


def trained(boxes: Path, masks: Path, category: Category) -> tuple[Trained, ...]:
    """Return for boxes and for masks the model with the most labels, where there are records of it.

    Those chapters train on generated nuts, so a report on other pictures takes nothing from them.

    Parameters
    ----------
    boxes, masks
        Folders of the records of either experiment.
    category
        With images of full detail; records of other masks are passed over.

    Raises
    ------
    DataError
        When a record is damaged.
    """
    if category.source != "generated":
        return ()
    of_boxes = [
        one
        for one in DETECTION.load(boxes)
        if (one.data["category"], one.case["weights"]) == (category.name, "formula")
    ]
    of_masks = [
        one
        for one in SEGMENTATION.load(masks)
        if one.data["fingerprint"] == category.fingerprint
        and (one.case["encoder"], one.case["left_out"]) == (SETTINGS.encoder, "")
    ]
    found = (
        _most("boxes", boxes, of_boxes, lambda result: result.scores["AP50"]),
        _most("masks", masks, of_masks, lambda result: result.mean_iou()),
    )
    return tuple(one for one in found if one)


def _most(
    task: str, folder: Path, records: Sequence[Record], value: Callable[[Any], float]
) -> Trained | None:
    """Return the mean over the seeds with the most labels."""
    labels = max((one.case["labels"] or 0 for one in records), default=0)
    most = [one for one in records if labels and one.case["labels"] == labels]
    if not most:
        return None
    files = tuple(relative(path_of(folder, one)) for one in most)
    return Trained(task, labels, float(np.mean([value(one.result) for one in most])), files)
