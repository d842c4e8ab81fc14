"""A detector of TorchVision's parts: augmentation, learning, refusing."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.detection.boxes import make_boxes
from helpers.detection.detector import (
    BoxDetector,
    BoxDetectorSettings,
    batch_of,
    rotate_flip,
    rotate_flip_boxes,
)
from helpers.detection.network import BoxNetworkSettings, box_network
from helpers.detection.precision_recall import iou_matrix
from helpers.networks.training import TrainingSettings

SIDE = 64
NETWORK = BoxNetworkSettings(
    layers=("stride 4", "stride 8"), trained=("layer2",), width=32, depth=1
)
SHORT = TrainingSettings(epochs=1, batch_size=2, learning_rate=1e-3)


def squares(count, seed=0):
    """Return grey pictures with one bright square each, and its box."""
    rng = np.random.default_rng(seed)
    images = rng.integers(60, 80, (count, 3, SIDE, SIDE)).astype(np.uint8)
    boxes = []
    for image in images:
        left, top = rng.integers(4, 36, 2)
        image[:, top : top + 20, left : left + 20] = 230
        boxes.append(make_boxes([[left, top, left + 20, top + 20]]))
    return images, boxes


@pytest.mark.parametrize("symmetry", range(8))
def test_boxes_turn_with_their_pictures(symmetry):
    picture = torch.zeros(1, SIDE, SIDE)
    picture[:, 5:9, 20:50] = 1
    corners = (
        rotate_flip_boxes(torch.tensor([[20.0, 5.0, 50.0, 9.0]]), symmetry, SIDE)[0].int().tolist()
    )
    left, top, right, bottom = corners
    turned = rotate_flip(picture, symmetry)
    assert (
        turned[:, top:bottom, left:right].sum() == picture.sum() == (right - left) * (bottom - top)
    )


def test_the_eight_symmetries_differ():
    picture = torch.arange(9.0).view(1, 3, 3)
    assert (
        len({tuple(rotate_flip(picture, symmetry).ravel().tolist()) for symmetry in range(8)}) == 8
    )


def test_a_batch_is_floats_with_its_boxes():
    images, boxes = squares(3)
    torch.manual_seed(0)
    pictures, targets = batch_of(torch.tensor(images), boxes, torch.tensor([2, 0]), 0.2)
    assert pictures.shape == (2, 3, SIDE, SIDE)
    assert pictures.min() >= 0 and pictures.max() <= 1
    for picture, target in zip(pictures, targets, strict=True):
        left, top, right, bottom = target["boxes"][0].int().tolist()
        inside = picture[:, top:bottom, left:right].mean()
        assert inside > 2 * picture.median()


def test_one_place_of_a_map_is_one_stride():
    network = box_network(replace(NETWORK, layers=("layer1", "layer2", "layer3")), 4, 128)
    maps = network.backbone(torch.zeros(1, 3, 128, 128))
    assert [tuple(m.shape) for m in maps.values()] == [
        (1, 32, 32, 32),
        (1, 32, 16, 16),
        (1, 32, 8, 8),
    ]
    trained = {
        name.split(".")[3]
        for name, p in network.named_parameters()
        if "body" in name and p.requires_grad
    }
    assert trained == {"layer2"}


def test_it_learns_to_find_squares():
    images, boxes = squares(24)
    training = TrainingSettings(epochs=8, batch_size=4, learning_rate=4e-3)
    detector = BoxDetector(BoxDetectorSettings(NETWORK, training=training))
    detector.fit(images, boxes, ["square"])
    assert all(losses[-1] < losses[0] for losses in detector.losses.values())
    others, true = squares(8, seed=1)
    found = detector.predict(others)
    best = [iou_matrix(t.corners, f.corners[:1])[0, 0] for t, f in zip(true, found, strict=True)]
    assert np.median(best) > 0.6


def test_the_same_seed_the_same_boxes():
    images, boxes = squares(4)
    runs = [
        BoxDetector(BoxDetectorSettings(NETWORK, training=SHORT)).fit(images, boxes, ["square"])
        for _ in range(2)
    ]
    assert runs[0].losses == runs[1].losses


def test_good_pictures_take_part():
    images, boxes = squares(4)
    boxes[1] = boxes[2] = make_boxes([])
    detector = BoxDetector(BoxDetectorSettings(NETWORK, training=SHORT))
    found = detector.fit(images, boxes, ["square"]).predict(images)
    assert len(found) == 4
    assert all((np.diff(each.scores) <= 0).all() for each in found)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda images, boxes: (images[:3], boxes), "3 pictures and boxes for 4"),
        (lambda images, boxes: (images, [make_boxes([])] * 4), "no picture has a box"),
        (lambda images, boxes: (images[..., :32], boxes), "must be square"),
        (
            lambda images, boxes: (images, [*boxes[:3], make_boxes([[0, 0, 9, 9]], [1])]),
            "picture 3 has a box of class 1, but there are 1",
        ),
        (
            lambda images, boxes: (images, [make_boxes([[0, 0, 65, 9]]), *boxes[1:]]),
            "picture 0 has a box that leaves its 64 × 64 pixels",
        ),
        (lambda images, boxes: (images[:1], boxes[:1]), "a batch of 2 is larger"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(change, message):
    images, boxes = change(*squares(4))
    with pytest.raises(ValueError, match=message):
        BoxDetector(BoxDetectorSettings(NETWORK, training=SHORT)).fit(images, boxes, ["square"])


def test_predicting_before_fitting_is_refused():
    with pytest.raises(ValueError, match="has not been fitted"):
        BoxDetector().predict(squares(1)[0])


def test_settings_are_checked():
    with pytest.raises(ValueError, match="multiple of 32"):
        BoxNetworkSettings(width=48)
    with pytest.raises(ValueError, match="depth must be"):
        BoxNetworkSettings(depth=0)
