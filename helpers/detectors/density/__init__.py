"""How probable features are: normalising flows."""

from helpers.detectors.density.fastflow import FastFlowDetector, anomaly_map
from helpers.detectors.density.flow import (
    Coupling,
    Flow,
    fit_flow,
    log_normal,
    negative_log_likelihood,
)

__all__ = [
    "Coupling",
    "FastFlowDetector",
    "Flow",
    "anomaly_map",
    "fit_flow",
    "log_normal",
    "negative_log_likelihood",
]
