import numpy as np
import pytest

from helpers.data.squares import Squares

RNG = np.random.default_rng(0)


def photo(width, height):
    return RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_a_photo_of_the_right_size_is_padded_with_the_colour_of_its_border():
    one = np.full((48, 64, 3), 200, np.uint8)
    one[10:20, 10:20] = 0
    (square,) = Squares(64).cut(one)
    assert square.shape == (3, 64, 64)
    assert np.array_equal(square[:, :48], one.transpose(2, 0, 1))
    assert (square[:, 48:] == 200).all()


@pytest.mark.parametrize(("width", "height"), [(200, 100), (100, 200), (30, 30), (7, 300)])
def test_the_shape_is_kept(width, height):
    squares = Squares(64)
    w, h = squares.resized(width, height)
    assert max(w, h) == 64
    assert min(w, h) == max(1, round(64 * min(width, height) / max(width, height)))
    assert squares.cut(photo(width, height)).shape == (1, 3, 64, 64)


@pytest.mark.parametrize(("width", "height"), [(200, 130), (130, 200), (200, 20), (200, 200)])
def test_tiles_cover_the_photo_overlap_and_join_exactly(width, height):
    squares = Squares(64, 200, overlap=16)
    one = photo(width, height)
    tiles = squares.cut(one)
    assert len(tiles) == len(squares.corners(width, height))
    joined = squares.join(tiles[:, 0].astype(np.float32), width, height)
    assert np.array_equal(joined, one[..., 0])
    for places in map(sorted, map(set, zip(*squares.corners(width, height), strict=True))):
        assert all(np.diff(places) <= 64 - 16)


def test_where_tiles_overlap_the_larger_value_counts():
    squares = Squares(4, 6, overlap=2)
    maps = np.stack([np.full((4, 4), value, np.float32) for value in (1, 2)])
    assert squares.join(maps, 6, 4).tolist() == [[1, 1, 2, 2, 2, 2]] * 4


def test_it_says_what_it_does():
    assert "padded to 64 × 64" in Squares(64).describe()
    assert "tiles of 64 × 64" in Squares(64, 200).describe()


@pytest.mark.parametrize("wrong", [(0,), (64, 32), (64, 128, 64), (64, 128, -1)])
def test_impossible_sizes_are_refused(wrong):
    with pytest.raises(ValueError, match="must be at least"):
        Squares(*wrong)
