"""From pictures with boxes to a detector of defects, and how it is measured."""

from helpers.detection.boxes import (
    as_one_class,
    boxes_from_maps,
    evaluate_boxes,
    make_boxes,
    true_boxes,
)
from helpers.detection.detector import BoxDetector
