"""Every figure of the book: ``plots.roc_plot``, ``plots.image_grid`` and so on."""

from helpers.plots.annotations import boxes_on_images, four_descriptions, polygons_on_image
from helpers.plots.charts import (
    confusion_matrix_plot,
    count_bars,
    interval_plot,
    quality_against_cost,
    score_histograms,
    strip_by_class,
)
from helpers.plots.curves import (
    label_curve,
    loss_shares,
    rank_frequency,
    reliability_plot,
    roc_plot,
    share_curves,
    size_curves,
    training_curve,
)
from helpers.plots.detection import (
    box_overlaps,
    found_boxes,
    precision_recall_curves,
    precision_recall_steps,
    pyramid_maps,
)
from helpers.plots.flow import density_map, grid_cells, grid_lines, moving_points, stretched_cells
from helpers.plots.images import heat_map_overlay, image_grid, mask_position_map
from helpers.plots.planes import (
    coreset_growth,
    decision_regions,
    point_cloud,
    score_fields,
    score_plane,
)
from helpers.plots.segmentation import mask_agreement, prompts_on_images
from helpers.plots.student_teacher import feature_maps, student_agreement

__all__ = [
    "box_overlaps",
    "boxes_on_images",
    "confusion_matrix_plot",
    "coreset_growth",
    "count_bars",
    "decision_regions",
    "density_map",
    "feature_maps",
    "found_boxes",
    "four_descriptions",
    "grid_cells",
    "grid_lines",
    "heat_map_overlay",
    "image_grid",
    "interval_plot",
    "label_curve",
    "loss_shares",
    "mask_agreement",
    "mask_position_map",
    "moving_points",
    "point_cloud",
    "polygons_on_image",
    "precision_recall_curves",
    "precision_recall_steps",
    "prompts_on_images",
    "pyramid_maps",
    "quality_against_cost",
    "rank_frequency",
    "reliability_plot",
    "roc_plot",
    "score_fields",
    "score_histograms",
    "score_plane",
    "share_curves",
    "size_curves",
    "stretched_cells",
    "strip_by_class",
    "student_agreement",
    "training_curve",
]
