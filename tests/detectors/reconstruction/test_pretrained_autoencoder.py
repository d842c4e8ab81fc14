from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.detectors.reconstruction.pretrained_autoencoder import (
    PixelReconstructionDetector,
    PixelReconstructionSettings,
)
from helpers.networks.training import TrainingSettings

SETTINGS = PixelReconstructionSettings(
    architecture="resnet18",
    weights="random",
    layer="layer2",
    width=4,
    code_side=4,
    training=TrainingSettings(epochs=4, batch_size=4, learning_rate=3e-3),
)


def discs(count, seed=0, side=32):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    centres = side / 2 + rng.uniform(-3, 3, (count, 2, 1, 1))
    inside = (x - centres[:, 0]) ** 2 + (y - centres[:, 1]) ** 2 < (side / 4) ** 2
    return np.repeat(np.where(inside, 180, 40)[:, None], 3, 1).astype(np.uint8)


@pytest.fixture(scope="module")
def images():
    return discs(16)


def encoder_weights(detector):
    return torch.cat([p.detach().flatten() for p in detector.backbone.parameters()])


def test_a_frozen_encoder_keeps_its_weights_and_a_free_one_does_not(images):
    frozen = PixelReconstructionDetector(SETTINGS).fit(images)
    same = PixelReconstructionDetector(
        replace(SETTINGS, training=replace(SETTINGS.training, epochs=1))
    ).fit(images)
    assert torch.equal(encoder_weights(frozen), encoder_weights(same))
    free = replace(SETTINGS, frozen=False)
    short = replace(free, training=replace(free.training, epochs=1))
    one, four = (PixelReconstructionDetector(s).fit(images) for s in (short, free))
    assert not torch.equal(encoder_weights(one), encoder_weights(four))


@pytest.mark.parametrize("frozen", [True, False])
def test_it_learns_to_reconstruct(images, frozen):
    settings = replace(
        SETTINGS, frozen=frozen, training=replace(SETTINGS.training, epochs=15, seed=1)
    )
    detector = PixelReconstructionDetector(settings).fit(images)
    losses = detector.history.losses
    assert losses[-1] < 0.6 * losses[0]
    reconstructed = detector.reconstruct(images)
    assert reconstructed.shape == images.shape
    assert 0 <= reconstructed.min() <= reconstructed.max() <= 1


def test_scores_have_the_shapes_of_the_images_and_repeat_with_the_seed(images):
    one, two = (PixelReconstructionDetector(SETTINGS).fit(images).predict(images) for _ in "ab")
    assert one.image.shape == (16,)
    assert one.maps.shape == (16, 32, 32)
    assert np.array_equal(one.image, two.image)


def test_it_says_what_the_encoder_began_with(images):
    detector = PixelReconstructionDetector(SETTINGS).fit(images)
    assert str(detector.backbone.source) == "random weights of resnet18, seed 0"


def test_an_encoder_with_fewer_positions_than_the_code_is_refused(images):
    with pytest.raises(ValueError, match=r"layer3 of an image of 32 pixels has 2 positions a side"):
        PixelReconstructionDetector(replace(SETTINGS, layer="layer3")).fit(images)


def test_a_side_that_halving_does_not_reach_is_refused():
    with pytest.raises(ValueError, match="not from 40. Load the category at another size"):
        PixelReconstructionDetector(SETTINGS).fit(discs(8, side=40))


def test_judging_before_fitting_is_refused(images):
    with pytest.raises(ValueError, match=r"call fit\(good_images\) first"):
        PixelReconstructionDetector(SETTINGS).predict(images)
