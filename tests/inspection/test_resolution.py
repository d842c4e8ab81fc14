import pytest

from helpers.errors import DataError
from helpers.inspection.resolution import Resolution


def test_from_millimetres_to_pixels():
    resolution = Resolution(defect_mm=0.5, field_mm=100)
    assert resolution.long_side == 1000  # 5 pixels on 0.5 mm, 200 times that on 100 mm
    assert resolution.on_defect(1000) == 5
    assert Resolution(0.5, 100, pixels=3).long_side == 600


def test_photos_are_looked_at_whole_where_that_suffices():
    squares = Resolution(5, 100).squares(256, 4000)
    assert (squares.size, squares.long_side, squares.tiled) == (256, 256, False)


def test_photos_are_cut_into_tiles_where_a_defect_would_vanish():
    squares = Resolution(0.5, 100).squares(256, 4000)
    assert squares.tiled and squares.long_side == 1000
    assert squares.overlap >= 2 * 5


def test_photos_are_never_enlarged_to_reach_a_number():
    assert Resolution(0.5, 100).squares(256, 700).long_side == 700  # 3.5 pixels: the least is 3


def test_a_camera_that_cannot_see_it_is_named():
    with pytest.raises(DataError, match="covers 2.0 pixels.* 600 pixels or more"):
        Resolution(0.5, 100).squares(256, 400)


@pytest.mark.parametrize("wrong", [(0, 10), (20, 10), (1, 10, 0)])
def test_impossible_sizes_are_refused(wrong):
    with pytest.raises(ValueError, match="defect_mm must be above 0"):
        Resolution(*wrong)
