"""How good scores, maps, classes and masks are; chapters import what they use from here."""

from helpers.metrics.classes import (
    accuracy,
    balanced_accuracy,
    confusion_matrix,
    macro_average_precision,
    macro_f1,
    pool_reliability,
    recall_per_class,
)
from helpers.metrics.image import (
    Interval,
    auroc_interval,
    auroc_per_defect,
    confusion_at,
    image_auroc,
    paired_difference,
    roc_curve_with_band,
)
from helpers.metrics.pixel import aupro, pixel_auroc, pixel_report
from helpers.metrics.report import REVISION, Report, evaluate
from helpers.metrics.scores import Scores, pool, smooth
from helpers.metrics.seeds import mean_auroc, mean_paired_difference
from helpers.metrics.threshold import threshold_from_good

__all__ = [
    "REVISION",
    "Interval",
    "Report",
    "Scores",
    "accuracy",
    "aupro",
    "auroc_interval",
    "auroc_per_defect",
    "balanced_accuracy",
    "confusion_at",
    "confusion_matrix",
    "evaluate",
    "image_auroc",
    "macro_average_precision",
    "macro_f1",
    "mean_auroc",
    "mean_paired_difference",
    "paired_difference",
    "pixel_auroc",
    "pixel_report",
    "pool",
    "pool_reliability",
    "recall_per_class",
    "roc_curve_with_band",
    "smooth",
    "threshold_from_good",
]
