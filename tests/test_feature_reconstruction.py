from dataclasses import replace

import numpy as np
import pytest
import torch
from test_patchcore import striped

from helpers.backbones import backbone
from helpers.feature_reconstruction import (
    FeatureAutoencoder,
    FeatureReconstructionDetector,
    FeatureReconstructionSettings,
)
from helpers.features import patch_features
from helpers.training import TrainingSettings

SETTINGS = FeatureReconstructionSettings(
    weights="random",
    layers=("layer1", "layer2"),
    code_channels=8,
    training=TrainingSettings(epochs=12, batch_size=4, learning_rate=3e-3),
)


@pytest.fixture(scope="module")
def fitted():
    return FeatureReconstructionDetector(SETTINGS).fit(striped(16))


def test_damage_is_found_and_placed(fitted):
    good, bad = striped(8, seed=1), striped(8, seed=2)
    bad[:, :, 24:34, 40:50] = 20
    scores, damaged = fitted.predict(good), fitted.predict(bad)
    assert damaged.image.min() > scores.image.max()
    for score_map in damaged.maps:
        row, column = np.unravel_index(score_map.argmax(), score_map.shape)
        assert 18 <= row <= 40
        assert 34 <= column <= 56


def test_it_learns_to_restore_features(fitted):
    losses = fitted.history.losses
    assert losses[-1] < 0.8 * losses[0]


def test_features_enter_with_mean_0_and_deviation_1(fitted):
    features = patch_features(fitted.backbone, striped(16)).clone()
    alive = features.std(dim=(0, 2, 3)) > 1e-4  # a random network has features that never fire
    assert alive.float().mean() > 0.5
    standard = fitted.model.standard(features)[:, alive]
    std, mean = torch.std_mean(standard, dim=(0, 2, 3))
    assert torch.allclose(mean, torch.zeros_like(mean), atol=1e-3)
    assert torch.allclose(std, torch.ones_like(std), atol=1e-2)


def test_a_constant_feature_does_no_harm():
    model = FeatureAutoencoder(torch.zeros(3), torch.tensor([1.0, 1.0, 1e-6]), 2).eval()
    assert torch.isfinite(model(model.standard(torch.zeros(1, 3, 2, 2)))).all()


def test_each_place_is_restored_alone():
    model = FeatureAutoencoder(torch.zeros(4), torch.ones(4), 2).eval()
    features = torch.randn((1, 4, 3, 3), generator=torch.Generator().manual_seed(0))
    changed = features.clone()
    changed[..., 0, 0] += 5
    difference = (model(changed) - model(features)).abs().sum(1)[0]
    assert difference[0, 0] > 0
    assert difference.flatten()[1:].max() == 0


def test_the_backbone_learns_nothing():
    network = backbone("resnet18", "random", ("layer1", "layer2"))
    before = network.first_weights().clone()
    detector = FeatureReconstructionDetector(SETTINGS, network).fit(striped(8))
    assert detector.backbone is network
    assert torch.equal(network.first_weights(), before)
    assert not any(name.startswith("stages") for name, _ in detector.model.named_parameters())


def test_the_same_seed_gives_the_same_scores():
    short = replace(SETTINGS, training=replace(SETTINGS.training, epochs=2))
    images = striped(8)
    one, two = (FeatureReconstructionDetector(short).fit(images).predict(images) for _ in "ab")
    assert np.array_equal(one.maps, two.maps)


def test_judging_before_fitting_is_refused():
    with pytest.raises(ValueError, match=r"call fit\(good_images\) first"):
        FeatureReconstructionDetector(SETTINGS).predict(striped(1))


def test_images_smaller_than_a_place_are_refused():
    with pytest.raises(ValueError, match="images of 4 × 4 pixels are smaller"):
        FeatureReconstructionDetector(SETTINGS).fit(striped(4, side=4))
