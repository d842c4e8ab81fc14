"""The GAN: its losses by hand, its networks' shapes, and the detector made of it."""

import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.detectors.reconstruction.gan import GanDetector, GanSettings
from helpers.detectors.reconstruction.gan_networks import (
    Discriminator,
    Encoder,
    Generator,
    discriminator_loss,
    generator_loss,
)
from helpers.networks.seeding import seeded
from helpers.networks.training import DivergedError, TrainingSettings
from tests.stripes import moving_stripes

TINY = GanSettings(
    side=16,
    width=8,
    code=8,
    encoder_share=1.0,
    training=TrainingSettings(epochs=30, batch_size=8, learning_rate=1e-3),
)
SHORT = replace(TINY, training=replace(TINY.training, epochs=2))


@pytest.fixture(scope="module")
def fitted():
    return GanDetector(TINY).fit(moving_stripes(32))


def test_the_losses_by_hand():
    zero = torch.zeros(4)
    assert float(discriminator_loss(zero, zero)) == pytest.approx(2 * math.log(2))
    assert float(generator_loss(zero)) == pytest.approx(math.log(2))
    real, generated = torch.tensor([2.0, -1.0]), torch.tensor([0.5])
    wanted = (math.log1p(math.exp(-2)) + math.log1p(math.exp(1))) / 2 + math.log1p(math.exp(0.5))
    assert float(discriminator_loss(real, generated)) == pytest.approx(wanted)
    assert float(generator_loss(generated)) == pytest.approx(math.log1p(math.exp(-0.5)))


def test_a_sure_discriminator_pays_nothing_and_the_generator_still_learns():
    sure = torch.tensor([30.0])
    assert float(discriminator_loss(sure, -sure)) < 1e-12
    seen_through = torch.tensor([-30.0], requires_grad=True)
    generator_loss(seen_through).backward()
    assert float(seen_through.grad) == pytest.approx(-1), "the gradient does not vanish"


def test_shapes_and_ranges():
    widths = (32, 16)
    with seeded(0):
        generated = Generator(8, widths)(torch.randn(3, 8))
        assert generated.shape == (3, 3, 16, 16)
        assert 0 <= generated.min() <= generated.max() <= 1
        assert Discriminator(widths)(generated).shape == (3,)
        assert Encoder(8, widths)(generated).shape == (3, 8)


def test_the_discriminator_cannot_jump():
    """Each layer's largest singular value is held near 1."""
    with seeded(1):
        discriminator = Discriminator((32, 16)).train()
        for _ in range(30):
            discriminator(torch.rand(2, 3, 16, 16))
    largest = torch.linalg.matrix_norm(discriminator.head.weight, 2)
    assert float(largest.detach()) == pytest.approx(1, abs=0.05)


def test_it_reconstructs_good_pictures_better(fitted):
    good, bad = moving_stripes(8, seed=1), moving_stripes(8, seed=2)
    bad[:, :, 16:48, 16:48] = 255
    scores = fitted.predict(np.concatenate([good, bad]))
    assert scores.maps.shape == (16, 64, 64)
    assert scores.image[8:].min() > scores.image[:8].max()
    assert scores.maps[8:, 20:44, 20:44].mean() > scores.maps[8:, :8].mean()


def test_every_epoch_has_its_losses(fitted):
    assert len(fitted.losses["generator"]) == len(fitted.losses["discriminator"]) == 30


def test_the_same_seed_gives_the_same_pictures():
    one, two = (GanDetector(SHORT).fit(moving_stripes(16)) for _ in "ab")
    assert np.array_equal(one.generate(3, seed=1), two.generate(3, seed=1))
    assert not np.array_equal(one.generate(3, seed=1), one.generate(3, seed=2))
    images = moving_stripes(2, seed=5)
    assert np.array_equal(one.predict(images).maps, two.predict(images).maps)


def test_a_fitted_detector_can_be_written_to_a_file(fitted):
    again = pickle.loads(pickle.dumps(fitted))
    images = moving_stripes(2, seed=6)
    assert np.array_equal(fitted.predict(images).maps, again.predict(images).maps)


def test_grids_halve_down_to_four():
    assert GanSettings(side=64, width=16).widths == (128, 64, 32, 16)
    assert GanSettings(side=16, width=8).widths == (16, 8)


@pytest.mark.parametrize("side", [0, 8, 24, 100])
def test_a_side_that_is_no_power_of_two_is_refused(side):
    with pytest.raises(ValueError, match="side must be 16, 32, 64"):
        replace(TINY, side=side)


def test_bad_images_are_refused(fitted):
    with pytest.raises(ValueError, match="a batch of 8 is larger than the 3 training images"):
        GanDetector(TINY).fit(moving_stripes(3))
    with pytest.raises(ValueError, match="a multiple of 16 pixels a side; got 60 × 60"):
        GanDetector(TINY).fit(np.zeros((8, 3, 60, 60), np.uint8))
    with pytest.raises(ValueError, match=r"call fit\(good_images\) first"):
        GanDetector(TINY).predict(moving_stripes(1))


def test_a_diverging_loss_stops():
    wild = replace(SHORT, training=replace(SHORT.training, learning_rate=1e30))
    with pytest.raises(DivergedError, match="loss became .* below 1e\\+30"):
        GanDetector(wild).fit(moving_stripes(16))
