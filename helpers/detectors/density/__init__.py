"""How probable features are: normalising flows."""

from helpers.detectors.density.fastflow import FastFlowDetector, oddness
from helpers.detectors.density.flow import Coupling, Flow, fit_flow, log_normal, surprise

__all__ = [
    "Coupling",
    "FastFlowDetector",
    "Flow",
    "fit_flow",
    "log_normal",
    "oddness",
    "surprise",
]
