from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.detectors.self_supervision.cutpaste import CutPasteDetector, CutPasteSettings, damaged
from helpers.detectors.self_supervision.patch_cutpaste import (
    PatchCutPasteDetector,
    PatchCutPasteSettings,
    pixel_scores,
    random_crops,
)
from helpers.machine import this_machine, to_unit_range
from helpers.networks.seeding import seeded
from helpers.networks.training import TrainingSettings
from tests.stripes import moving_stripes

TRAINING = TrainingSettings(epochs=6, batch_size=8, learning_rate=1e-3)
SETTINGS = CutPasteSettings(layer="layer2", training=TRAINING)
PATCHES = PatchCutPasteSettings(layer="layer1", stride=1 / 8, training=TRAINING)


@pytest.fixture(scope="module")
def images():
    return moving_stripes(32)


@pytest.fixture(scope="module")
def fitted(images):
    return CutPasteDetector(SETTINGS).fit(images)


@pytest.fixture(scope="module")
def patch_wise(images):
    return PatchCutPasteDetector(PATCHES).fit(images)


def defective(seed=2):
    bad = moving_stripes(8, seed=seed)
    bad[:, :, 20:44, 20:44] = bad[:, :, 20:44, 20:44].transpose(0, 1, 3, 2)
    return bad


def test_it_learns_to_tell_the_three(fitted):
    losses = fitted.history.losses
    assert losses[-1] < 0.8 * np.log(3)
    with seeded(9):
        pictures = torch.tensor(moving_stripes(16, seed=5)) / 255
        views = damaged(pictures, SETTINGS.defect_types, 0.1, 64)
    said = [fitted.probabilities(np.uint8(255 * v.numpy())) for v in views]
    assert all(p.sum(1) == pytest.approx(1, abs=1e-3) for p in said)
    assert np.mean([(p.argmax(1) == i).mean() for i, p in enumerate(said)]) > 0.5


def test_anomalous_pictures_lie_outside_the_cloud(fitted):
    good = fitted.predict(moving_stripes(16, seed=1)).image
    bad = fitted.predict(defective()).image
    assert np.median(bad) > good.max()


def test_the_score_is_the_distance_of_the_embedding(fitted):
    images = defective()
    wanted = fitted.density.distance(fitted.embed(images))
    assert fitted.predict(images).image == pytest.approx(wanted, rel=0.02)


def test_the_slope_is_that_of_the_score(fitted):
    embedding = torch.tensor(fitted.embed(defective())[:1], dtype=torch.float64, requires_grad=True)
    difference = embedding - torch.tensor(fitted.density.mean)
    precision = torch.tensor(fitted.density.precision)
    (difference @ precision @ difference.T).sum().backward()
    assert torch.allclose(embedding.grad, 2 * (difference @ precision).detach())


def test_the_patch_wise_map_is_highest_where_the_damage_is(patch_wise):
    scores = patch_wise.predict(defective())
    assert scores.maps.shape == (8, 64, 64)
    inside = np.zeros((64, 64), bool)
    inside[16:48, 16:48] = True
    peaks = scores.maps.reshape(8, -1).argmax(1)
    assert inside.flatten()[peaks].mean() > 0.7
    assert np.median(scores.image) > patch_wise.predict(moving_stripes(16, seed=1)).image.max()


def test_crops_are_cut_where_the_embedding_says(patch_wise):
    images = moving_stripes(2, seed=4)
    grid = patch_wise.embed(images, 16)
    assert grid.shape[:3] == (2, 4, 4)
    alone = np.ascontiguousarray(images[:1, :, 16:32, 32:48])
    with torch.inference_mode():
        crop = to_unit_range(this_machine().stage(alone))
        wanted = patch_wise.model.embed(crop).cpu().numpy()[0]
    assert grid[0, 1, 2] == pytest.approx(wanted, rel=0.1, abs=0.05)


def test_random_crops_come_from_everywhere():
    numbered = torch.arange(64.0).view(1, 1, 8, 8).repeat(400, 3, 1, 1)
    with seeded(0):
        crops = random_crops(numbered, 3)
    assert crops.shape == (400, 3, 3, 3)
    assert set(crops[:, 0, 0, 0].int().tolist()) == {8 * y + x for y in range(6) for x in range(6)}


def test_pixel_scores_keeps_a_constant_and_puts_a_peak_in_the_middle_of_its_crop():
    assert torch.allclose(pixel_scores(torch.full((1, 5, 5), 3.0), 8, 2, 16), torch.tensor(3.0))
    scores = torch.zeros(1, 5, 5)
    scores[0, 2, 2] = 1
    found = pixel_scores(scores, 8, 2, 16)[0]
    assert found.shape == (16, 16)
    row, column = divmod(int(found.argmax()), 16)
    assert {row, column} <= {7, 8}
    assert found[:4].max() == 0


def test_pixel_scores_covers_a_rest_at_the_border():
    assert pixel_scores(torch.ones(1, 3, 3), 4, 3, 12).shape == (1, 12, 12)


@pytest.mark.parametrize("defect_types", [("patch",), ("scar",)])
def test_the_two_way_variants(images, defect_types):
    short = replace(SETTINGS, defect_types=defect_types, training=replace(TRAINING, epochs=1))
    detector = CutPasteDetector(short).fit(images)
    assert detector.probabilities(images).shape == (32, 2)


def test_the_same_seed_gives_the_same_scores(images):
    short = replace(SETTINGS, training=replace(TRAINING, epochs=1))
    one, two = (CutPasteDetector(short).fit(images).predict(images) for _ in "ab")
    assert np.array_equal(one.image, two.image)
    other = replace(short, training=replace(short.training, seed=1))
    assert not np.array_equal(one.image, CutPasteDetector(other).fit(images).predict(images).image)


def test_the_record_can_name_the_weights(fitted):
    assert fitted.backbone.source.name == "random"


@pytest.mark.parametrize("detector", [CutPasteDetector(), PatchCutPasteDetector()])
def test_judging_before_fitting_is_refused(detector, images):
    with pytest.raises(ValueError, match=r"call fit\(good_images\) first"):
        detector.predict(images)


@pytest.mark.parametrize("defect_types", [(), ("dent",), ("patch", "dent")])
def test_unknown_damage_is_refused(defect_types):
    with pytest.raises(ValueError, match="defect_types must name some of patch, scar"):
        CutPasteSettings(defect_types=defect_types)


def test_an_unknown_layer_is_corrected(images):
    with pytest.raises(ValueError, match="Did you mean 'layer3'"):
        CutPasteDetector(replace(SETTINGS, layer="layr3")).fit(images)


def test_a_batch_larger_than_the_data_is_refused(images):
    large = replace(SETTINGS, training=replace(TRAINING, batch_size=64))
    with pytest.raises(ValueError, match="larger than the 32 training images"):
        CutPasteDetector(large).fit(images)
