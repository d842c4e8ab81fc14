"""Figures of chapter 12: they say what they show, and refuse what cannot be drawn."""

import numpy as np
import pytest

from helpers.plots import feature_maps, loss_shares, student_agreement


def test_feature_maps_have_a_column_an_image():
    rng = np.random.default_rng(0)
    images, masks = rng.integers(0, 255, (2, 3, 16, 16), np.uint8), np.zeros((2, 16, 16), bool)
    masks[1, 4:8, 4:8] = True
    maps = rng.normal(size=(2, 4, 4))
    picture = feature_maps(images, maps, maps + 0.1, ["good", "cut"], masks)
    assert len(picture.figure.axes) == 8
    assert "good, cut" in picture.alt
    drawn = picture.figure.axes[6].images[0].get_array()
    assert np.allclose(drawn, 0.01)


def test_teacher_and_student_share_a_scale():
    images = np.zeros((1, 3, 8, 8), np.uint8)
    picture = feature_maps(images, np.zeros((1, 2, 2)), np.ones((1, 2, 2)), ["a"])
    scales = [axis.images[0].get_clim() for axis in picture.figure.axes[1:3]]
    assert scales[0] == scales[1] == (0, 1)


def test_agreement_names_the_gap():
    picture = student_agreement({"good": ([0, 1], [0, 1]), "cut": ([0, 1], [2, 1])})
    assert "good 0, cut 2" in picture.alt
    assert len(picture.figure.axes) == 2


def test_the_hardest_quarter_carries_what_it_carries():
    picture = loss_shares({"a": [1.0, 1.0, 1.0, 5.0]})
    x, y = picture.figure.axes[0].lines[1].get_data()
    assert np.interp(0.25, x, y) == pytest.approx(5 / 8, abs=0.01)
    assert y[-1] == pytest.approx(1)


def test_what_cannot_be_drawn():
    with pytest.raises(ValueError, match="there is no curve"):
        loss_shares({})
    with pytest.raises(ValueError, match="not all 0"):
        loss_shares({"a": [0.0, 0.0]})
    with pytest.raises(ValueError, match="C features each"):
        student_agreement({"a": ([1, 2], [1])})
    with pytest.raises(ValueError, match="there is no patch"):
        student_agreement({})
    with pytest.raises(ValueError, match="of one length"):
        feature_maps(
            np.zeros((1, 3, 8, 8), np.uint8), np.zeros((2, 2, 2)), np.zeros((2, 2, 2)), "a"
        )
    with pytest.raises(ValueError, match="of one shape"):
        feature_maps(
            np.zeros((1, 3, 8, 8), np.uint8), np.zeros((1, 2, 2)), np.zeros((1, 3, 2)), "a"
        )
