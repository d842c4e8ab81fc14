"""The table of layers: shapes and counts worked out by hand."""

import torch
from torch import nn

from helpers.networks.layer_table import layer_table


def test_shapes_and_weights_of_a_small_network():
    model = nn.Sequential(nn.Sequential(nn.Conv2d(3, 8, 4, stride=2, padding=1)), nn.ReLU())
    table = layer_table(model, torch.zeros(1, 3, 16, 32))
    assert table["layer"].tolist() == ["Conv2d", "ReLU"]
    assert table["output"].tolist() == ["8 × 8 × 16", "8 × 8 × 16"]
    assert table["weights"].tolist() == [3 * 8 * 4 * 4 + 8, 0]
    assert table["part"].tolist() == ["0", "1"]


def test_the_network_keeps_no_hooks():
    model = nn.Sequential(nn.ReLU())
    layer_table(model, torch.zeros(1, 3, 2, 2))
    assert not model[0]._forward_hooks
