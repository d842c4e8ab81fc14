"""How good scores, maps, classes and masks are; chapters import what they use from here."""

from helpers.metrics.image import (
    auroc_interval,
    auroc_per_defect,
    confusion_at,
    image_auroc,
    paired_difference,
    average_precision,
    f1_at,
)
from helpers.metrics.pixel import pixel_report, pixel_auroc, aupro
from helpers.metrics.seeds import mean_auroc, mean_paired_difference
from helpers.metrics.threshold import threshold_from_good
from helpers.metrics.scores import Scores, pool, smooth

__all__ = [
    "Scores",
    "aupro",
    "auroc_interval",
    "auroc_per_defect",
    "average_precision",
    "confusion_at",
    "f1_at",
    "image_auroc",
    "mean_auroc",
    "mean_paired_difference",
    "paired_difference",
    "pixel_auroc",
    "pixel_report",
    "pool",
    "smooth",
    "threshold_from_good",
]
