"""IoU, Dice and boundary F: hand-computed cases, known limits, an independent implementation."""

import numpy as np
import pytest
from scipy.ndimage import binary_dilation
from sklearn.metrics import f1_score, jaccard_score

from helpers.metrics.masks import (
    boundary,
    boundary_f,
    default_tolerance,
    dice,
    false_pictures,
    iou,
    mask_summary,
    mask_table,
)

EMPTY = np.zeros((12, 16), bool)


def rectangle(top, left, height, width, shape=(12, 16)):
    mask = np.zeros(shape, bool)
    mask[top : top + height, left : left + width] = True
    return mask


def random_masks(seed):
    rng = np.random.default_rng(seed)
    return rng.random((2, 20, 30)) < rng.uniform(0.1, 0.6, (2, 1, 1))


def test_two_shifted_squares_by_hand():
    a, b = rectangle(2, 2, 4, 4), rectangle(2, 4, 4, 4)  # 8 shared, 24 together
    assert iou(a, b) == pytest.approx(8 / 24)
    assert dice(a, b) == pytest.approx(16 / 32)


@pytest.mark.parametrize("seed", range(5))
def test_they_agree_with_scikit_learn_and_with_each_other(seed):
    a, b = random_masks(seed)
    assert iou(a, b) == pytest.approx(jaccard_score(b.ravel(), a.ravel()))
    assert dice(a, b) == pytest.approx(f1_score(b.ravel(), a.ravel()))
    assert dice(a, b) == pytest.approx(2 * iou(a, b) / (1 + iou(a, b)))
    assert (iou(a, b), dice(a, b)) == (iou(b, a), dice(b, a))


@pytest.mark.parametrize("measure", [iou, dice, boundary_f])
def test_limits(measure):
    a = rectangle(2, 2, 4, 4)
    assert measure(a, a) == 1
    assert measure(a, rectangle(9, 11, 2, 2)) == 0
    assert measure(EMPTY, EMPTY) == 1
    assert measure(EMPTY, a) == measure(a, EMPTY) == 0


def test_the_boundary_of_a_rectangle_a_hole_and_a_mask_at_the_border():
    assert boundary(rectangle(2, 2, 4, 5)).sum() == 2 * (4 + 5) - 4
    ring = rectangle(2, 2, 5, 5)
    ring[4, 4] = False
    assert boundary(ring).sum() == 16 + 4, "the hole has a boundary of the 4 pixels around it"
    everything = np.ones((6, 7), bool)
    assert boundary(everything).sum() == 2 * (6 + 7) - 4, "the picture's border is a boundary"
    dot = rectangle(5, 5, 1, 1)
    assert (boundary(dot) == dot).all()


def by_dilation(mask, truth, tolerance):
    """Return boundary F with DAVIS' own means: outlines thickened with a disk."""
    reach = int(tolerance)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disk = x**2 + y**2 <= tolerance**2
    edge, true_edge = boundary(mask), boundary(truth)
    precision = (edge & binary_dilation(true_edge, disk)).sum() / edge.sum()
    recall = (true_edge & binary_dilation(edge, disk)).sum() / true_edge.sum()
    return 2 * precision * recall / (precision + recall)


@pytest.mark.parametrize("tolerance", [1, 2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_boundary_f_agrees_with_thickened_outlines(seed, tolerance):
    rng = np.random.default_rng(seed)
    a, b = (rectangle(*rng.integers(1, 6, 4)) | rectangle(*rng.integers(1, 6, 4)) for _ in "ab")
    assert boundary_f(a, b, tolerance) == pytest.approx(by_dilation(a, b, tolerance))


def test_boundary_f_forgives_what_is_within_the_tolerance():
    a, b = rectangle(2, 2, 6, 6), rectangle(3, 2, 6, 6)
    assert boundary_f(a, b, 1) == 1
    assert boundary_f(a, b, 0) < 1
    assert boundary_f(a, b) == boundary_f(a, b, 1), "0.8 % of a small picture is less than 1 pixel"


def test_the_default_tolerance_grows_with_the_picture():
    a = rectangle(50, 50, 60, 60, (300, 400))  # 0.8 % of the diagonal of 500 is 4 pixels
    assert boundary_f(a, np.roll(a, 4, 0)) == 1
    assert boundary_f(a, np.roll(a, 5, 0)) < 1


@pytest.mark.parametrize(
    ("shape", "pixels"), [((12, 16), 1), ((128, 128), 2), ((256, 256), 3), ((480, 854), 8)]
)
def test_the_default_tolerance_is_rounded_up_as_in_davis(shape, pixels):
    assert default_tolerance(shape) == pixels


def test_the_summary_counts_defective_pictures_and_the_good_ones_apart():
    mask = rectangle(2, 2, 4, 4)
    truths = np.stack([mask, mask, EMPTY, EMPTY])
    masks = np.stack([mask, EMPTY, EMPTY, mask])
    table = mask_table(masks, truths, np.array(["cut", "hole", "good", "good"]))
    assert table["false pixels"].tolist() == [0, 0, 0, 16]
    summary = mask_summary(table)
    assert summary["IoU"].to_dict() == {"cut": 1, "hole": 0, "all defective": 0.5}
    assert false_pictures(table) == 1


@pytest.mark.parametrize(
    ("mask", "truth", "told"),
    [
        (EMPTY.astype(int), EMPTY, "bool of shape H×W; got int64"),
        (EMPTY, EMPTY[None], "got bool of shape (1, 12, 16)"),
        (EMPTY, EMPTY[:5], "shapes (12, 16) and (5, 16)"),
    ],
)
@pytest.mark.parametrize("measure", [iou, dice, boundary_f])
def test_bad_masks_are_named(measure, mask, truth, told):
    with pytest.raises(ValueError) as error:
        measure(mask, truth)
    assert told in str(error.value)


def test_a_negative_tolerance_and_unequal_numbers_are_refused():
    with pytest.raises(ValueError, match="tolerance must be"):
        boundary_f(EMPTY, EMPTY, -1)
    with pytest.raises(ValueError, match="1 masks, 2 true ones and 2 names"):
        mask_table(EMPTY[None], np.stack([EMPTY] * 2), np.array(["cut", "cut"]))
