"""Feature noise: the loss by hand, the noise where it is told, and a defect that is found."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.detectors.self_supervision.feature_noise import (
    AREA,
    Discriminator,
    FeatureNoiseDetector,
    FeatureNoiseSettings,
    truncated_loss,
)
from helpers.networks.seeding import seeded
from helpers.networks.training import DivergedError, TrainingSettings
from tests.stripes import still_stripes

TINY = FeatureNoiseSettings(
    architecture="resnet18",
    weights="random",
    layers=("stride 4", "stride 8"),
    hidden=32,
    training=TrainingSettings(epochs=15, batch_size=8, learning_rate=2e-3),
)


@pytest.fixture(scope="module")
def fitted():
    return FeatureNoiseDetector(TINY).fit(still_stripes(16))


def test_the_loss_by_hand():
    """Good patches at −2 and 0.3, noisy ones at 0.1, 0.5 and 3; the margin is 0.5."""
    scores = torch.tensor([-2.0, 0.3, 0.1, 0.5, 3.0])
    marked = torch.tensor([False, False, True, True, True])
    loss = truncated_loss(scores, marked, 0.5)
    assert float(loss) == pytest.approx((0 + 0.8) / 2 + (0.4 + 0 + 0) / 3)


def test_noise_is_as_strong_as_asked_for_and_only_where_it_is_told():
    features = torch.ones(6, 5, 32, 32)
    with seeded(0):
        noisy, marked = FeatureNoiseDetector(TINY)._with_noise(features)
    assert marked.all()
    assert float((noisy - 1).std()) == pytest.approx(TINY.noise, rel=0.03)
    with seeded(0):
        noisy, marked = FeatureNoiseDetector(replace(TINY, regions=True))._with_noise(features)
    covered = marked.float().mean((1, 2))
    assert (covered >= AREA[0] / 1.1).all()
    assert (covered <= AREA[1] * 1.1).all()
    changed = (noisy != 1).any(1)
    assert torch.equal(changed, marked)


def test_patches_are_scored_on_their_own():
    network = Discriminator(5, 8, adaptor=True).eval()
    features = torch.randn((1, 5, 4, 4), generator=torch.Generator().manual_seed(0))
    whole = network(features)
    torch.testing.assert_close(network(features[..., 1:2, 2:3]), whole[:, 1:2, 2:3])


@pytest.mark.parametrize("changes", [{}, {"adaptor": True}])
def test_a_foreign_spot_looks_noisy_where_it_is(changes):
    """Through trained features: through random ones it depends on the seed."""
    training = replace(TINY.training, epochs=30)
    seeing = replace(TINY, architecture="auto", weights="imagenet", training=training, **changes)
    detector = FeatureNoiseDetector(seeing).fit(still_stripes(16))
    assert np.mean(detector.losses[-5:]) < np.mean(detector.losses[:5])
    good = still_stripes(6, seed=1)
    bad = good.copy()
    bad[:, :, 20:36, 24:40] = 250
    scores = detector.predict(np.concatenate([good, bad]))
    assert scores.maps.shape == (12, 64, 64)
    assert scores.image[6:].min() > scores.image[:6].max()
    assert scores.maps[6:, 20:36, 24:40].mean() > scores.maps[6:, 48:, 48:].mean()


def test_the_same_seed_gives_the_same_scores(fitted):
    images = still_stripes(3, seed=2)
    again = FeatureNoiseDetector(TINY).fit(still_stripes(16))
    assert again.losses == fitted.losses
    assert np.array_equal(fitted.predict(images).maps, again.predict(images).maps)


def test_what_cannot_be_fitted_or_predicted():
    with pytest.raises(ValueError, match="a batch of 8 is larger than the 5 training images"):
        FeatureNoiseDetector(TINY).fit(still_stripes(5))
    with pytest.raises(ValueError, match="call fit"):
        FeatureNoiseDetector(TINY).predict(still_stripes(1))
    with pytest.raises(ValueError, match="noise must be above 0"):
        replace(TINY, noise=0.0)
    wild = replace(TINY, training=replace(TINY.training, learning_rate=1e38))
    with pytest.raises(DivergedError, match="discriminator's loss"):
        FeatureNoiseDetector(wild).fit(still_stripes(8))
