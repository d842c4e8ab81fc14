"""From pictures with boxes to a detector of defects, and how it is measured."""

from helpers.detection.boxes import (
    as_one_class,
    boxes_from_maps,
    evaluate_boxes,
    make_boxes,
    true_boxes,
)
from helpers.detection.detector import BoxDetector, batch_of
from helpers.detection.network import BoxNetworkSettings, box_network
from helpers.detection.precision_recall import (
    box_average_precision,
    class_precision_recall,
    iou_matrix,
    precision_recall,
)
from helpers.detection.working_point import highest_scores, working_point_of_boxes
