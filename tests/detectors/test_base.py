"""What all detectors share: scores, pooling, smoothing, batches."""

import numpy as np
import pytest

from helpers.machine import Machine
from helpers.metrics.scores import Scores, pool, scores_from_maps, smooth
from helpers.networks.inference import in_batches


def test_pooling_runs_from_the_maximum_to_the_mean():
    maps = np.arange(8, dtype=np.float32).reshape(2, 2, 2)
    np.testing.assert_array_equal(pool(maps, 0), [3, 7])
    np.testing.assert_array_equal(pool(maps, 0.5), [2.5, 6.5])
    np.testing.assert_array_equal(pool(maps, 1), [1.5, 5.5])


def test_pooling_agrees_with_sorting():
    maps = np.random.default_rng(0).random((5, 20, 30), dtype=np.float32)
    top = np.sort(maps.reshape(5, -1))[:, -60:].mean(axis=1)
    np.testing.assert_allclose(pool(maps, 0.1), top, rtol=1e-6)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_impossible_shares_are_refused(share):
    with pytest.raises(ValueError, match="top_share must be between 0 and 1"):
        pool(np.zeros((1, 2, 2)), share)


def test_smoothing_keeps_images_apart_and_the_sum_inside():
    maps = np.zeros((2, 41, 41), np.float32)
    maps[0, 20, 20] = 1
    blurred = smooth(maps, 2.0)
    assert blurred[1].max() == 0
    assert blurred[0].sum() == pytest.approx(1, abs=1e-4)
    # The peak of a two-dimensional Gaussian of standard deviation 2.
    assert blurred[0, 20, 20] == pytest.approx(1 / (2 * np.pi * 4), rel=0.02)


def test_no_smoothing_changes_nothing():
    maps = np.random.default_rng(0).random((2, 5, 5))
    assert smooth(maps, 0) is maps


def test_maps_are_enlarged():
    errors = np.zeros((1, 4, 4), np.float32)
    errors[0, 1, 2] = 1
    scores = scores_from_maps(errors, (16, 16))
    row, column = divmod(int(scores.maps[0].argmax()), 16)
    assert (row // 4, column // 4) == (1, 2)
    assert scores.image[0] == scores.maps[0].max()


def test_scores_that_are_not_finite_name_the_image():
    maps = np.zeros((4, 2, 2), np.float32)
    maps[2, 0, 1] = np.nan
    with pytest.raises(ValueError, match=r"the map of image 2 is not finite \(1 of 4 are not\)"):
        Scores(np.zeros(4, np.float32), maps)
    with pytest.raises(ValueError, match="the image score of image 1 is not finite"):
        Scores(np.array([0, np.inf], np.float32), np.zeros((2, 2, 2), np.float32))


@pytest.mark.parametrize(
    ("image", "maps"), [((3,), (4, 2, 2)), ((3, 1), (3, 2, 2)), ((3,), (3, 1, 2, 2))]
)
def test_scores_of_other_shapes_are_refused(image, maps):
    with pytest.raises(ValueError, match="shapes N and N×H×W"):
        Scores(np.zeros(image, np.float32), np.zeros(maps, np.float32))


def test_batches_hold_all_images_in_order():
    images = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((1, 3, 2, 2), np.uint8)
    batches = list(in_batches(images, Machine("cpu", "float32"), batch_size=2))
    assert [len(batch) for batch in batches] == [2, 2, 1]
    found = np.concatenate([batch.numpy() for batch in batches])
    np.testing.assert_allclose(found * 255, images)
