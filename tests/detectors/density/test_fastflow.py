"""FastFlow: likelier features score lower, the same seed repeats, bad input is named."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.detectors.density.fastflow import FastFlowDetector, FastFlowSettings, anomaly_map
from helpers.metrics.scores import Scores
from helpers.networks.training import DivergedError, TrainingSettings
from tests.stripes import still_stripes

TINY = FastFlowSettings(
    architecture="resnet18",
    weights="random",
    layers=("stride 4", "stride 8"),
    kernels=(3, 1),
    hidden_share=0.5,
    training=TrainingSettings(epochs=12, batch_size=8, learning_rate=2e-3),
)


@pytest.fixture(scope="module")
def fitted():
    return FastFlowDetector(TINY).fit(still_stripes(16))


def test_a_foreign_spot_is_unlikely_where_it_is(fitted):
    good = still_stripes(6, seed=1)
    bad = good.copy()
    bad[:, :, 20:36, 24:40] = 250
    scores = fitted.predict(np.concatenate([good, bad]))
    assert isinstance(scores, Scores)
    assert scores.maps.shape == (12, 64, 64)
    assert scores.image[6:].min() > scores.image[:6].max()
    inside, outside = scores.maps[6:, 20:36, 24:40].mean(), scores.maps[6:, 48:, 48:].mean()
    assert inside > outside


def test_the_loss_is_a_likelihood_that_rises(fitted):
    normal = 0.5 * np.log(2 * np.pi) + 0.5
    for losses in fitted.losses.values():
        assert len(losses) == 12 * 2
        assert losses[0] == pytest.approx(normal, abs=0.1), "scaled features begin as normal"
        assert losses[-1] < losses[0]


def test_the_same_seed_gives_the_same_scores(fitted):
    again = FastFlowDetector(TINY).fit(still_stripes(16))
    images = still_stripes(4, seed=2)
    assert np.array_equal(fitted.predict(images).maps, again.predict(images).maps)


def test_a_silent_channel_does_not_divide_by_zero():
    flat = np.full((8, 3, 64, 64), 128, np.uint8)
    once = replace(TINY, training=replace(TINY.training, epochs=1))
    scores = FastFlowDetector(once).fit(flat).predict(still_stripes(2))
    assert np.isfinite(scores.maps).all()


def test_what_cannot_be_fitted_or_predicted():
    with pytest.raises(ValueError, match="a batch of 8 is larger than the 5 training images"):
        FastFlowDetector(TINY).fit(still_stripes(5))
    with pytest.raises(ValueError, match="call fit"):
        FastFlowDetector(TINY).predict(still_stripes(1))
    with pytest.raises(ValueError, match="hidden_share must be above 0"):
        replace(TINY, hidden_share=0)
    with pytest.raises(ValueError, match="has no layer 'layer9'"):
        FastFlowDetector(replace(TINY, layers=("layer9",))).fit(still_stripes(8))


def test_a_diverging_likelihood_stops():
    wild = replace(TINY, training=replace(TINY.training, learning_rate=1e30, epochs=5))
    with pytest.raises(DivergedError, match="the flow's loss became .* below 1e\\+30"):
        FastFlowDetector(wild).fit(still_stripes(16))


def test_the_map_is_the_mean_of_the_layers_anomaly_map(fitted):
    images = still_stripes(2, seed=3)
    sharp = FastFlowDetector(replace(TINY, smoothing=0), fitted.backbone)
    sharp.scales, sharp.flows = fitted.scales, fitted.flows
    expected = np.zeros((2, 64, 64))
    with torch.inference_mode():
        for name, (latent, stretch) in sharp.transform(images).items():
            assert stretch.shape == (2, *latent.shape[2:])
            anomalous = anomaly_map(latent)[:, None]
            resized = torch.nn.functional.interpolate(anomalous, (64, 64), mode="bilinear")
            expected += resized[:, 0].cpu().numpy() / 2
            assert name in TINY.layers
    assert np.allclose(sharp.predict(images).maps, expected, atol=1e-5)


def test_anomaly_map_by_hand():
    latent = torch.tensor([[0.0, 0.0], [2.0, 0.0], [1e9, 0.0]])[:, :, None, None]
    assert anomaly_map(latent).flatten().tolist() == pytest.approx([0, 1 - np.exp(-1), 1])
