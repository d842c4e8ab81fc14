from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from helpers.detectors.reconstruction.feature_autoencoder import (
    FeatureReconstructionDetector,
    FeatureReconstructionSettings,
    LinearAutoencoder,
    fit_linear_autoencoder,
)
from helpers.networks.backbone import backbone
from helpers.networks.features import patch_features, patch_vectors
from tests.stripes import moving_stripes

SETTINGS = FeatureReconstructionSettings(
    architecture="resnet18", weights="random", layers=("stride 4", "stride 8"), patch=3
)


@pytest.fixture(scope="module")
def fitted():
    return FeatureReconstructionDetector(SETTINGS).fit(moving_stripes(16))


@pytest.fixture(scope="module")
def features(fitted):
    return patch_vectors(patch_features(fitted.backbone, moving_stripes(16), 3))


def test_damage_is_found_and_placed(fitted):
    good, bad = moving_stripes(8, seed=1), moving_stripes(8, seed=2)
    bad[:, :, 24:34, 40:50] = 20
    scores, damaged = fitted.predict(good), fitted.predict(bad)
    assert damaged.image.min() > scores.image.max()
    for score_map in damaged.maps:
        row, column = np.unravel_index(score_map.argmax(), score_map.shape)
        assert 18 <= row <= 40
        assert 34 <= column <= 56


def test_it_reconstructs_as_scikit_learns_principal_components_do(fitted, features):
    model = fitted.model
    alive = model.std > 1e-3  # a random network has features that hardly ever fire
    standard = model.standardise(features)[:, alive].cpu()
    wanted = PCA(model.code).fit(standard.numpy())
    wanted = wanted.inverse_transform(wanted.transform(standard.numpy()))
    ours = model.reconstruct(model.standardise(features))[:, alive].cpu()
    difference = (ours.numpy() - standard.numpy()) ** 2
    assert difference.mean() == pytest.approx(((wanted - standard.numpy()) ** 2).mean(), rel=0.05)


def test_no_other_code_of_that_size_reconstructs_better(fitted, features):
    standard = fitted.model.standardise(features)
    best = (fitted.model.reconstruct(standard) - standard).square().mean()
    generator = torch.Generator().manual_seed(0)
    size = len(fitted.model.mean)
    for _ in range(3):
        other, _ = torch.linalg.qr(torch.randn((size, fitted.model.code), generator=generator))
        other = other.to(standard.device)
        assert (standard @ other @ other.T - standard).square().mean() > best


def test_good_places_have_an_error_of_about_1(fitted, features):
    # Directions in which good features never vary add nothing.
    varied = (fitted.model.variances[: -fitted.model.code] > 1.01e-4).float().mean()
    assert fitted.model.error(features).mean().item() == pytest.approx(float(varied), abs=0.1)


def test_a_hand_computed_error():
    eye = torch.eye(2)
    model = LinearAutoencoder(
        torch.tensor([1.0, 0]), torch.tensor([2.0, 1]), eye, torch.tensor([0.25, 1.0]), 1
    )
    # (5 − 1) / 2 = 2 along the discarded direction, of variance 1/4: 2² / (1/4).
    assert model.error(torch.tensor([[5.0, 7.0]])).tolist() == [16]
    assert model.reconstruct(torch.tensor([[2.0, 7.0]])).tolist() == [[0, 7]]


def test_a_constant_feature_does_no_harm():
    network = backbone("resnet18", "random", ("layer1", "layer2"))
    blank = np.full((2, 3, 32, 32), 128, np.uint8)
    model = fit_linear_autoencoder(network, blank, 1, 0.5)
    assert torch.isfinite(model.error(patch_vectors(patch_features(network, blank, 1)))).all()


def test_the_images_may_come_in_any_number(fitted):
    images = moving_stripes(19, seed=3)
    together = fitted.predict(images).maps
    alone = np.concatenate([fitted.predict(images[i : i + 1]).maps for i in range(19)])
    assert np.allclose(together, alone, rtol=0.1, atol=0.1)


def test_the_backbone_learns_nothing():
    network = backbone("resnet18", "random", ("layer1", "layer2"))
    before = network.first_weights().clone()
    detector = FeatureReconstructionDetector(SETTINGS, network).fit(moving_stripes(8))
    assert detector.backbone is network
    assert torch.equal(network.first_weights().cpu(), before)


def test_the_same_images_give_the_same_scores():
    images = moving_stripes(8)
    one, two = (FeatureReconstructionDetector(SETTINGS).fit(images).predict(images) for _ in "ab")
    assert np.array_equal(one.maps, two.maps)


def test_judging_before_fitting_is_refused():
    with pytest.raises(ValueError, match=r"call fit\(good_images\) first"):
        FeatureReconstructionDetector(SETTINGS).predict(moving_stripes(1))


def test_images_smaller_than_a_place_are_refused():
    with pytest.raises(ValueError, match="images of 4 × 4 pixels are smaller"):
        FeatureReconstructionDetector(SETTINGS).fit(moving_stripes(4, side=4))


@pytest.mark.parametrize("share", [0, 1, -0.5])
def test_a_code_of_nothing_or_of_everything_is_refused(share):
    with pytest.raises(ValueError, match="code_share must lie between 0 and 1"):
        replace(SETTINGS, code_share=share)
