"""The baseline: it squeezes, reconstructs, repeats, and finds a planted spot."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.detectors.reconstruction.autoencoder import (
    Autoencoder,
    AutoencoderDetector,
    AutoencoderSettings,
    reconstruction_loss,
)
from helpers.metrics.image import image_auroc
from helpers.networks.training import TrainingSettings

SMALL = AutoencoderSettings(
    width=8,
    code_channels=8,
    smoothing=1 / 32,
    training=TrainingSettings(epochs=15, batch_size=8, learning_rate=5e-3),
)


@pytest.fixture(scope="module", autouse=True)
def float32():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONE_BAD_NUT_PRECISION", "float32")
        patch.setenv("ONE_BAD_NUT_DEVICE", "cpu")
        yield


def discs(count, seed, spots=0):
    """Draw grey discs of varying place and shade; the last ``spots`` of them carry a white spot."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:32, :32]
    images = np.empty((count, 3, 32, 32), np.uint8)
    for i, image in enumerate(images):
        cy, cx = rng.uniform(13, 19, 2)
        image[:] = np.where((y - cy) ** 2 + (x - cx) ** 2 < 100, rng.uniform(90, 130), 20)
        if i >= count - spots:
            image[:, 15:18, 15:18] = 255
    return images


@pytest.fixture(scope="module")
def fitted():
    return AutoencoderDetector(SMALL).fit(discs(48, seed=0))


def test_code_and_output_have_the_promised_shapes():
    model = Autoencoder((8, 16, 32), code_channels=5)
    images = torch.rand(2, 3, 64, 32)
    assert model.encoder(images).shape == (2, 5, 8, 4)
    reconstructed = model(images)
    assert reconstructed.shape == images.shape
    assert reconstructed.min() >= 0
    assert reconstructed.max() <= 1


def test_widths_double_up_to_eight_times_the_first():
    assert AutoencoderSettings(width=4, code_side=8).widths(256) == (4, 8, 16, 32, 32)
    assert AutoencoderSettings(width=4, code_side=16).widths(32) == (4,)


def test_the_loss_is_the_mean_squared_error():
    batch = torch.full((2, 3, 4, 4), 0.5)
    assert reconstruction_loss(lambda b: b + 0.25, batch).item() == pytest.approx(0.0625)


def test_it_finds_the_spot(fitted):
    scores = fitted.predict(discs(40, seed=1, spots=20))
    labels = np.repeat([0, 1], 20)
    assert image_auroc(labels, scores.image) > 0.95
    brightest = scores.maps[20:].reshape(20, -1).argmax(axis=1)
    rows, columns = np.divmod(brightest, 32)
    assert np.mean((abs(rows - 16) <= 2) & (abs(columns - 16) <= 2)) > 0.9


def test_maps_are_the_smoothed_squared_error(fitted):
    images = discs(2, seed=3)
    sharp = AutoencoderDetector(AutoencoderSettings(width=8, smoothing=0, top_share=1))
    sharp.model = fitted.model
    error = (fitted.reconstruct(images) - images / 255) ** 2
    scores = sharp.predict(images)
    np.testing.assert_allclose(scores.maps, error.mean(axis=1), atol=1e-6)
    np.testing.assert_allclose(scores.image, error.mean(axis=(1, 2, 3)), rtol=1e-4)


def test_the_same_seed_gives_identical_scores_and_another_seed_others(fitted):
    test = discs(6, seed=2, spots=3)
    again = AutoencoderDetector(SMALL).fit(discs(48, seed=0)).predict(test)
    first = fitted.predict(test)
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.maps, again.maps)
    other = replace(SMALL, training=replace(SMALL.training, seed=1))
    assert not np.array_equal(
        first.image, AutoencoderDetector(other).fit(discs(48, seed=0)).predict(test).image
    )


def test_scores_do_not_depend_on_the_company_of_other_images(fitted):
    images = discs(40, seed=4)
    alone, together = fitted.predict(images[:1]), fitted.predict(images)
    np.testing.assert_allclose(alone.image[0], together.image[0], rtol=1e-4)


def test_reduced_precision_agrees(fitted, monkeypatch):
    images = discs(40, seed=1, spots=20)
    exact = fitted.predict(images)
    monkeypatch.setenv("ONE_BAD_NUT_PRECISION", "bfloat16")
    reduced = fitted.predict(images)
    labels = np.repeat([0, 1], 20)
    assert image_auroc(labels, reduced.image) == pytest.approx(
        image_auroc(labels, exact.image), abs=0.02
    )


def test_a_size_that_cannot_be_halved_is_refused():
    with pytest.raises(ValueError, match=r"side of 16, 32, 64 … pixels, not from 40"):
        AutoencoderDetector().fit(np.zeros((20, 3, 40, 40), np.uint8))
    with pytest.raises(ValueError, match="not from 8"):
        AutoencoderSettings().widths(8)


def test_predicting_before_fitting_is_refused():
    with pytest.raises(ValueError, match="call fit"):
        AutoencoderDetector().predict(discs(1, 0))
