"""PaDiM: the Gaussians and distances are SciPy's, a defect is where it is, the seed repeats."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.distance import mahalanobis as by_scipy

from helpers.detectors.density.padim import (
    PadimDetector,
    PadimSettings,
    mahalanobis,
    position_gaussians,
)
from helpers.networks.features import patch_features
from tests.stripes import still_stripes

TINY = PadimSettings(
    architecture="resnet18", weights="random", layers=("stride 4", "stride 8"), features=20
)


@pytest.fixture(scope="module")
def fitted():
    return PadimDetector(TINY).fit(still_stripes(16))


def test_the_distance_is_scipys_at_each_position():
    vectors = torch.randn((12, 3, 5), generator=torch.Generator().manual_seed(0))
    mean, inverse = position_gaussians(vectors, 0.01)
    asked = torch.randn((2, 3, 5), generator=torch.Generator().manual_seed(1))
    found = mahalanobis(asked, mean, inverse)
    assert found.shape == (2, 3)
    for position in range(3):
        known = vectors[:, position].double().numpy()
        covariance = np.cov(known, rowvar=False) + 0.01 * np.eye(5)
        for row in range(2):
            expected = by_scipy(
                asked[row, position].numpy(), known.mean(0), np.linalg.inv(covariance)
            )
            assert float(found[row, position]) == pytest.approx(expected, rel=1e-4)


def test_a_distance_by_hand():
    """Two images that differ by 2 in the first of two features: variances 2 and 0, plus 0.5."""
    vectors = torch.tensor([[[0.0, 3.0]], [[2.0, 3.0]]])
    mean, inverse = position_gaussians(vectors, 0.5)
    assert mean.tolist() == [[1, 3]]
    torch.testing.assert_close(inverse, torch.tensor([[[1 / 2.5, 0], [0, 1 / 0.5]]]))
    away = mahalanobis(torch.tensor([[[6.0, 4.0]]]), mean, inverse)
    assert float(away) == pytest.approx((25 / 2.5 + 1 / 0.5) ** 0.5)


def test_the_detector_is_made_of_these_parts(fitted):
    """The map before smoothing, from the features of all layers in a few lines."""
    plain = PadimDetector(replace(TINY, smoothing=0.0, stride=4)).fit(still_stripes(16))
    assert torch.equal(plain.chosen.cpu(), fitted.chosen.cpu()), "the draw is the seed's"
    assert len(plain.chosen.unique()) == 20
    network, images = plain.backbone, still_stripes(2, seed=1)

    def vectors(pictures):
        features = patch_features(network, pictures, patch=1)[:, plain.chosen]
        return features.flatten(2).transpose(1, 2).to(plain.mean.device)

    mean, inverse = position_gaussians(vectors(still_stripes(16)), 0.01)
    distances = mahalanobis(vectors(images), mean, inverse).view(2, 16, 16)
    maps = torch.nn.functional.interpolate(distances[:, None], (64, 64), mode="bilinear")[:, 0]
    scores = plain.predict(images)
    np.testing.assert_allclose(scores.maps, maps.cpu().numpy(), rtol=1e-3)
    np.testing.assert_allclose(scores.image, scores.maps.max((1, 2)))


def test_a_foreign_spot_is_far_where_it_is(fitted):
    good = still_stripes(6, seed=1)
    bad = good.copy()
    bad[:, :, 20:36, 24:40] = 250
    scores = fitted.predict(np.concatenate([good, bad]))
    assert scores.maps.shape == (12, 64, 64)
    assert scores.image[6:].min() > scores.image[:6].max()
    assert scores.maps[6:, 20:36, 24:40].mean() > scores.maps[6:, 48:, 48:].mean()


def test_good_images_are_as_far_as_the_number_of_features_says():
    """The squared distance of a Gaussian's own draws is d on average."""
    draws = torch.randn((400, 2, 6), generator=torch.Generator().manual_seed(0))
    mean, inverse = position_gaussians(draws, 1e-6)
    squares = mahalanobis(draws, mean, inverse).square().mean()
    assert float(squares) == pytest.approx(6 * 399 / 400, rel=1e-3)


def test_the_same_seed_gives_the_same_scores(fitted):
    images = still_stripes(3, seed=2)
    again = PadimDetector(TINY).fit(still_stripes(16))
    other = PadimDetector(replace(TINY, seed=1)).fit(still_stripes(16))
    assert np.array_equal(fitted.predict(images).maps, again.predict(images).maps)
    assert not np.array_equal(fitted.chosen.cpu(), other.chosen.cpu())


def test_more_features_than_there_are_means_all():
    detector = PadimDetector(replace(TINY, features=9999)).fit(still_stripes(4))
    assert len(detector.chosen) == sum(detector.backbone.channels.values())
    assert np.isfinite(detector.predict(still_stripes(1)).maps).all()


def test_what_cannot_be_fitted_or_predicted():
    with pytest.raises(ValueError, match="at least 2 images"):
        PadimDetector(TINY).fit(still_stripes(1))
    with pytest.raises(ValueError, match="call fit"):
        PadimDetector(TINY).predict(still_stripes(1))
    with pytest.raises(ValueError, match="regularisation must be above 0"):
        PadimSettings(regularisation=0.0)
    with pytest.raises(ValueError, match="stride must be at least 1"):
        PadimSettings(stride=0)
