import numpy as np

from helpers.inspection.pictures import ORANGE, map_colours, outlined, side_by_side


def test_the_threshold_is_the_middle_of_the_scale_on_every_map():
    colours = [map_colours(np.array([[0.0, t, 2 * t, 9 * t]]), t) for t in (0.5, 3.0)]
    assert np.array_equal(*colours)
    assert np.array_equal(colours[0][0, 2], colours[0][0, 3])


def test_the_outline_lies_beside_what_is_odd():
    odd = np.zeros((40, 40), bool)
    odd[10:20, 10:20] = True
    drawn = outlined(np.full((40, 40, 3), 7, np.uint8), odd)
    assert (drawn[odd] == 7).all()
    assert (drawn == ORANGE).all(-1).any()
    assert (drawn[30:, 30:] == 7).all()


def test_a_good_photo_is_left_as_it_is():
    photo = np.full((8, 8, 3), 7, np.uint8)
    assert np.array_equal(outlined(photo, np.zeros((8, 8), bool)), photo)
    assert side_by_side(photo, np.zeros((8, 8)), 1.0).shape == (8, 20, 3)
