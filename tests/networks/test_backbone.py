import copy
import pickle
import socket

import pytest
import torch
from torchvision.models import resnet18, squeezenet1_1
from torchvision.models.feature_extraction import create_feature_extractor

from helpers.errors import DataError
from helpers.networks.architectures import MEAN, STD
from helpers.networks.backbone import backbone, trainable_backbone
from helpers.networks.seeding import seeded
from helpers.networks.weights import imagenet_file, write_formula_weights
from tests.conftest import SHARED

SQUEEZENET_LAYERS = tuple(f"features.{i}" for i in (1, 4, 7, 10, 12))
IMAGES = torch.rand((2, 3, 96, 96), generator=torch.Generator().manual_seed(0))
SQUEEZENET = SHARED.parent / "weights" / "squeezenet1_1_imagenet_fp16.pth"


def lively(network):
    """Give the normalisations statistics of their own, so that folding them matters."""
    generator = torch.Generator().manual_seed(1)
    state = network.state_dict()
    for name, value in state.items():
        if name.endswith(("running_mean", "bias")):
            value.copy_(0.3 * torch.randn(value.shape, generator=generator))
        elif name.endswith("running_var"):
            value.copy_(0.5 + torch.rand(value.shape, generator=generator))
    return network


@pytest.fixture(scope="module")
def network():
    with seeded(0):
        return lively(resnet18()).eval()


@pytest.fixture
def hub(tmp_path, monkeypatch, network):
    """Put a locally made checkpoint where TorchVision caches its own."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    path = imagenet_file("resnet18")
    path.parent.mkdir(parents=True)
    torch.save(network.state_dict(), path)
    return path


@pytest.fixture
def formula(tmp_path, network):
    kept = {k: v for k, v in network.state_dict().items() if not k.startswith(("layer4", "fc"))}
    write_formula_weights("resnet18", kept, {}, tmp_path)
    return tmp_path


@pytest.fixture
def no_network(monkeypatch, tmp_path):
    def refuse(*_, **__):
        raise OSError("no network in this test")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "empty"))
    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def torchvisions(network, nodes):
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (MEAN, STD))
    with torch.inference_mode():
        return create_feature_extractor(network, nodes)((IMAGES - mean) / std)


def test_features_are_those_of_torchvisions_network(hub, network):
    layers = ("relu", "layer1", "layer2", "layer3", "layer4")
    own = backbone("resnet18", "imagenet", layers)(IMAGES)
    expected = torchvisions(network, {name: name for name in layers})
    assert list(own) == list(layers)
    for name in layers:
        assert torch.allclose(own[name], expected[name], rtol=1e-3, atol=1e-4), name


def test_squeezenet_has_torchvisions_features(tmp_path):
    with seeded(0):
        network = squeezenet1_1().eval()
    path = tmp_path / "own.pth"
    torch.save(network.state_dict(), path)
    own = backbone("squeezenet1_1", path, SQUEEZENET_LAYERS)(IMAGES)
    expected = torchvisions(network, {name: name for name in SQUEEZENET_LAYERS})
    assert list(own) == list(SQUEEZENET_LAYERS)
    assert all(torch.allclose(own[name], expected[name], atol=1e-5) for name in expected)


def middle_moves(network, layer, shift):
    """How many patches the map's middle moves when a bright spot moves by ``shift`` pixels."""
    centres = []
    for corner in (64, 64 + shift):
        image = torch.zeros((1, 3, 256, 256))
        image[..., corner : corner + 8, corner : corner + 8] = 1
        change = network(image)[layer] - network(torch.zeros_like(image))[layer]
        energy = change.square().sum(dim=(0, 1, 3))
        rows = torch.arange(len(energy), dtype=torch.float32)
        centres.append(float((energy * rows).sum() / energy.sum()))
    return centres[1] - centres[0]


@pytest.mark.parametrize(
    ("architecture", "layer"),
    [("resnet18", "layer3"), ("squeezenet1_1", "stride 8"), ("efficientnet_lite0", "stride 16")],
)
def test_a_spot_that_moves_by_a_stride_moves_by_a_place(architecture, layer):
    network = backbone(architecture, "random", (layer,))
    moved = middle_moves(network, layer, 4 * network.strides[layer])
    assert moved == pytest.approx(4, abs=0.05)


def test_channels_and_strides_are_as_they_say():
    network = backbone("resnet18", "random", ("layer3", "layer1"))
    assert network.layers == ("layer1", "layer3")
    assert network.channels == {"layer1": 64, "layer3": 256}
    assert network.strides == {"layer1": 4, "layer3": 16}
    maps = network(IMAGES)
    assert maps["layer3"].shape == (2, 256, 6, 6)
    small = backbone("squeezenet1_1", "random", SQUEEZENET_LAYERS)
    assert tuple(small.strides.values()) == (2, 4, 8, 16, 16)
    assert tuple(small.channels.values()) == (64, 128, 256, 384, 512)


def test_nothing_above_the_last_layer_is_kept():
    small, large = (
        sum(p.numel() for p in backbone("resnet18", "random", (layer,)).parameters())
        for layer in ("layer2", "layer4")
    )
    assert small < 0.1 * large


def test_it_stays_frozen():
    network = backbone("resnet18", "random").train()
    assert not network.training
    assert not any(p.requires_grad for p in network.parameters())
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in network.modules())


def test_random_weights_follow_the_seed():
    one, same, other = (backbone("resnet18", "random", seed=s) for s in (1, 1, 2))
    assert torch.equal(one.first_weights(), same.first_weights())
    assert not torch.equal(one.first_weights(), other.first_weights())
    assert str(one.source) == "random weights of resnet18, seed 1"


def test_formula_weights_ship_with_the_book_and_need_no_network(no_network, capsys):
    network = backbone("resnet18", "formula")
    assert network.source.name == "formula"
    assert len(network.source.sha256) == 64
    assert not capsys.readouterr().out
    assert backbone("resnet18", "random").source.sha256 == ""


def test_auto_takes_cached_imagenet_weights_and_says_so(hub, capsys):
    assert backbone("resnet18").source.name == "imagenet"
    assert capsys.readouterr().out == "Backbone: ImageNet weights of resnet18.\n"


def test_auto_takes_formula_weights_where_there_is_no_network_and_says_so(
    no_network, formula, capsys
):
    network = backbone("resnet18", formula_folder=formula)
    assert network.source.name == "formula"
    assert capsys.readouterr().out == (
        "Backbone: formula weights of resnet18 (ImageNet's are neither installed, nor cached, nor "
        "to be had).\n"
    )


def test_auto_does_not_pass_over_a_damaged_file(hub, formula):
    hub.write_bytes(b"half")
    with pytest.raises(DataError, match=f"{hub.name} is damaged"):
        backbone("resnet18", formula_folder=formula)


def test_auto_says_when_there_is_nothing_to_fall_back_on(no_network):
    with pytest.raises(DataError, match=r"cannot be downloaded.*nothing to fall back on.*squeeze"):
        backbone("squeezenet1_1")


def test_an_unknown_architecture_is_named():
    with pytest.raises(ValueError, match="no architecture 'resnet81'. Did you mean 'resnet18'"):
        backbone("resnet81")


def test_unknown_weights_are_named():
    with pytest.raises(ValueError, match="no weights 'imagnet'. Did you mean 'imagenet'"):
        backbone("resnet18", "imagnet")


def test_a_layer_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="resnet18 has no layer 'layer9'. Did you mean 'layer"):
        backbone("resnet18", "random", ("layer9",))
    with pytest.raises(ValueError, match="name at least one layer"):
        backbone("resnet18", "random", ())
    with pytest.raises(ValueError, match=r"got 'layer3'. Write \('layer3',\)"):
        backbone("resnet18", "random", ("layer3"))


def test_formula_weights_end_with_layer3(formula):
    with pytest.raises(ValueError, match=r"end with layer3, .*lack layer4\.0.* layer4 need"):
        backbone("resnet18", "formula", ("layer4",), formula_folder=formula)
    with pytest.raises(ValueError, match="no formula weights for squeezenet1_1.*'resnet18'"):
        backbone("squeezenet1_1", "formula", formula_folder=formula)


def test_a_file_of_another_network_is_refused(tmp_path, network):
    path = tmp_path / "other.pth"
    torch.save(squeezenet1_1().state_dict(), path)
    with pytest.raises(DataError, match=r"other\.pth does not fit: its features"):
        backbone("resnet18", path)
    state = network.state_dict()
    del state["layer2.0.conv1.weight"]
    torch.save(state, path)
    with pytest.raises(DataError, match=r"it lacks layer2\.0\.conv1\.weight \(1 missing"):
        backbone("resnet18", str(path))
    state["layer2.0.conv1.weight"] = torch.zeros(3)
    torch.save(state, path)
    with pytest.raises(DataError, match=r"layer2\.0\.conv1\.weight has shape \(3,\)"):
        backbone("resnet18", path)


@pytest.mark.parametrize("build", [backbone, trainable_backbone])
def test_files_without_counters_of_batches_serve(hub, network, build):
    # TorchVision's own file may be as old: it was first saved before PyTorch counted batches.
    state = network.state_dict()
    torch.save({k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}, hub)
    built = build("resnet18", "imagenet", ("layer1",))
    assert not any(value.is_meta for value in built.state_dict().values())
    expected = torchvisions(network, {"layer1": "layer1"})["layer1"]
    assert torch.allclose(built(IMAGES)["layer1"], expected, rtol=1e-3, atol=1e-4)
    built.train()
    built(IMAGES)


def test_what_lies_above_the_last_layer_may_be_of_another_shape(tmp_path, network):
    state = network.state_dict() | {"fc.weight": torch.zeros(3, 512), "fc.bias": torch.zeros(3)}
    path = tmp_path / "three_classes.pt"
    torch.save(state, path)
    assert backbone("resnet18", path).source.name == "three_classes.pt"


def test_it_can_be_copied_and_pickled():
    network = backbone("resnet18", "random", ("layer1",))
    for twin in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert torch.equal(twin(IMAGES)["layer1"], network(IMAGES)["layer1"])
        assert twin.source == network.source


def test_real_weights_in_half_precision_are_read():
    if not SQUEEZENET.is_file():
        pytest.skip("the real development weights are not on this machine")
    network = backbone("squeezenet1_1", SQUEEZENET, ("stride 8", "stride 16"))
    assert network.source.name == SQUEEZENET.name
    # Filters of a trained network are smooth: neighbouring taps go together.
    filters = network.first_weights()
    a, b = filters[..., 1:].flatten(), filters[..., :-1].flatten()
    assert torch.corrcoef(torch.stack([a, b]))[0, 1] > 0.1


def test_a_trainable_one_has_the_same_features_and_gradients(hub):
    frozen = backbone("resnet18", "imagenet", ("layer2",))
    free = trainable_backbone("resnet18", "imagenet", ("layer2",))
    assert torch.allclose(frozen(IMAGES)["layer2"], free(IMAGES)["layer2"], rtol=1e-3, atol=1e-4)
    free.train()
    assert free.training
    free(IMAGES)["layer2"].mean().backward()
    assert all(p.grad is not None for p in free.parameters())
    assert str(free.source) == str(frozen.source)
