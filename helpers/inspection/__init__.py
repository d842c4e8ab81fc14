"""From a folder of good photos to verdicts on new ones; chapters import what they use from here."""

from helpers.inspection.conformal import (
    Promise,
    conformal_threshold,
    needed_table,
    photos_needed,
)
from helpers.inspection.drift import capital, first_alarm, rank_p_values
from helpers.inspection.good import GoodPhotos, gather
from helpers.inspection.inspector import Inspector, InspectorSettings, Verdict, fit_inspector
from helpers.inspection.resolution import Resolution
from helpers.inspection.results import inspect_folder, write_results
from helpers.inspection.saved import load_inspector, save_inspector
from helpers.metrics.threshold import conformal_rank
