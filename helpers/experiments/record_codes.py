"""Which code a record stands on: the detector with all it calls, and the measures."""

from helpers.data.category import split_good
from helpers.detectors.base import Detector
from helpers.experiments.fingerprint import code_print
from helpers.metrics.image import image_report
from helpers.metrics.pixel import pixel_report
from helpers.metrics.threshold import threshold_from_good

MEASURES = (
    split_good,
    image_report,
    pixel_report,
    threshold_from_good,
)
CODE_UNKNOWN = "without a note of the code that made it"
CODE_CHANGED = "older than the code that made it"


def code_of(detector: Detector) -> str:
    """Return the fingerprint of all the book's code that a detector's figures depend on.

    Empty for a detector that is defined in a notebook. The code that draws the images does not
    count: the images have a fingerprint of their own.
    """
    try:
        return code_print(type(detector), *MEASURES)
    except ValueError:
        return ""


def code_fault(recorded: str, now: str) -> str:
    """Say what is wrong with the code that a record was made by; empty when nothing is."""
    if not recorded:
        return CODE_UNKNOWN
    return "" if recorded == now else CODE_CHANGED
