"""The eight positions of a square."""

import numpy as np

from helpers.augmentation.turns import TURNS, turned


def test_all_eight_positions_are_there_and_the_first_is_the_picture():
    pictures = np.arange(2 * 3 * 4 * 4).reshape(2, 3, 4, 4)
    found = turned(pictures)
    assert found.shape == (2 * TURNS, 3, 4, 4)
    assert np.array_equal(found[::TURNS], pictures)
    for row, picture in enumerate(pictures):
        mine = found[row * TURNS : (row + 1) * TURNS]
        assert len({each.tobytes() for each in mine}) == TURNS
        for each in mine:
            assert np.array_equal(np.sort(each, axis=None), np.sort(picture, axis=None))
            assert any(np.array_equal(each.T, other.T.swapaxes(0, 1)) for other in mine)


def test_pictures_and_masks_turn_alike():
    pictures = np.random.default_rng(0).integers(0, 256, (3, 3, 8, 8), np.uint8)
    assert np.array_equal(turned(pictures[:, 0] > 90), turned(pictures)[:, 0] > 90)
