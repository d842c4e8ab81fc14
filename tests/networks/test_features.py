import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from helpers.machine import Machine
from helpers.networks.features import concatenated, patch_features

CPU = Machine("cpu", "float32")


class Steps(nn.Module):
    """Two layers of known features: the image itself, and a map of half its side."""

    layers = ("fine", "coarse")
    strides = {"fine": 1, "coarse": 2}  # noqa: RUF012

    def forward(self, images):
        return {"fine": images, "coarse": functional.avg_pool2d(images, 2)[:, :1]}


def test_features_are_averaged_over_neighbourhoods_and_put_together():
    image = np.zeros((1, 3, 6, 6), np.uint8)
    image[0, 0, 2, 2] = 255
    features = patch_features(Steps(), image, patch=3, machine=CPU)
    assert features.shape == (1, 4, 6, 6)
    expected = torch.zeros(6, 6)
    expected[1:4, 1:4] = 1 / 9
    assert torch.allclose(features[0, 0], expected)
    # 1/4 at (1, 1) of the 3×3 map, averaged: 1/36 everywhere.
    assert torch.allclose(features[0, 3], torch.full((6, 6), 1 / 36))


def test_a_patch_of_one_leaves_the_features_as_they_are():
    image = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 4), dtype=np.uint8)
    features = patch_features(Steps(), image, patch=1, machine=CPU)
    assert torch.allclose(features[:, :3], torch.tensor(image) / 255)


def test_batches_change_nothing():
    images = np.random.default_rng(1).integers(0, 256, (20, 3, 4, 4), dtype=np.uint8)
    together = patch_features(Steps(), images, machine=CPU)
    alone = torch.cat([patch_features(Steps(), image[None], machine=CPU) for image in images])
    assert torch.equal(together, alone)


def test_coarse_maps_are_resized_to_the_finest():
    maps = {"a": torch.zeros(1, 2, 4, 4), "b": torch.arange(4.0).view(1, 1, 2, 2)}
    together = concatenated(maps, patch=1)
    assert together.shape == (1, 3, 4, 4)
    expected = functional.interpolate(maps["b"], (4, 4), mode="bilinear")
    assert torch.equal(together[:, 2:], expected)


def test_images_smaller_than_a_patch_are_refused():
    with pytest.raises(ValueError, match="images of 1 × 1 pixels are smaller than one patch"):
        patch_features(Steps(), np.zeros((1, 3, 1, 1), np.uint8), machine=CPU)


def test_places_follow_each_other_in_memory():
    images = np.zeros((3, 3, 4, 4), np.uint8)
    features = patch_features(Steps(), images, machine=CPU)
    rows = features.permute(0, 2, 3, 1).reshape(-1, 4)
    assert rows.data_ptr() == features.data_ptr()


def test_no_images_are_refused():
    with pytest.raises(ValueError, match="no images"):
        patch_features(Steps(), np.zeros((0, 3, 4, 4), np.uint8), machine=CPU)


def test_the_image_whose_features_are_not_finite_is_named():
    class Broken(Steps):
        def forward(self, images):
            maps = super().forward(images)
            maps["fine"] = torch.where(maps["fine"] > 0.5, torch.nan, maps["fine"])
            return maps

    images = np.zeros((20, 3, 4, 4), np.uint8)
    images[17, 0, 1, 1] = 255
    with pytest.raises(ValueError, match="image 17 are not finite"):
        patch_features(Broken(), images, machine=CPU)
