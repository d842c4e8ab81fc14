"""The strategies in a plane: each tells anomalous points from good ones, and repeats itself."""

import numpy as np
import pytest

from helpers.detectors.toy import STRATEGIES, anomalous_points, aurocs, draw, good_points
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


def test_a_draw_spoils_the_good_points_with_three_of_the_hollow():
    drawn = draw(3)
    assert drawn.good.shape == (100, 2) and drawn.seed == 3
    np.testing.assert_array_equal(drawn.spoiled[:100], drawn.good)
    assert np.linalg.norm(drawn.spoiled[100:], axis=1).max() < 1.6
    assert drawn.spoiled.shape == (103, 2)


def test_no_two_draws_of_any_seeds_share_points():
    parts = [part for s in range(5) for part in (draw(s).good, draw(s).held_out)]
    parts += [draw(s).anomalous["in the hollow"] for s in range(5)]
    parts += [draw(s).spoiled[100:] for s in range(5)]
    firsts = [tuple(part[0]) for part in parts]
    assert len(set(firsts)) == len(firsts)
    np.testing.assert_array_equal(draw(2).held_out, draw(2).held_out)


def test_aurocs_are_those_of_held_out_against_anomalous_points():
    drawn = draw(0)

    def middle(points, seed):
        return lambda asked: -np.linalg.norm(asked, axis=1)  # the nearer to the middle, the odder

    found = aurocs(middle, drawn.good, drawn)
    assert list(found) == ["in the hollow", "beside the band", "beyond its end"]
    assert found["in the hollow"] > 0.99, "inside the band"
    assert found["beyond its end"] == pytest.approx(0.5, abs=0.1), "as far out as the band"
    asked = []
    aurocs(lambda points, seed: asked.append((len(points), seed)) or middle(points, seed),
           drawn.spoiled, drawn)  # fmt: skip
    assert asked == [(103, 0)]
