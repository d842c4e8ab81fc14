"""All metrics of one detector on one category."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.data.category import Category
from helpers.data.photos import Photos
from helpers.metrics.image import Confusion, Interval, image_report
from helpers.metrics.photo_report import PhotoReport, evaluate_photos
from helpers.metrics.pixel import pixel_report
from helpers.metrics.scores import Scores, resize
from helpers.metrics.threshold import Threshold, threshold_from_good

REVISION = 1  # of all measures of this package; records hold it


@dataclass(frozen=True)
class Report:
    """How well a detector finds damage.

    Attributes
    ----------
    image_auroc, image_auroc_interval
        Area under the ROC curve of the image scores, with its 95 % interval. A record holds the one
        of its day; what is printed of records is computed from their scores (``mean_auroc``).
    average_precision
        Of the image scores.
    pixel_auroc, pixel_average_precision, aupro
        Of the maps, brought to the size of the category's ``fine_masks``; AUPRO up to a false
        positive rate of 0.3.
    image_scores
        Of each test image, in the category's order.
    auroc_per_defect
        Image AUROC of each defect type against all good test images.
    threshold
        Chosen on held-out good images, with the false-alarm rate to expect.
    confusion, f1
        What that threshold does on the test set.

    Raises
    ------
    ValueError
        When a figure that is a share is not one, or the confusion is not that of the scores.
    """

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

    def __post_init__(self) -> None:
        shares = {
            name: getattr(self, name)
            for name in (
                "image_auroc",
                "average_precision",
                "pixel_auroc",
                "pixel_average_precision",
                "aupro",
                "f1",
            )
        }
        interval, rates = self.image_auroc_interval, self.threshold
        shares |= {name: getattr(interval, name) for name in ("low", "high", "level")}
        for name in ("asked_false_alarm_rate", "expected_false_alarm_rate", "low", "high"):
            shares[f"the threshold's {name}"] = getattr(rates, name)
        check_shares(shares | self.auroc_per_defect)
        if interval.low > interval.high:
            raise ValueError(f"the interval runs from {interval.low} to {interval.high}.")
        self._check_confusion()

    def _check_confusion(self) -> None:
        counts, scores = self.confusion, np.array(self.image_scores)
        # The scores are rounded: those at the threshold may have been on either side of it.
        near = np.isclose(scores, self.threshold.value, rtol=1e-5, atol=0)
        above = int((~near & (scores > self.threshold.value)).sum())
        if (
            min(counts.tn, counts.fp, counts.fn, counts.tp) < 0
            or counts.tn + counts.fp + counts.fn + counts.tp != len(scores)
            or not above <= counts.fp + counts.tp <= above + near.sum()
        ):
            raise ValueError(f"{counts} is not what the threshold makes of the image scores.")

    @property
    def false_alarm_rate(self) -> float:
        """Share of good test images above the threshold."""
        return self.confusion.fp / (self.confusion.fp + self.confusion.tn)

    @property
    def miss_rate(self) -> float:
        """Share of defective test images at or below the threshold."""
        return self.confusion.fn / (self.confusion.fn + self.confusion.tp)

    def summary(self, name: str) -> pd.DataFrame:
        """Return the main figures as a table with one row of this name."""
        interval, expected = self.image_auroc_interval, self.threshold.expected_false_alarm_rate
        row = {
            "image AUROC": f"{self.image_auroc:.3f} ({interval.low:.3f}–{interval.high:.3f})",
            "pixel AUROC": f"{self.pixel_auroc:.3f}",
            "AUPRO": f"{self.aupro:.3f}",
            "false alarms (expected)": f"{self.false_alarm_rate:.1%} ({expected:.1%})",
            "missed": f"{self.miss_rate:.1%}",
        }
        return pd.DataFrame([row], index=[name])


def evaluate(
    category: Category | Photos,
    scores: Scores,
    held_out: Scores,
    *,
    false_alarm_rate: float = 0.05,
) -> Report | PhotoReport:
    """Compare scores of the test images with labels and masks.

    Of photos without masks only the image scores are measured.

    Parameters
    ----------
    category
        The data; only its test part is used here.
    scores
        Of ``category.test``.
    held_out
        Of good images that were neither trained on nor are in the test set: the threshold is
        chosen on them, never on the test set.
    false_alarm_rate
        The share of good parts one accepts to stop.

    Raises
    ------
    ValueError
        When scores and test images differ in number or shape.
    """
    if isinstance(category, Photos):
        return evaluate_photos(category, scores, held_out, false_alarm_rate)
    if scores.maps.shape != category.masks.shape:
        raise ValueError(
            f"the maps have shape {scores.maps.shape}, the masks {category.masks.shape}; "
            "predict the category's own test images."
        )
    masks = category.fine_masks
    pixels = pixel_report(masks, resize(scores.maps, masks.shape[1:]))
    threshold = threshold_from_good(held_out.image, false_alarm_rate)
    images = image_report(category.defects, scores.image, threshold.value)
    return Report(
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
    )


def check_shares(values: dict[str, float]) -> None:
    """Raise ``ValueError`` naming the first value that is not between 0 and 1."""
    for name, value in values.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name} must be between 0 and 1; got {value}.")
