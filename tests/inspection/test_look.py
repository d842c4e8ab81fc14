import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from helpers.inspection.look import copies, look_at, two_kinds, usual, warnings
from tests.inspection.conftest import photo

PHOTOS = [photo(seed) for seed in range(12)]
LOOKS = [look_at(one)[0] for one in PHOTOS]


def test_good_photos_of_one_kind_give_no_remark():
    known = usual(LOOKS)
    assert known.sizes == ((64, 48),)
    assert not any(known.remarks(look) for look in LOOKS)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda p: (p * 0.4).astype(np.uint8), "darker"),
        (lambda p: p // 2 + 127, "brighter"),
        (lambda p: gaussian_filter(p, (2, 2, 0)), "less sharp"),
        (lambda p: p[:40], "64 × 40 pixels"),
    ],
)
def test_a_photo_taken_otherwise_is_told(change, told):
    remarks = usual(LOOKS).remarks(look_at(change(photo(50)))[0])
    assert any(told in remark for remark in remarks)


def test_light_and_focus_do_not_depend_on_the_number_of_pixels_alone():
    large = look_at(np.kron(PHOTOS[0], np.ones((4, 4, 1), np.uint8)))[0]
    assert abs(large.light - LOOKS[0].light) < 1


def test_copies_are_found_and_photos_of_one_part_are_none():
    thumbnails = np.stack([look_at(one)[1] for one in [*PHOTOS[:4], PHOTOS[1]]])
    assert copies(thumbnails, "abcde") == [(1, 4)]
    assert copies(thumbnails, "abcdb") == []


def test_two_kinds_of_product_are_told_apart_and_one_kind_is_not():
    rng = np.random.default_rng(0)
    one = rng.normal(0, 1, (20, 8))
    assert two_kinds(one) is None
    other = two_kinds(np.concatenate([one, rng.normal(0, 1, (5, 8)) + 12]))
    assert np.array_equal(np.flatnonzero(other), np.arange(20, 25))
    assert two_kinds(one[:5]) is None  # too few to say


def test_warnings_name_files():
    looks = [*LOOKS, look_at((PHOTOS[0] * 0.3).astype(np.uint8))[0]]
    files = [f"{i}.png" for i in range(len(looks))]
    told = "\n".join(warnings(files, looks, [(2, 3)], None))
    assert "12.png is darker" in told
    assert "2.png and 3.png are nearly the same" in told
    assert "two products" not in told


def test_two_products_are_told_first_and_their_difference_once():
    others = [look_at(p // 2 + 127)[0] for p in PHOTOS[:8]]
    looks = [*LOOKS, *others, look_at((PHOTOS[0] * 0.3).astype(np.uint8))[0]]
    files = [f"{i}.png" for i in range(len(looks))]
    other = (np.arange(len(looks)) >= 12) & (np.arange(len(looks)) < 20)
    first, *rest = warnings(files, looks, [(2, 20), (13, 14), (2, 13)], other)
    assert first.startswith("These look like two products, or one photographed in two ways: 13 ")
    assert "13 photos such as 0.png, and 8 unlike them: " in first
    assert "12.png, 13.png, 14.png, 15.png, 16.png, 17.png and 2 more." in first
    assert "a folder of its own" in first
    rest = "\n".join(rest)
    assert "20.png is darker" in rest
    assert "2.png and 20.png are nearly" in rest
    assert "brighter" not in rest and "14.png" not in rest
