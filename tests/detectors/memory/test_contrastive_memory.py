"""Contrastive memory: it learns, finds damage, repeats itself, and names bad input."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.detectors.memory.contrastive_memory import (
    ContrastiveMemoryDetector,
    ContrastiveMemorySettings,
    damaged_patches,
    patches_at,
)
from helpers.detectors.memory.patchcore import PatchCoreDetector, PatchCoreSettings
from helpers.machine import this_machine, to_unit_range
from helpers.networks.seeding import seeded
from helpers.networks.training import TrainingSettings
from tests.stripes import moving_stripes

TINY = ContrastiveMemorySettings(
    memory=PatchCoreSettings(
        architecture="resnet18",
        weights="random",
        layers=("stride 4", "stride 8"),
        largest_memory=150,
        neighbours=3,
    ),
    dimensions=16,
    crop=1 / 2,
    training=TrainingSettings(epochs=3, batch_size=4, learning_rate=1e-3),
)


@pytest.fixture(scope="module")
def fitted():
    return ContrastiveMemoryDetector(TINY).fit(moving_stripes(12))


def test_the_loss_falls(fitted):
    assert fitted.history.losses[-1] < 0.8 * fitted.history.losses[0]


def test_damage_is_found_and_placed(fitted):
    good, bad = moving_stripes(8, seed=1), moving_stripes(8, seed=2)
    bad[:, :, 24:34, 40:50] = 20
    scores, damaged = fitted.predict(good), fitted.predict(bad)
    assert damaged.image.min() > scores.image.max()
    assert damaged.maps.shape == (8, 64, 64)
    for score_map in damaged.maps:
        row, column = np.unravel_index(score_map.argmax(), score_map.shape)
        assert 16 <= row <= 42
        assert 32 <= column <= 58


def test_the_memory_is_patchcores_over_the_trained_features(fitted):
    own = PatchCoreDetector(TINY.memory, fitted.backbone).fit(moving_stripes(12))
    assert torch.equal(own.memory, fitted.memory)
    images = moving_stripes(3, seed=3)
    assert np.array_equal(own.predict(images).image, fitted.predict(images).image)


def test_training_changes_the_features(fitted):
    frozen = PatchCoreDetector(TINY.memory).fit(moving_stripes(12))
    image = to_unit_range(this_machine().stage(moving_stripes(1)))
    with torch.inference_mode():
        before, after = frozen.backbone(image)["stride 8"], fitted.backbone(image)["stride 8"]
    assert (before - after).norm() > 0.1 * before.norm()


def test_the_same_seed_gives_the_same_scores(fitted):
    images = moving_stripes(4, seed=3)
    again = ContrastiveMemoryDetector(TINY).fit(moving_stripes(12))
    assert np.array_equal(fitted.predict(images).maps, again.predict(images).maps)
    other = replace(TINY, training=replace(TINY.training, seed=1))
    other = ContrastiveMemoryDetector(other).fit(moving_stripes(12))
    assert not np.array_equal(fitted.predict(images).maps, other.predict(images).maps)


@pytest.mark.parametrize(
    "negatives", [("other patches",), ("scar",), ("other patches", "patch", "scar")]
)
def test_every_choice_of_negatives_gives_a_loss_to_learn_from(negatives):
    detector = ContrastiveMemoryDetector(replace(TINY, negatives=negatives))
    encoder = torch.nn.Conv2d(3, 8, 4, stride=4)
    batch = torch.tensor(moving_stripes(4)) / 255
    with seeded(0):
        loss = detector.loss(encoder, batch)
    loss.backward()
    assert torch.isfinite(loss)
    assert encoder.weight.grad.abs().max() > 0


def test_an_encoder_that_sees_nothing_guesses():
    # All embeddings are equal: the loss is the logarithm of the number of answers.
    class Blind(torch.nn.Module):
        def forward(self, images):
            return torch.ones(len(images), 8, 4, 4)

    settings = replace(TINY, negatives=("other patches",), patches=3)
    loss = ContrastiveMemoryDetector(settings).loss(Blind(), torch.rand(5, 3, 32, 32))
    assert loss.item() == pytest.approx(np.log(5 * 3), rel=1e-5)


def test_places_are_taken_row_by_row():
    maps = torch.arange(24).view(2, 2, 2, 3)
    assert patches_at(maps, torch.tensor([[0, 5], [3, 3]])).tolist() == [
        [0, 6],
        [5, 11],
        [15, 21],
        [15, 21],
    ]


def test_damaged_places_are_those_covered_by_half_and_never_none():
    maps = torch.arange(8).view(2, 1, 2, 2)
    where = torch.zeros(2, 8, 8, dtype=torch.bool)
    where[0, :4, :6] = True  # the upper left patch wholly, the upper right by half
    where[1, 5, 5] = True  # one pixel of the lower right patch
    assert damaged_patches(maps, where).flatten().tolist() == [0, 1, 7]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"temperature": 0}, "temperature must be above 0; got 0"),
        ({"negatives": ("hole",)}, "negatives must name some of patch, scar, other patches"),
        ({"negatives": ()}, "negatives must name some of"),
        ({"crop": 0}, "crop must be above 0"),
        ({"patches": 1}, "patches must be at least 2; got 1"),
        ({"dimensions": 0}, "dimensions must be at least 1"),
        ({"noise": -1}, "noise must be at least 0"),
        ({"training": TrainingSettings(batch_size=1)}, "a batch needs 2 or more"),
    ],
)
def test_settings_out_of_range_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(TINY, **changes)


def test_too_few_images_are_refused():
    with pytest.raises(ValueError, match="larger than the 1 training images"):
        ContrastiveMemoryDetector(TINY).fit(moving_stripes(1))


def test_other_bad_input_is_refused(fitted):
    with pytest.raises(ValueError, match=r"call fit\(good_images\) first"):
        ContrastiveMemoryDetector(TINY).predict(moving_stripes(1))
    with pytest.raises(ValueError, match="images must be uint8"):
        ContrastiveMemoryDetector(TINY).fit(moving_stripes(4).astype(np.float32))
    wrong = replace(TINY, memory=replace(TINY.memory, layers=("layer9",)))
    with pytest.raises(ValueError, match="has no layer 'layer9'"):
        ContrastiveMemoryDetector(wrong).fit(moving_stripes(4))


def test_constant_images_are_refused():
    with pytest.raises(ValueError, match="one colour everywhere"):
        ContrastiveMemoryDetector(TINY).fit(np.full((4, 3, 64, 64), 128, np.uint8))
