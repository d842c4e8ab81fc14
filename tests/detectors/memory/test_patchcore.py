import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.data.load import load_category
from helpers.detectors import catalogue
from helpers.detectors.memory.patchcore import (
    PatchCoreDetector,
    PatchCoreSettings,
    layer_scale,
    reweighted,
)
from helpers.detectors.saved import load_detector, save_detector
from helpers.metrics.image import image_auroc
from helpers.networks.backbone import Backbone, backbone, trainable_backbone
from helpers.networks.features import patch_features
from helpers.profiles import PROFILES
from tests.stripes import moving_stripes, still_stripes

SMALL = PatchCoreSettings(
    architecture="resnet18",
    weights="random",
    layers=("stride 4", "stride 8"),
    largest_memory=200,
    neighbours=3,
)


@pytest.fixture(scope="module")
def fitted():
    return PatchCoreDetector(SMALL).fit(moving_stripes(12))


def test_damage_is_found_and_placed(fitted):
    good, bad = moving_stripes(8, seed=1), moving_stripes(8, seed=2)
    bad[:, :, 24:34, 40:50] = 20
    scores, damaged = fitted.predict(good), fitted.predict(bad)
    assert damaged.image.min() > scores.image.max()
    for score_map in damaged.maps:
        row, column = np.unravel_index(score_map.argmax(), score_map.shape)
        assert 20 <= row <= 38
        assert 36 <= column <= 54


def test_scores_have_the_shapes_of_the_images(fitted):
    scores = fitted.predict(moving_stripes(3))
    assert scores.image.shape == (3,)
    assert scores.maps.shape == (3, 64, 64)
    assert scores.image.dtype == scores.maps.dtype == np.float32


def test_an_image_in_a_whole_memory_has_no_distance_to_it():
    images = moving_stripes(2)
    whole = replace(SMALL, coreset_share=1.0, largest_memory=10**6, smoothing=0)
    scores = PatchCoreDetector(whole).fit(images).predict(images)
    assert np.abs(scores.maps).max() < 1e-4
    assert np.abs(scores.image).max() < 1e-4


def test_entries_are_the_features_of_the_places_they_name(fitted):
    features = patch_features(fitted.backbone, moving_stripes(12)) / fitted.scale[:, None, None]
    for entry, (image, row, column) in zip(
        fitted.memory[:20], fitted.memory_positions[:20], strict=True
    ):
        assert torch.allclose(entry, features[image, :, row, column], atol=1e-5)


def test_each_layer_is_brought_to_a_spread_of_one():
    vectors = torch.tensor([[1.0, 0.0, 5.0, 2.0], [1.0, 6.0, -3.0, 2.0], [4.0, 0.0, 5.0, 2.0]])
    # Variances: 2, 8; 128 / 9; 0. Their sums' roots are what the layers are divided by.
    scale = layer_scale(vectors, {"fine": 2, "coarse": 1, "silent": 1})
    expected = [math.sqrt(10), math.sqrt(10), math.sqrt(128 / 9), 1]
    assert scale.tolist() == pytest.approx(expected)


class Louder(Backbone):
    """The same features, but those of one layer many times as large."""

    def forward(self, images):
        maps = super().forward(images)
        return maps | {"stride 8": 32 * maps["stride 8"]}


def test_no_layer_counts_more_because_its_features_are_larger(monkeypatch):
    monkeypatch.setenv("ONE_BAD_NUT_PRECISION", "float32")
    free = trainable_backbone("resnet18", "random", SMALL.layers)
    one, two = (
        PatchCoreDetector(SMALL, kind(free)).fit(moving_stripes(12)).predict(moving_stripes(3))
        for kind in (Backbone, Louder)
    )
    assert np.allclose(one.maps, two.maps, rtol=1e-3, atol=1e-4)
    assert np.allclose(one.image, two.image, rtol=1e-3)


def test_the_memory_has_the_size_asked_for():
    images = moving_stripes(4)  # 4 · 16 · 16 patches
    share = PatchCoreDetector(replace(SMALL, coreset_share=0.05)).fit(images)
    assert share.memory.shape == (51, 64 + 128)
    most = PatchCoreDetector(replace(SMALL, largest_memory=30)).fit(images)
    assert most.memory.shape == (30, 64 + 128)


def test_the_same_seed_gives_the_same_scores(fitted):
    images = moving_stripes(5, seed=3)
    again = PatchCoreDetector(SMALL).fit(moving_stripes(12))
    one, two = fitted.predict(images), again.predict(images)
    assert np.array_equal(one.image, two.image)
    assert np.array_equal(one.maps, two.maps)


def test_an_image_is_scored_alike_alone_and_in_company(fitted):
    images = moving_stripes(20, seed=4)
    together, alone = fitted.predict(images), fitted.predict(images[17:18])
    assert np.allclose(together.image[17], alone.image[0], rtol=2e-2)
    assert np.allclose(together.maps[17], alone.maps[0], rtol=2e-2, atol=1e-2)


def test_the_reweighted_score_of_a_hand_computed_case():
    memory = torch.tensor([[0.0], [1.0], [3.0]])
    vector = torch.tensor([[-0.5]])
    # Nearest: 0, at 0.5. Its two neighbours are itself and 1, at 0.5 and 1.5 from the vector.
    share = math.exp(0.5) / (math.exp(0.5) + math.exp(1.5))
    score = reweighted(torch.tensor([0.5]), vector, torch.tensor([0]), memory, 2)
    assert score.item() == pytest.approx((1 - share) * 0.5, rel=1e-6)


def test_reweighting_bears_distances_that_exp_does_not():
    memory = torch.tensor([[0.0], [10.0], [2000.0]])
    score = reweighted(
        torch.tensor([500.0]), torch.tensor([[-500.0]]), torch.tensor([0]), memory, 3
    )
    assert math.isfinite(score.item())
    assert score.item() == pytest.approx(500, rel=1e-3)


def test_one_neighbour_leaves_the_largest_distance():
    distances = torch.tensor([2.0, 3.0])
    memory = torch.zeros(4, 2)
    assert reweighted(distances, memory[:2], torch.tensor([0, 1]), memory, 1) is distances


def test_a_given_backbone_is_used():
    network = backbone("resnet18", "random", ("layer1",), seed=5)
    detector = PatchCoreDetector(SMALL, network).fit(moving_stripes(4))
    assert detector.backbone is network
    assert detector.memory.shape[1] == 64


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("coreset_share", 0.0),
        ("coreset_share", 1.1),
        ("patch", 2),
        ("neighbours", 0),
        ("largest_memory", 0),
        ("projection", 0),
    ],
)
def test_settings_out_of_range_are_refused(setting, value):
    with pytest.raises(ValueError, match=f"{setting} must"):
        replace(SMALL, **{setting: value})


def test_judging_before_fitting_is_refused():
    with pytest.raises(ValueError, match=r"call fit\(good_images\) first"):
        PatchCoreDetector(SMALL).predict(moving_stripes(1))


def test_a_memory_smaller_than_the_neighbourhood_is_refused():
    with pytest.raises(ValueError, match="a memory of 2 entries out of 512, fewer than the 3"):
        PatchCoreDetector(replace(SMALL, largest_memory=2)).fit(moving_stripes(2))


def test_one_image_is_enough_when_it_has_places_enough(fitted):
    one = PatchCoreDetector(SMALL).fit(moving_stripes(1))  # 16 · 16 patches
    assert one.memory.shape == (26, 64 + 128)
    assert np.isfinite(one.predict(moving_stripes(2)).image).all()


def test_one_image_with_too_few_places_is_refused():
    with pytest.raises(ValueError, match=r"1 image\(s\) give a memory of 2 entries out of 16"):
        PatchCoreDetector(SMALL).fit(moving_stripes(1, side=16))


def test_no_images_are_refused(fitted):
    nothing = np.empty((0, 3, 64, 64), np.uint8)
    with pytest.raises(ValueError, match="Give at least one picture"):
        PatchCoreDetector(SMALL).fit(nothing)
    with pytest.raises(ValueError, match="Give at least one picture"):
        fitted.predict(nothing)


def test_a_memory_larger_than_all_places_keeps_each_once():
    whole = replace(SMALL, coreset_share=1.0, largest_memory=10**6)
    detector = PatchCoreDetector(whole).fit(moving_stripes(1))
    assert len(detector.memory) == len(np.unique(detector.memory_positions, axis=0)) == 256


def test_a_training_image_of_one_colour_is_refused():
    images = moving_stripes(3)
    images[1] = np.array([90, 60, 30])[:, None, None]
    with pytest.raises(ValueError, match=r"image 1 has one colour everywhere, \[90, 60, 30\]"):
        PatchCoreDetector(SMALL).fit(images)


def test_a_black_image_can_be_scored_and_is_anomalous(fitted):
    black = np.zeros((1, 3, 64, 64), np.uint8)
    assert fitted.predict(black).image[0] > fitted.predict(moving_stripes(8, seed=1)).image.max()


def test_features_that_are_not_numbers_are_refused():
    network = backbone("resnet18", "random", ("layer1",))
    next(network.parameters()).fill_(math.nan)
    with pytest.raises(ValueError, match="features of image 0 are not finite.*weights"):
        PatchCoreDetector(SMALL, network).fit(moving_stripes(4))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layers": ()}, "name at least one layer of resnet18"),
        ({"layers": ("layer2", "layer5")}, "resnet18 has no layer 'layer5'"),
        ({"architecture": "resnet19"}, "no architecture 'resnet19'"),
        ({"weights": "formula", "layers": ("layer3", "layer4")}, "end with layer3"),
    ],
)
def test_a_backbone_without_the_layers_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        PatchCoreDetector(replace(SMALL, **changes)).fit(moving_stripes(2))


def test_images_of_another_layout_are_refused(fitted):
    with pytest.raises(ValueError, match="must be uint8 of shape N×3×H×W"):
        PatchCoreDetector(SMALL).fit(moving_stripes(1)[0])
    with pytest.raises(ValueError, match="must be uint8 of shape N×3×H×W"):
        fitted.predict(moving_stripes(1) / 255)


def test_shipped_weights_find_real_defects(real_root):
    # Every so many, because neighbours in the list are alike: they were photographed together.
    category = load_category("grid", size=224, root=real_root)
    settings = PatchCoreSettings(weights="formula", largest_memory=500)
    detector = PatchCoreDetector(settings).fit(category.train[::6])
    scores = detector.predict(category.test[::3])
    assert image_auroc(category.labels[::3], scores.image) > 0.85


def test_tokens_of_a_vision_transformer_serve_as_features(tmp_path):
    pytest.importorskip("timm")
    usual = catalogue.anomaly_dino(PROFILES["quick"])
    settings = replace(usual, weights="random", largest_memory=300)
    good, bad = still_stripes(4, side=112), still_stripes(2, seed=1, side=112)
    bad[:, :, 28:56, 56:84] = 250  # four whole patches of 14 pixels
    detector = PatchCoreDetector(settings).fit(good)
    assert (detector.backbone.channels, detector.backbone.strides) == (
        {"blocks.11": 384},
        {"blocks.11": 14},
    )
    scores = detector.predict(np.concatenate([still_stripes(2, seed=2, side=112), bad]))
    assert scores.image[2:].min() > scores.image[:2].max()
    assert scores.maps[2:, 28:56, 56:84].mean() > 1.5 * scores.maps[2:, :, :42].mean()
    loaded, _ = load_detector(save_detector(detector, tmp_path / "tokens.zip"))
    assert np.array_equal(loaded.predict(bad).maps, detector.predict(bad).maps)
