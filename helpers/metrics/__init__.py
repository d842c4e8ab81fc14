"""How good scores, maps, classes and masks are; chapters import what they use from here."""

from helpers.metrics.classes import (
    accuracy,
    balanced_accuracy,
    confusion_matrix,
    honest_error,
    macro_average_precision,
    macro_f1,
    pool_reliability,
    recall_per_class,
    reliability,
)
from helpers.metrics.comparison import (
    Comparison,
    compare,
    compare_all,
    compare_all_values,
    compare_pictures,
    compare_values,
    comparison_table,
    verdicts,
)
from helpers.metrics.detection_probability import detection_curve
from helpers.metrics.image import (
    auroc_interval,
    auroc_per_defect,
    confusion_at,
    image_auroc,
    roc_curve_with_band,
)
from helpers.metrics.pixel import aupro, pixel_auroc, pixel_report
from helpers.metrics.ranks import RankCorrelation, rank_correlation
from helpers.metrics.report import REVISION, Report, evaluate
from helpers.metrics.scores import Scores, pool, smooth
from helpers.metrics.seeds import mean_auroc
from helpers.metrics.sizes import pixels_across
from helpers.metrics.threshold import threshold_from_good
from helpers.metrics.uncertainty import Interval
