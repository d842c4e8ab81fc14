"""How probable features are: normalising flows."""

from helpers.detectors.density.fastflow import FastFlowDetector, anomaly_map
from helpers.detectors.density.flow import (
    Coupling,
    Flow,
    fit_flow,
    log_normal,
    negative_log_likelihood,
)
