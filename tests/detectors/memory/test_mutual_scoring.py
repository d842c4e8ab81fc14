"""Mutual scoring: distances by hand and by brute force, and the odd image stands out."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from helpers.detectors.memory.mutual_scoring import (
    MutualScoring,
    MutualScoringSettings,
    mutual_scores,
)
from tests.stripes import still_stripes

TINY = MutualScoringSettings(architecture="resnet18", weights="random", layers=("stride 8",))


def test_scores_by_hand():
    """Four images of two patches on a line; each patch looks at the nearest third of three."""
    patches = torch.tensor([[0.0, 1.0], [0.0, 3.0], [0.5, 7.0], [20.0, 0.0]])[:, :, None]
    nearest = mutual_scores(patches, 1 / 3)
    torch.testing.assert_close(nearest[:3], torch.tensor([[0.0, 0.5], [0.0, 2.0], [0.5, 4.0]]))
    assert nearest[3].tolist() == [13.0, 0.0]
    every = mutual_scores(patches, 1.0)
    # The first image's second patch is 1, 0.5 and 1 away from the nearest of the others.
    assert float(every[0, 1]) == pytest.approx((1 + 0.5 + 1) / 3)


def test_scores_are_those_of_every_distance_sorted():
    vectors = torch.randn((6, 9, 4), generator=torch.Generator().manual_seed(0))
    found = mutual_scores(vectors, 0.4)
    for one in range(6):
        others = [vectors[i] for i in range(6) if i != one]
        nearest = torch.stack([torch.cdist(vectors[one], o).min(1).values for o in others])
        expected = nearest.sort(0).values[:2].mean(0)
        torch.testing.assert_close(found[one], expected, rtol=1e-3, atol=1e-3)


def test_the_odd_image_stands_out_though_no_good_one_is_known():
    images = still_stripes(8)
    images[5, :, 20:36, 24:40] = 250
    scores = MutualScoring(TINY).predict(images)
    assert scores.maps.shape == (8, 64, 64)
    assert scores.image.argmax() == 5
    assert scores.maps[5, 20:36, 24:40].mean() > scores.maps[5, 48:, 48:].mean()
    again = MutualScoring(TINY).predict(images)
    assert np.array_equal(again.maps, scores.maps)


def test_a_defect_that_half_of_the_images_have_is_no_longer_odd():
    """What is scored by others depends on the others."""

    def contrast(count):
        images = still_stripes(8)
        images[:count, :, 20:36, 24:40] = 250
        maps = MutualScoring(replace(TINY, nearest_share=0.3)).predict(images).maps
        return maps[0, 20:36, 24:40].mean() / maps[0, 48:, 48:].mean()

    assert contrast(6) < 0.5 * contrast(1)


def test_what_cannot_be_scored():
    with pytest.raises(ValueError, match="at least 2"):
        MutualScoring(TINY).predict(still_stripes(1))
    with pytest.raises(ValueError, match="nearest_share"):
        MutualScoringSettings(nearest_share=0.0)
