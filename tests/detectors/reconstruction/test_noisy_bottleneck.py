"""Noisy bottleneck: the loss by hand, gradients of easy patches, and a defect that is found."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.detectors.reconstruction.noisy_bottleneck import (
    NoisyBottleneckDetector,
    NoisyBottleneckSettings,
    NoisyDecoder,
    cosine_distance,
    loose_loss,
)
from helpers.networks.training import DivergedError, TrainingSettings
from tests.stripes import still_stripes

TINY = NoisyBottleneckSettings(
    architecture="resnet18",
    weights="random",
    layers=("stride 4", "stride 8"),
    width=16,
    depth=1,
    training=TrainingSettings(epochs=20, batch_size=8, learning_rate=5e-3),
)


@pytest.fixture(scope="module")
def fitted():
    return NoisyBottleneckDetector(TINY).fit(still_stripes(16))


def maps(seed, count=2):
    return torch.randn((count, 3, 2, 2), generator=torch.Generator().manual_seed(seed))


def test_the_distance_and_the_loss_by_hand():
    """Two patches: one reconstructed up to a factor, one the other way round and small."""
    wanted = torch.tensor([[[[3.0, 1.0]], [[4.0, 0.0]]]])
    made = torch.tensor([[[[6.0, -1.0]], [[8.0, 0.0]]]])
    torch.testing.assert_close(cosine_distance(wanted, made), torch.tensor([[[0.0, 2.0]]]))
    # (3·6 + 4·8 − 1) / (√26 · √101): the large patch, done well, outweighs the small one.
    assert float(loose_loss(wanted, made, 0.0)) == pytest.approx(
        1 - 49 / (26 * 101) ** 0.5, abs=1e-6
    )


def test_easy_patches_have_a_tenth_of_their_gradient_and_the_loss_is_the_same():
    wanted = maps(0)
    full, damped = maps(1).requires_grad_(), maps(1).requires_grad_()
    plain, emphasised = loose_loss(wanted, full, 0.0), loose_loss(wanted, damped, 0.5)
    assert float(plain.detach()) == pytest.approx(float(emphasised.detach()), rel=1e-6)
    plain.backward()
    emphasised.backward()
    distances = cosine_distance(wanted, maps(1))
    easy = (distances < distances.flatten().sort().values[4])[:, None].expand_as(full)
    assert easy.sum() == easy.numel() / 2
    torch.testing.assert_close(damped.grad[easy], full.grad[easy] / 10)
    torch.testing.assert_close(damped.grad[~easy], full.grad[~easy])


def test_the_bottleneck_is_noisy_while_it_learns_only():
    decoder, features = NoisyDecoder(3, 8, 1, 0.5), maps(0)
    assert not torch.equal(decoder(features), decoder(features))
    decoder.eval()
    assert torch.equal(decoder(features), decoder(features))
    assert decoder(torch.zeros(1, 3, 5, 5)).shape == (1, 3, 5, 5), "an odd side is kept"


def test_layers_are_compared_at_once_or_each_on_its_own(fitted):
    strict = NoisyBottleneckDetector(replace(TINY, loose=False)).fit(still_stripes(16))
    channels = list(fitted.backbone.channels.values())
    features = torch.randn((2, sum(channels), 8, 8), generator=torch.Generator().manual_seed(0))
    assert [wanted.shape[1] for wanted, _ in fitted._pairs(features, features)] == [sum(channels)]
    assert [wanted.shape[1] for wanted, _ in strict._pairs(features, features)] == channels
    assert strict.losses[0] != fitted.losses[0]


def test_a_foreign_spot_is_reconstructed_badly_where_it_is(fitted):
    assert fitted.losses[-1] < fitted.losses[0]
    good = still_stripes(6, seed=1)
    bad = good.copy()
    bad[:, :, 20:36, 24:40] = 250
    scores = fitted.predict(np.concatenate([good, bad]))
    assert scores.maps.shape == (12, 64, 64)
    assert scores.image[6:].min() > scores.image[:6].max()
    assert scores.maps[6:, 20:36, 24:40].mean() > scores.maps[6:, 48:, 48:].mean()


def test_the_same_seed_gives_the_same_scores(fitted):
    images = still_stripes(3, seed=2)
    again = NoisyBottleneckDetector(TINY).fit(still_stripes(16))
    assert np.array_equal(fitted.predict(images).maps, again.predict(images).maps)
    assert again.losses == fitted.losses


def test_what_cannot_be_fitted_or_predicted():
    with pytest.raises(ValueError, match="a batch of 8 is larger than the 5 training images"):
        NoisyBottleneckDetector(TINY).fit(still_stripes(5))
    with pytest.raises(ValueError, match="call fit"):
        NoisyBottleneckDetector(TINY).predict(still_stripes(1))
    with pytest.raises(ValueError, match="dropout must be at least 0 and below 1"):
        replace(TINY, dropout=1.0)
    wild = replace(TINY, training=replace(TINY.training, learning_rate=1e30))
    with pytest.raises(DivergedError, match="decoder's loss"):
        NoisyBottleneckDetector(wild).fit(still_stripes(8))
