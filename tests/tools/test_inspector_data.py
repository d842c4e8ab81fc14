"""What the inspector page reads, against the network and the detector that it stands for."""

import base64
import json

import numpy as np
import pytest
from torch import nn

from helpers.detectors.memory.patchcore import PatchCoreDetector, PatchCoreSettings
from helpers.networks.backbone import backbone
from helpers.plain import typed
from tools import inspector_data


@pytest.fixture(scope="module")
def model():
    return inspector_data.model()


@pytest.fixture(scope="module")
def network():
    return backbone("efficientnet_lite0", "imagenet", inspector_data.LAYERS)


def test_every_convolution_is_in_the_table_in_its_order(model, network):
    parts = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    shapes = [(m.in_channels, m.out_channels, m.kernel_size[0], m.stride[0]) for m in parts]
    rows = model["layers"]
    assert [(r["from"], r["into"], r["kernel"], r["stride"]) for r in rows] == shapes
    assert [r["kind"] == "depthwise" for r in rows] == [m.groups > 1 for m in parts]


def test_the_numbers_are_the_networks(model, network):
    parts = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    for name, key in (("weight", "weights"), ("bias", "biases")):
        wanted = np.concatenate([getattr(part, name).numpy().ravel() for part in parts])
        found = np.frombuffer(base64.b64decode(model[key]), "<f4")
        np.testing.assert_array_equal(found, wanted)


def test_the_maps_that_are_kept_are_the_layers(model, network):
    kept = [row["into"] for row in model["layers"] if row.get("keep")]
    assert kept == list(network.channels.values())


def test_a_shortcut_is_added_where_torch_adds_one(model, network):
    # The traced network adds six times; the blocks that repeat are those with a shortcut.
    added = sum(node.name.startswith("add") for node in network.network.graph.nodes)
    assert sum(bool(row.get("adds")) for row in model["layers"]) == added
    assert all(not row.get("relu") for row in model["layers"] if row.get("adds"))


def test_the_header_is_that_of_a_saved_patchcore(model):
    header = json.loads(json.dumps(model["header"]))
    settings = typed(PatchCoreSettings, header["settings"], "settings")
    assert settings.layers == inspector_data.LAYERS
    assert header["kind"] == PatchCoreDetector.__name__
    assert header["revision"] == PatchCoreDetector.revision
    assert header["precision"] == "float32"


def test_nuts_to_learn_from_are_not_those_to_inspect():
    assert not set(inspector_data.GOOD) & {seed for seed, _ in inspector_data.INSPECTED}
    (one,) = inspector_data.nuts([(3007, "good")])
    assert one["name"] == "good 3007"
    assert base64.b64decode(one["url"].split(",")[1])[8:12] == b"WEBP"
