"""The classifier of defects: what its batches hold, that it learns and repeats, what it refuses."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.long_tail import classifier as defect_classifiers
from helpers.long_tail.classifier import (
    BATCHES,
    REMEDIES,
    ClassifierSettings,
    DefectClassifier,
    PooledClassifier,
    Remedy,
)
from helpers.networks.training import TrainingSettings

TINY = TrainingSettings(epochs=1, batch_size=8, learning_rate=5e-3)
SETTINGS = ClassifierSettings(training=TINY)


def dotted(counts=(20, 10), side=32, seed=0):
    """Grey noise; class k ≥ 1 has a bright square in channel k - 1."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    images = rng.integers(90, 110, (len(labels), 3, side, side), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        if label:
            y, x = rng.integers(4, side - 12, 2)
            image[label - 1, y : y + 8, x : x + 8] = 250
    return images, labels


@pytest.fixture(scope="module")
def fitted():
    settings = replace(SETTINGS, training=replace(TINY, epochs=4))
    return DefectClassifier(settings).fit(*dotted((40, 20, 20)))


def test_it_learns_what_can_be_seen(fitted):
    images, labels = dotted((10, 10, 10), seed=1)
    probabilities = fitted.predict(images)
    assert probabilities.shape == (30, 3)
    assert np.allclose(probabilities.sum(1), 1, atol=1e-5)
    assert (probabilities.argmax(1) == labels).mean() > 0.8
    assert fitted.losses[-1] < fitted.losses[0]
    assert fitted.epochs == 4


def test_the_same_seed_gives_the_same_classifier():
    data = dotted()
    one, other = (DefectClassifier(SETTINGS).fit(*data).predict(data[0]) for _ in range(2))
    assert np.array_equal(one, other)
    third = replace(SETTINGS, training=replace(TINY, seed=1))
    assert not np.array_equal(one, DefectClassifier(third).fit(*data).predict(data[0]))


@pytest.mark.parametrize("name", REMEDIES)
def test_every_remedy_goes_on_from_a_start_and_leaves_it_as_it_was(fitted, name):
    data = dotted((40, 20, 20))
    before = fitted.predict(data[0])
    settings = replace(SETTINGS, remedy=REMEDIES[name])
    after = DefectClassifier(settings).fit(*data, start=fitted)
    assert after.epochs == 5
    assert len(after.losses) == 1
    assert np.isfinite(after.predict(data[0])).all()
    assert np.array_equal(fitted.predict(data[0]), before)


def batches(name, alpha=0.5):
    images, labels = dotted((60, 4))
    data = torch.utils.data.TensorDataset(torch.tensor(images), torch.tensor(labels))
    classifier = DefectClassifier(replace(SETTINGS, remedy=Remedy(name, alpha=alpha)))
    return list(classifier._epoch(data, 2, 0, classifier.settings.remedy))


@pytest.mark.parametrize("name", BATCHES)
def test_an_epoch_is_as_many_steps_with_every_remedy(name):
    mixtures = batches(name)
    assert len(mixtures) == 8
    assert all(m.images.shape == (8, 3, 32, 32) for m in mixtures)
    assert all(torch.allclose(m.targets.sum(1), torch.ones(8)) for m in mixtures)
    assert all(m.images.min() >= 0 and m.images.max() <= 1 for m in mixtures)


def test_batches_hold_what_their_names_say():
    share = {
        name: torch.cat([m.targets for m in batches(name)])[:, 1].mean().item() for name in BATCHES
    }
    assert share["instance-balanced"] == pytest.approx(4 / 64)
    assert share["mixup"] == pytest.approx(4 / 64, abs=1e-6)
    assert share["class-balanced"] == pytest.approx(0.5, abs=0.15)
    assert share["instance-balanced"] < share["Balanced-MixUp"] < share["class-balanced"]


def test_balanced_mixup_has_its_two_limits_in_the_batches():
    plain = torch.cat([m.targets for m in batches("instance-balanced")])
    nearly = torch.cat([m.targets for m in batches("Balanced-MixUp", alpha=1e-6)])
    assert torch.allclose(nearly, plain, atol=1e-6)
    by_class = torch.cat([m.targets for m in batches("class-balanced")])
    far = torch.cat([m.targets for m in batches("Balanced-MixUp", alpha=1e9)])
    assert torch.allclose(far, by_class, atol=1e-5)


def test_the_head_sees_the_mean_and_the_maximum():
    backbone = defect_classifiers.trainable_backbone("resnet18", "random", ("layer2",))
    model = PooledClassifier(backbone, 2).eval()
    image = torch.rand(1, 3, 32, 32)
    features = backbone(image)["layer2"]
    expected = torch.cat([features.mean((2, 3)), features.amax((2, 3))], 1)
    assert torch.allclose(model(image), model.head(expected))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda i, y: (i[:5], y), "5 images and 30 labels"),
        (lambda i, y: (i, y * 2), "class 1 has no image"),
        (lambda i, y: (i, y - 1), r"labels\[0\] is -1"),
        (lambda i, y: (i[y == 0], y[y == 0]), "at least 2 classes; got 1"),
        (lambda i, y: (i.astype(float), y), "images must be uint8"),
    ],
)
def test_data_that_cannot_be_learned_from(change, message):
    with pytest.raises(ValueError, match=message):
        DefectClassifier(SETTINGS).fit(*change(*dotted()))


def test_a_batch_of_one_image_is_refused():
    settings = replace(SETTINGS, training=replace(TINY, batch_size=1))
    with pytest.raises(ValueError, match="batch_size must be at least 2"):
        DefectClassifier(settings).fit(*dotted())


def test_a_last_batch_of_one_image_is_left_out():
    images, labels = dotted((12, 5))
    assert DefectClassifier(SETTINGS).fit(images, labels).predict(images).shape == (17, 2)


def test_a_class_of_one_image_can_be_learned_from_with_every_remedy():
    images, labels = dotted((15, 1))
    for remedy in REMEDIES.values():
        settings = replace(SETTINGS, remedy=remedy)
        assert DefectClassifier(settings).fit(images, labels).predict(images).shape == (16, 2)


def test_a_start_of_other_classes_or_none_is_refused(fitted):
    for start in (fitted, DefectClassifier()):
        with pytest.raises(ValueError, match="fitted on the same 2 classes"):
            DefectClassifier(SETTINGS).fit(*dotted(), start=start)


def test_settings_and_order_of_calls_are_checked():
    with pytest.raises(ValueError, match="no 'by hand'; choose one of instance-balanced"):
        Remedy("by hand")
    with pytest.raises(ValueError, match="no 'hinge'; choose one of cross-entropy"):
        Remedy(loss="hinge")
    for alpha in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="alpha must be positive and finite"):
            Remedy("Balanced-MixUp", alpha=alpha)
    with pytest.raises(ValueError, match="call fit"):
        DefectClassifier().predict(dotted()[0])
