import importlib.util

import pytest
import torch

from helpers.errors import DataError
from helpers.networks import choice
from helpers.networks.backbone import backbone, trainable_backbone
from helpers.networks.efficientnet_lite import read_package_weights


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch, tmp_path):
    """Forget what was said before, and keep TorchVision's cache of this machine out of it."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "empty"))
    monkeypatch.delenv(choice.VARIABLE, raising=False)
    choice._say.cache_clear()
    yield
    choice._say.cache_clear()


@pytest.fixture
def no_package(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)


def test_auto_takes_the_packages_weights_and_says_so_once(capsys):
    for _ in range(2):
        network = backbone()
        assert network.source.name == "imagenet"
        assert network.architecture.name == "efficientnet_lite0"
    assert capsys.readouterr().out == "Backbone: ImageNet weights of efficientnet_lite0.\n"


def test_auto_comes_down_to_formula_weights(no_package, capsys):
    network = backbone()
    assert (network.source.name, network.architecture.name) == ("formula", "resnet18")
    assert capsys.readouterr().out == (
        "Backbone: formula weights of resnet18 (ImageNet's are neither installed, nor cached, nor "
        "to be had).\n"
    )


@pytest.mark.parametrize(
    ("named", "architecture"),
    [("formula", "resnet18"), ("random", "efficientnet_lite0"), ("imagenet", "efficientnet_lite0")],
)
def test_one_variable_chooses(monkeypatch, named, architecture):
    monkeypatch.setenv(choice.VARIABLE, named)
    network = backbone()
    assert (network.source.name, network.architecture.name) == (named, architecture)
    # What is asked for by name is not overruled.
    assert backbone(weights="formula").source.name == "formula"


def test_a_variable_names_a_file_and_the_network_is_told_from_it(monkeypatch, tmp_path):
    path = tmp_path / "own.pth"
    torch.save(read_package_weights()[0], path)
    monkeypatch.setenv(choice.VARIABLE, str(path))
    network = backbone()
    assert network.architecture.name == "efficientnet_lite0"
    assert network.source.name == "own.pth"


def test_a_file_of_an_unknown_network_is_refused(tmp_path):
    path = tmp_path / "other.pth"
    torch.save({"weight": torch.zeros(3)}, path)
    with pytest.raises(DataError, match=r"other\.pth holds no weights of .*architecture='…'"):
        backbone(weights=path)


def test_an_unknown_value_of_the_variable_is_named(monkeypatch):
    monkeypatch.setenv(choice.VARIABLE, "imagnet")
    with pytest.raises(ValueError, match="no weights 'imagnet'. Did you mean 'imagenet'"):
        backbone()


def test_weights_that_are_not_finite_are_refused(tmp_path):
    state, _ = read_package_weights()
    state["features.1.0.block.0.0.weight"][0] = float("nan")
    path = tmp_path / "broken.pth"
    torch.save(state, path)
    with pytest.raises(DataError, match=r"broken\.pth is damaged .*features\.1.*not finite"):
        trainable_backbone("efficientnet_lite0", path)
