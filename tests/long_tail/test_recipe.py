"""The authors' recipe: its augmentation, its schedule, which epoch it keeps, what it refuses."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.long_tail import recipe
from helpers.long_tail.recipe import RecipeClassifier, RecipeSettings, augmented
from tests.long_tail.test_classifier import dotted

SETTINGS = RecipeSettings(
    alpha=None, architecture="resnet18", weights="random", epochs=1, batch_size=8
)


def drawn(monkeypatch, **chosen):
    """Let the augmentation draw what changes nothing, but for the draws that are given by row."""
    draws = torch.full((9, 1), 0.5)
    draws[0], draws[1] = 0.0, 0.2  # scaled, by 1
    for row, value in chosen.items():
        draws[int(row[1:])] = value
    monkeypatch.setattr(recipe.torch, "rand", lambda *shape: draws.clone())


@pytest.fixture
def picture():
    return torch.tensor(np.random.default_rng(0).uniform(0.3, 0.6, (1, 3, 20, 20))).float()


def test_the_middle_of_every_draw_changes_nothing(picture, monkeypatch):
    drawn(monkeypatch)
    assert torch.allclose(augmented(picture), picture, atol=1e-5)


def test_pictures_are_flipped_shifted_and_turned_by_as_much_as_said(picture, monkeypatch):
    drawn(monkeypatch, _4=0.4)
    assert torch.allclose(augmented(picture), picture.flip(3), atol=1e-5)
    drawn(monkeypatch, _5=0.4)
    assert torch.allclose(augmented(picture), picture.flip(2), atol=1e-5)
    drawn(monkeypatch, _0=0.5, _2=1.0)  # a twentieth of the width, one pixel here
    assert torch.allclose(augmented(picture)[..., :-1], picture[..., 1:], atol=1e-5)
    spot = torch.zeros(1, 3, 41, 41)
    spot[..., 20, 30:33] = 1  # ten to twelve pixels right of the middle
    drawn(monkeypatch, _0=0.9, _3=1.0)
    rows, columns = np.nonzero(augmented(spot)[0, 0].numpy() > 0.3)
    assert abs(rows - 20).mean() == pytest.approx(11 / 2**0.5, abs=0.7)
    assert abs(columns - 20).mean() == pytest.approx(11 / 2**0.5, abs=0.7)
    drawn(monkeypatch, _0=0.0, _1=1.0)
    columns = np.nonzero(augmented(spot)[0, 0].numpy() > 0.3)[1]
    assert (columns - 20).mean() == pytest.approx(1.2 * 11, abs=0.7)


def test_light_changes_by_a_quarter(monkeypatch):
    flat = torch.full((1, 3, 8, 8), 0.4)
    flat[:, 0] = 0.6
    inside = (..., slice(2, 6), slice(2, 6))
    drawn(monkeypatch, _6=1.0)
    assert torch.allclose(augmented(flat)[inside], 1.25 * flat[inside])
    drawn(monkeypatch, _8=0.0)
    grey = flat.mean(1, keepdim=True)
    assert torch.allclose(augmented(flat), grey + 0.75 * (flat - grey), atol=1e-6)


def agreeing(monkeypatch, training, validation):
    """Let every epoch tell pictures apart as well as is said, by turns."""
    told = iter([value for pair in zip(training, validation, strict=True) for value in pair])
    monkeypatch.setattr(RecipeClassifier, "_agreement", lambda *_: next(told))


def test_the_rate_falls_where_validation_stands_still_and_training_ends(monkeypatch):
    images, labels = dotted((8, 8))
    agreeing(monkeypatch, [0.9] * 30, [0.4, 0.5, *[0.5] * 28])
    classifier = RecipeClassifier(replace(SETTINGS, epochs=30)).fit(
        images, labels, (images, labels)
    )
    # Best in the second epoch; after three without a gain the rate falls, three times.
    assert (classifier.kept, classifier.epochs) == (2, 2 + 3 * 3)


def test_the_rate_stays_while_training_pictures_are_told_apart_no_better(monkeypatch):
    images, labels = dotted((8, 8))
    agreeing(monkeypatch, [0.3] * 12, [0.5] * 12)
    classifier = RecipeClassifier(replace(SETTINGS, epochs=12)).fit(
        images, labels, (images, labels)
    )
    assert (classifier.kept, classifier.epochs) == (1, 12)


def test_a_share_of_nothing_is_the_baseline(monkeypatch):
    images, labels = dotted((6, 2))
    monkeypatch.setattr(recipe, "balanced_share", lambda alpha, rng: 0.0)
    plain, mixed = (
        RecipeClassifier(replace(SETTINGS, alpha=alpha)).fit(images, labels, (images, labels))
        for alpha in (None, 0.1)
    )
    assert np.allclose(plain.predict(images), mixed.predict(images), atol=1e-6)
    monkeypatch.setattr(recipe, "balanced_share", lambda alpha, rng: 1.0)
    other = RecipeClassifier(replace(SETTINGS, alpha=0.1)).fit(images, labels, (images, labels))
    assert not np.allclose(plain.predict(images), other.predict(images), atol=1e-4)


def test_it_learns_what_can_be_seen_and_repeats():
    images, labels = dotted((24, 24))
    settings = replace(SETTINGS, alpha=0.1, epochs=6)
    one, other = (
        RecipeClassifier(settings).fit(images, labels, dotted((8, 8), seed=1)) for _ in "ab"
    )
    fresh, known = dotted((10, 10), seed=2)
    probabilities = one.predict(fresh)
    assert np.array_equal(probabilities, other.predict(fresh))
    assert np.allclose(probabilities.sum(1), 1, atol=1e-5)
    assert (probabilities.argmax(1) == known).mean() > 0.8


def test_what_cannot_be_is_refused():
    images, labels = dotted((8, 8))
    with pytest.raises(ValueError, match="alpha must be positive"):
        RecipeSettings(alpha=0.0)
    with pytest.raises(ValueError, match="do not fit"):
        RecipeClassifier(SETTINGS).fit(images[1:], labels, (images, labels))
    with pytest.raises(ValueError, match="batch of 8 is larger than the 7 training images"):
        RecipeClassifier(SETTINGS).fit(images[4:11], labels[4:11], (images, labels))
    with pytest.raises(ValueError, match="has not been fitted"):
        RecipeClassifier(SETTINGS).predict(images)
