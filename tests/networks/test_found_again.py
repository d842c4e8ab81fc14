"""A backbone is named where its weights are public, and kept where they are not."""

import pytest
import torch

from helpers.errors import DataError
from helpers.networks.backbone import Backbone, backbone, trainable_backbone
from helpers.networks.found_again import backbone_from, backbone_state

PICTURES = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def same(one, other):
    with torch.no_grad():
        a, b = one(PICTURES), other(PICTURES)
    return list(a) == list(b) and all(torch.equal(a[name], b[name]) for name in a)


def test_public_weights_are_found_anew():
    network = backbone("resnet18", "formula", ("stride 8", "layer3"))
    state = backbone_state(network)
    assert "numbers" not in state
    again = backbone_from(state)
    assert isinstance(again, Backbone)
    assert again.source.sha256 == network.source.sha256
    assert same(network, again)


def test_changed_weights_are_kept():
    network = trainable_backbone("resnet18", "formula", ("layer1",))
    with torch.no_grad():
        next(network.parameters()).mul_(1.5)
    state = backbone_state(network)
    again = backbone_from(state)
    assert not isinstance(again, Backbone)
    assert same(network, again)
    assert str(again.source) == str(network.source)


def test_random_weights_are_kept():
    network = backbone("resnet18", "random", ("layer1",), seed=3)
    assert same(network, backbone_from(backbone_state(network)))


def test_other_weights_are_refused():
    state = backbone_state(backbone("resnet18", "formula", ("layer1",)))
    with pytest.raises(DataError, match="fit the detector again"):
        backbone_from({**state, "sha256": "0"})
    with pytest.raises(ValueError, match="missing"):
        backbone_from({**state, "weights": "/tmp/elsewhere.pt"})
