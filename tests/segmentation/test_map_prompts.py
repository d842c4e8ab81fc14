"""What boxes of a map outline, and what of it is shown at a threshold."""

import numpy as np
import pytest

from helpers.metrics.working_point import working_point_of_maps
from helpers.segmentation.map_prompts import boxes_of_maps, probabilities_by_maps, region_scores
from helpers.segmentation.promptable_model import load_promptable
from helpers.segmentation.prompts import Prompt


def two_spots():
    """Return a map with a strong spot at the left and a weaker one at the right."""
    scores = np.zeros((32, 32))
    scores[8:16, 4:12] = 3
    scores[20:28, 22:28] = 2
    return scores


def test_a_region_carries_its_highest_evidence_and_all_else_nothing():
    probabilities = np.zeros((1, 6, 8))
    probabilities[0, 1:3, 1:3] = 0.9
    probabilities[0, 3, 3] = 0.6  # touches at a corner: the same region
    probabilities[0, 4:6, 6:8] = 0.51
    probabilities[0, 0, 5] = 0.5  # not above a half
    evidence = np.ones((1, 6, 8))
    evidence[0, 3, 3], evidence[0, 5, 7], evidence[0, 0, 5] = 4, 2, 9
    expected = np.zeros((6, 8))
    expected[1:3, 1:3] = expected[3, 3] = 4
    expected[4:6, 6:8] = 2
    assert np.array_equal(region_scores(probabilities, evidence)[0], expected)


def test_a_threshold_shows_whole_regions_and_moves_no_outline():
    masks = np.zeros((2, 32, 32), bool)
    masks[0, 8:16, 4:12] = True
    probabilities = masks * 0.9
    evidence = np.stack([two_spots(), np.zeros((32, 32))])
    evidence[0, 8:12, 4:12] = 1.5  # half of the region has less evidence than the threshold
    shown = region_scores(probabilities, evidence)
    good = np.full((19, 32, 32), 2.0)
    point = working_point_of_maps(shown, masks, good)
    assert point.threshold.value >= 2
    assert point.overlap.tolist() == [1, 1]
    assert working_point_of_maps(shown, masks, good + 2).met.tolist() == [False, False]


def test_what_does_not_fit_is_refused():
    maps = np.zeros((1, 4, 4))
    with pytest.raises(ValueError, match="must fit"):
        region_scores(maps, np.zeros((1, 4, 5)))
    with pytest.raises(ValueError, match="at least 0"):
        region_scores(maps, maps - 1)


def test_each_spot_has_a_box_and_a_flat_map_none():
    found = boxes_of_maps(np.stack([np.zeros((32, 32)), two_spots(), np.ones((32, 32))]))
    boxes = [Prompt(box=(4, 8, 11, 15)), Prompt(box=(22, 20, 27, 27))]
    assert found == [(1, box) for box in boxes]
    assert boxes_of_maps(two_spots()[None], level=0.9) == [(0, boxes[0])]


def test_a_picture_has_the_highest_probability_of_its_boxes_and_none_without():
    sam = load_promptable("random", side=64)
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 32, 32), np.uint8)
    seen = sam.embed(images)
    found = probabilities_by_maps(sam, seen, np.stack([np.zeros((32, 32)), two_spots()]))
    assert found.dtype == np.float32
    assert not found[0].any()
    (_, first), (_, second) = boxes_of_maps(two_spots()[None])
    each = sam.logits(seen[[1, 1]], [first, second], 32).sigmoid().detach().numpy()
    assert np.allclose(found[1], each.max(0), atol=1e-6)
    assert not probabilities_by_maps(sam, seen, np.zeros((2, 32, 32))).any()
