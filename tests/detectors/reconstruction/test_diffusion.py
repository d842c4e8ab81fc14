"""The diffusion detector: it learns, reconstructs, repeats itself, and says what it cannot do."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.detectors.reconstruction.diffusion import DiffusionDetector, DiffusionSettings
from helpers.detectors.reconstruction.low_resolution import downsampled, to_bytes
from helpers.networks.training import DivergedError, TrainingSettings
from tests.stripes import moving_stripes

TINY = DiffusionSettings(
    side=16,
    width=8,
    patch=2,
    start=0.3,
    steps=2,
    training=TrainingSettings(epochs=25, batch_size=8, learning_rate=5e-3),
)
SHORT = replace(TINY, training=replace(TINY.training, epochs=2))


@pytest.fixture(scope="module")
def fitted():
    return DiffusionDetector(TINY).fit(moving_stripes(32))


def test_it_learns(fitted):
    assert fitted.losses[-1] < 0.5 * fitted.losses[0]


def test_a_foreign_spot_does_not_come_back(fitted):
    good, bad = moving_stripes(8, seed=1), moving_stripes(8, seed=2)
    bad[:, :, 16:36, 20:40] = 255
    scores = fitted.predict(np.concatenate([good, bad]))
    assert scores.maps.shape == (16, 64, 64)
    assert scores.image[8:].min() > np.median(scores.image[:8])
    inside, outside = scores.maps[8:, 18:34, 22:38].mean(), scores.maps[8:, 44:].mean()
    assert inside > 2 * outside


def test_less_noise_brings_back_more(fitted):
    images = moving_stripes(8, seed=3)
    seen = downsampled(images, 16) / 255
    errors = [((fitted.reconstruct(images, t) - seen) ** 2).mean() for t in (0.1, 1.0)]
    assert errors[0] < errors[1]


def test_a_score_is_the_pictures_own_affair(fitted):
    images = moving_stripes(4, seed=4)
    alone = fitted.predict(images[2:3]).image
    assert fitted.predict(images).image[2] == pytest.approx(alone[0], rel=0.02)


def test_the_same_seed_gives_the_same_pictures():
    one, two = (DiffusionDetector(SHORT).fit(moving_stripes(16)) for _ in "ab")
    assert np.array_equal(one.generate(3, seed=1), two.generate(3, seed=1))
    assert not np.array_equal(one.generate(3, seed=1), one.generate(3, seed=2))
    images = moving_stripes(2, seed=5)
    assert np.array_equal(one.predict(images).maps, two.predict(images).maps)


def test_the_last_step_of_denoising_is_what_is_generated(fitted):
    assert np.array_equal(fitted.denoising_steps(2, steps=20)[-1], fitted.generate(2, seed=0))
    estimates = fitted.denoising_steps(2, steps=5)
    assert estimates.shape == (6, 2, 3, 16, 16)
    assert estimates.dtype == np.uint8


def test_a_fitted_detector_can_be_written_to_a_file(fitted):
    again = pickle.loads(pickle.dumps(fitted))
    images = moving_stripes(2, seed=6)
    assert np.array_equal(fitted.predict(images).maps, again.predict(images).maps)


def test_shrinking_averages_squares():
    images = np.zeros((1, 3, 4, 4), np.uint8)
    images[:, :, :2, :2] = [[10, 20], [30, 40]]
    assert downsampled(images, 2)[0, 0].tolist() == [[25, 0], [0, 0]]
    assert downsampled(images, 4) is images


def test_bytes_are_rounded_and_clipped():
    assert to_bytes(torch.tensor([-0.1, 0.5, 2.0])).tolist() == [0, 128, 255]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 12}, "width must be a multiple of 8"),
        ({"side": 20, "patch": 4}, "side must be a multiple of 16"),
        ({"start": 0}, "start must be above 0"),
        ({"start": 1.5}, "start must be above 0 and at most 1"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"draws": 0}, "draws must be at least 1"),
    ],
)
def test_bad_settings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(TINY, **changes)


def test_bad_images_are_refused(fitted):
    with pytest.raises(ValueError, match="a batch of 8 is larger than the 3 training images"):
        DiffusionDetector(TINY).fit(moving_stripes(3))
    with pytest.raises(ValueError, match="a multiple of 16 pixels a side; got 60 × 60"):
        DiffusionDetector(TINY).fit(np.zeros((8, 3, 60, 60), np.uint8))
    with pytest.raises(ValueError, match=r"call fit\(good_images\) first"):
        DiffusionDetector(TINY).predict(moving_stripes(1))
    with pytest.raises(ValueError, match="times go from 0"):
        fitted.reconstruct(moving_stripes(1), 1.2)


def test_a_diverging_loss_stops():
    wild = replace(SHORT, training=replace(SHORT.training, learning_rate=1e30))
    with pytest.raises(DivergedError, match="the diffusion loss became .* below 1e\\+30"):
        DiffusionDetector(wild).fit(moving_stripes(16))
