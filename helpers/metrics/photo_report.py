"""The metrics that need no masks: of image scores alone."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.data.photos import Photos
from helpers.metrics.image import Confusion, Interval, confusion_at, image_report
from helpers.metrics.scores import Scores
from helpers.metrics.threshold import Threshold, threshold_from_good


@dataclass(frozen=True)
class PhotoReport:
    """How well image scores tell good photos from others; what cannot be measured is ``None``.

    Attributes
    ----------
    image_auroc, image_auroc_interval, average_precision, auroc_per_defect
        As in `Report`; they need good test photos and others.
    threshold
        Chosen on held-out good photos.
    confusion
        What that threshold does on the test photos.
    """

    image_auroc: float | None
    image_auroc_interval: Interval | None
    average_precision: float | None
    auroc_per_defect: dict[str, float]
    threshold: Threshold
    confusion: Confusion

    def summary(self, name: str) -> pd.DataFrame:
        """Return what was measured as a table with one row of this name."""
        row, counts = {}, self.confusion
        if self.image_auroc is not None:
            interval = self.image_auroc_interval
            row["image AUROC"] = f"{self.image_auroc:.3f} ({interval.low:.3f}–{interval.high:.3f})"
        expected = self.threshold.expected_false_alarm_rate
        if good := counts.fp + counts.tn:
            row["false alarms (expected)"] = f"{counts.fp} of {good} ({expected:.1%})"
        if bad := counts.fn + counts.tp:
            row["missed"] = f"{counts.fn} of {bad}"
        return pd.DataFrame([row], index=[name])


def evaluate_photos(
    photos: Photos, scores: Scores, held_out: Scores, false_alarm_rate: float = 0.05
) -> PhotoReport:
    """Compare image scores of test photos with their labels; see `evaluate`.

    Raises
    ------
    ValueError
        When there is no test photo, or scores and photos differ in number.
    """
    if not len(photos.test):
        raise ValueError(f"{photos.name} has no photo to test on. {photos.can_measure()}")
    if len(scores.image) != len(photos.test):
        raise ValueError(
            f"there are {len(scores.image)} scores and {len(photos.test)} test photos; predict "
            "the photos' own test part."
        )
    threshold = threshold_from_good(held_out.image, false_alarm_rate)
    if len(np.unique(photos.labels)) == 1:
        counts = confusion_at(photos.labels, scores.image, threshold.value)
        return PhotoReport(None, None, None, {}, threshold, counts)
    found = image_report(photos.defects, scores.image, threshold.value)
    return PhotoReport(
        image_auroc=found.auroc,
        image_auroc_interval=found.auroc_interval,
        average_precision=found.average_precision,
        auroc_per_defect=found.auroc_per_defect,
        threshold=threshold,
        confusion=found.confusion,
    )
