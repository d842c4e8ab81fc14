import numpy as np
import pytest
from scipy.stats import multivariate_normal

from helpers.detectors.self_supervision.gaussian import Gaussian, fit_gaussian


def test_a_hand_computed_distance():
    gaussian = Gaussian(np.array([1.0, 0]), np.diag([0.25, 1.0]))
    assert gaussian.distance(np.array([[3.0, 0], [1, 3], [1, 0]])).tolist() == [1, 9, 0]


def test_the_distance_is_the_log_density_but_for_a_constant():
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(4, 4))
    covariance = mixing @ mixing.T + np.eye(4)
    gaussian = Gaussian(np.arange(4.0), np.linalg.inv(covariance))
    points = rng.normal(size=(20, 4))
    log = multivariate_normal(np.arange(4.0), covariance).logpdf(points)
    assert np.ptp(gaussian.distance(points) + 2 * log) < 1e-9


def test_many_points_give_back_the_gaussian_they_come_from():
    rng = np.random.default_rng(0)
    covariance = np.array([[2.0, 0.5], [0.5, 1.0]])
    fitted = fit_gaussian(rng.multivariate_normal([3, -1], covariance, 20_000))
    assert fitted.mean == pytest.approx([3, -1], abs=0.03)
    assert np.linalg.inv(fitted.precision) == pytest.approx(covariance, abs=0.06)


def test_fewer_points_than_dimensions_still_give_finite_distances():
    points = np.random.default_rng(0).normal(size=(10, 50)).astype(np.float32)
    distances = fit_gaussian(points).distance(points)
    assert np.isfinite(distances).all()
    assert (distances > 0).all()


@pytest.mark.parametrize("points", [np.zeros((1, 3)), np.zeros(4), np.full((3, 2), np.nan)])
def test_what_has_no_gaussian_is_refused(points):
    with pytest.raises(ValueError, match="a Gaussian needs two points or more"):
        fit_gaussian(points)
