"""Every figure of the book: ``plots.roc_plot``, ``plots.image_grid`` and so on."""

from helpers.plots.annotations import boxes_on_images, four_descriptions, polygons_on_image
from helpers.plots.benchmarks import benchmark_dots
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
from helpers.plots.detection_probability import detection_curves
from helpers.plots.drift import capital_plot
from helpers.plots.flow import density_map, grid_cells, grid_lines, moving_points, stretched_cells
from helpers.plots.images import heat_map_overlay, image_grid, mask_position_map
from helpers.plots.planes import (
    coreset_step,
    decision_regions,
    point_cloud,
    score_fields,
    score_plane,
)
from helpers.plots.ranks import two_orders
from helpers.plots.seeds import seed_strips
from helpers.plots.segmentation import mask_agreement, prompts_on_images
from helpers.plots.slider import slider
from helpers.plots.student_teacher import feature_maps, student_agreement
from helpers.plots.tree import answer_tree, letter_of
