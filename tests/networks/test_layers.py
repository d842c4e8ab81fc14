import pytest
import torch
from torch import nn
from torchvision.models import get_model
from torchvision.models.feature_extraction import create_feature_extractor

from helpers.errors import MissingError
from helpers.networks.architectures import architecture
from helpers.networks.backbone import Backbone, backbone, trainable_backbone
from helpers.networks.layers import Stage, cut, stages_of
from helpers.networks.seeding import seeded

IMAGES = torch.rand((2, 3, 96, 96), generator=torch.Generator().manual_seed(0))
# One of each family: residual, dense, two branches, regulated, without normalisation of batches.
FAMILIES = ("resnet18", "densenet121", "shufflenet_v2_x0_5", "regnet_y_400mf", "convnext_tiny")


def test_stages_tell_channels_and_strides():
    stages = stages_of("resnet18", architecture("resnet18").without_numbers())
    assert stages[-3:] == [
        Stage("layer2", 128, 8), Stage("layer3", 256, 16), Stage("layer4", 512, 32)
    ]  # fmt: skip
    lite = stages_of("efficientnet_lite0", architecture("efficientnet_lite0").without_numbers())
    assert [stage.stride for stage in lite] == [2, 2, 4, 8, 16, 16, 32, 32, 32]


def test_a_stride_is_the_last_stage_that_has_it():
    network = backbone("efficientnet_lite0", "random", ("stride 16", "stride 4", "stride 8"))
    named = backbone("efficientnet_lite0", "random", ("features.2", "features.3", "features.5"))
    assert network.channels == {"stride 4": 24, "stride 8": 40, "stride 16": 112}
    for one, two in zip(network(IMAGES).values(), named(IMAGES).values(), strict=True):
        assert torch.equal(one, two)


@pytest.mark.parametrize("name", FAMILIES)
def test_any_classifier_of_torchvision_gives_its_own_maps(name):
    """Cut, and its normalisations folded: the maps of the whole network."""
    layers = ("stride 8", "stride 16")
    with seeded(0):
        whole = get_model(name, weights=None).eval()
        for module in whole.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(std=0.1)
                module.running_var.uniform_(0.5, 1.5)
    ends = {f"stride {stage.stride}": stage.name for stage in stages_of(name, whole)}
    nodes = {ends[layer]: layer for layer in layers}
    kind = architecture(name)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (kind.mean, kind.std))
    with torch.inference_mode():
        expected = create_feature_extractor(whole, nodes)((IMAGES - mean) / std)
    part = trainable_backbone(name, "random", layers)
    part.network.load_state_dict(whole.state_dict(), strict=False)
    with torch.inference_mode():
        found = Backbone(part)(IMAGES)
    for layer in layers:
        scale = expected[layer].abs().max()
        assert (found[layer] - expected[layer]).abs().max() <= 1e-4 * scale, layer


def test_layers_that_are_not_there_are_named_with_the_nearest():
    network = architecture("resnet18").without_numbers()
    with pytest.raises(ValueError, match="resnet18 has no layer 'layr3'. Did you mean 'layer3'"):
        cut("resnet18", network, ("layr3",))
    with pytest.raises(ValueError, match="no layer 'stride 9'. Did you mean 'stride "):
        cut("resnet18", network, ("stride 9",))
    with pytest.raises(ValueError, match="no layer 'qqq'. Choose one of .*'layer4'.*'stride 8'"):
        cut("resnet18", network, ("qqq",))
    with pytest.raises(ValueError, match="two of the layers layer2, stride 8 .* are the same"):
        cut("resnet18", network, ("layer2", "stride 8"))


def test_networks_without_maps_are_refused():
    with pytest.raises(ValueError, match=r"vit_b_16 takes no square picture of any size"):
        backbone("vit_b_16", "random")
    with pytest.raises(
        ValueError, match=r"'features.1' of swin_t gives \(1, 32, 32, 96\).*no square"
    ):
        backbone("swin_t", "random", ("features.1",))
    with pytest.raises(ValueError, match=r"'flatten' of resnet18 gives \(1, 512\)"):
        backbone("resnet18", "random", ("flatten",))


def test_tokens_of_timms_transformers_become_maps():
    pytest.importorskip("timm")
    network = backbone("timm/vit_tiny_patch16_224", "random", ("blocks.7", "blocks.3"))
    assert network.channels == {"blocks.3": 192, "blocks.7": 192}
    assert network.strides == {"blocks.3": 16, "blocks.7": 16}
    maps = network(IMAGES)
    assert maps["blocks.3"].shape == (2, 192, 6, 6)
    # A patch that changes alone changes its own token most, in its place.
    changed = IMAGES.clone()
    changed[0, :, 16:32, 48:64] = 1 - changed[0, :, 16:32, 48:64]
    moved = (network(changed)["blocks.3"] - maps["blocks.3"])[0].norm(dim=0)
    assert divmod(int(moved.argmax()), 6) == (1, 3)


def test_pictures_that_patches_do_not_divide_are_enlarged():
    pytest.importorskip("timm")
    network = backbone("timm/vit_tiny_patch16_224", "random", ("blocks.3",))
    assert network(IMAGES[..., :90, :90])["blocks.3"].shape == (2, 192, 6, 6)


def test_timms_convolutional_networks_go_by_stride():
    pytest.importorskip("timm")
    network = backbone("timm/resnet18", "random", ("stride 8", "stride 16"))
    assert network.channels == {"stride 8": 128, "stride 16": 256}
    free = trainable_backbone("timm/resnet18", "random", ("stride 8", "stride 16"))
    for layer, value in free(IMAGES).items():
        assert torch.allclose(network(IMAGES)[layer], value, atol=1e-4)


def test_what_timm_lacks_is_named(monkeypatch):
    pytest.importorskip("timm")
    with pytest.raises(ValueError, match="timm has no model 'resnet188'. Did you mean 'resnet18'"):
        backbone("timm/resnet188", "random")
    with pytest.raises(
        ValueError, match="timm/resnet18 has no layer 'layer9'. Did you mean 'layer"
    ):
        backbone("timm/resnet18", "random", ("layer9",))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingError, match="needs the package timm, which is missing: pip install"):
        backbone("timm/resnet18", "random")
