"""How wide a defect is, by hand."""

import numpy as np
import pytest

from helpers.metrics.sizes import pixels_across


def mask(side, *areas):
    picture = np.zeros((side, side), bool)
    for rows, columns in areas:
        picture[slice(*rows), slice(*columns)] = True
    return picture


def test_the_width_counts_and_not_the_length():
    masks = np.stack(
        [
            mask(32),
            mask(32, ((4, 5), (4, 5))),
            mask(32, ((4, 5), (2, 30))),
            mask(32, ((4, 7), (2, 30))),
            mask(32, ((4, 7), (2, 30)), ((10, 15), (10, 15))),
            mask(32, ((0, 5), (0, 5))),
            np.ones((32, 32), bool),
        ]
    )
    assert pixels_across(masks).tolist() == [0, 1, 1, 3, 5, 5, 31]


def test_pixels_are_counted_in_the_picture_that_is_asked_for():
    masks = mask(32, ((4, 7), (2, 30)))[None]
    assert pixels_across(masks, 64).tolist() == [6]
    assert pixels_across(masks, 16).tolist() == [1.5]


def test_what_is_no_stack_of_masks_is_refused():
    with pytest.raises(ValueError, match="N×H×H; got float64"):
        pixels_across(np.zeros((2, 8, 8)))
    with pytest.raises(ValueError, match="got bool of shape"):
        pixels_across(np.zeros((8, 8), bool))
