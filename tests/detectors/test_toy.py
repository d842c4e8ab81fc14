"""The strategies in a plane: each tells anomalous points from good ones, and repeats itself."""

import numpy as np
import pytest

from helpers.detectors.toy import STRATEGIES, anomalous_points, good_points
from helpers.metrics.image import image_auroc


def auroc(score, good, anomalous):
    return image_auroc(
        np.repeat([0, 1], [len(good), len(anomalous)]), score(np.concatenate([good, anomalous]))
    )


@pytest.mark.parametrize("name", STRATEGIES)
def test_each_ranks_odd_points_above_new_good_ones(name):
    score = STRATEGIES[name](good_points(300), 0)
    for anomalous in anomalous_points(200, seed=2).values():
        assert auroc(score, good_points(200, seed=1), anomalous) > 0.8


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_same_seed_gives_the_same_scores(name):
    good, new = good_points(60), good_points(20, seed=1)
    one, other = (STRATEGIES[name](good, 3)(new) for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_memory_is_the_distance_to_the_nearest_point():
    score = STRATEGIES["feature memory"](np.array([[0.0, 0.0], [10.0, 0.0]]), 0)
    np.testing.assert_allclose(score(np.array([[3.0, 4.0], [10.0, 1.0]])), [5, 1])


def test_density_of_one_cloud_falls_with_the_squared_distance():
    rng = np.random.default_rng(0)
    score = STRATEGIES["density"](np.tile(rng.normal(0, 1, (4000, 2)), (1, 1)), 0)
    near, far = score(np.array([[0.0, 0.0], [3.0, 0.0]]))
    assert far - near == pytest.approx(4.5, abs=1.0)


def test_points_lie_where_they_should():
    assert np.linalg.norm(good_points(500), axis=1).mean() == pytest.approx(2, abs=0.02)
    anomalous = anomalous_points(500)
    assert np.linalg.norm(anomalous["in the hollow"], axis=1).max() < 1.9
    assert np.abs(np.linalg.norm(anomalous["beside the band"], axis=1) - 2).min() > 0.3
