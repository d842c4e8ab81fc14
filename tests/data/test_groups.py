import numpy as np
import pytest

from helpers.data.category import split_good
from helpers.data.groups import group_folds, groups_of, held_out_groups, one_of_each
from helpers.errors import DataError

FILES = ["part1_a.jpg", "part1_b.jpg", "part2_a.jpg", "part10_a.jpg"]


@pytest.mark.parametrize(
    ("pattern", "groups"),
    [
        (r"part(\d+)", ("1", "1", "2", "10")),
        (r"part\d+", ("part1", "part1", "part2", "part10")),
        (r"_(.)", ("a", "b", "a", "a")),
    ],
)
def test_a_pattern_tells_the_group(pattern, groups):
    assert groups_of(FILES, pattern) == groups


def test_a_name_without_a_group_and_a_broken_pattern_are_refused():
    with pytest.raises(DataError, match=r"nut\.jpg tells no group"):
        groups_of([*FILES, "nut.jpg"], r"part(\d+)")
    with pytest.raises(DataError, match="no regular expression"):
        groups_of(FILES, "(")


def test_folds_and_held_out_photos_keep_groups_together():
    groups = [f"p{i // 5}" for i in range(60)] + ["q"]
    fold = group_folds(groups, 4, seed=3)
    held = held_out_groups(groups, 0.3, seed=3)
    for name in set(groups):
        rows = np.array([g == name for g in groups])
        assert len(set(fold[rows])) == len(set(held[rows])) == 1
    assert np.bincount(fold, minlength=4).min() >= 15
    assert 13 <= held.sum() <= 23


def test_one_photo_of_each_group_is_chosen():
    chosen = one_of_each(["b", "a", "b", "a", "c"], seed=1)
    assert len(chosen) == 3 and list(chosen) == sorted(chosen)
    seen = {int(i) for seed in range(20) for i in one_of_each(["b", "a", "b", "a", "c"], seed)}
    assert seen == {0, 1, 2, 3, 4}


def test_good_images_are_split_by_group():
    images = np.arange(20, dtype=np.uint8)[:, None, None, None] * np.ones((1, 3, 2, 2), np.uint8)
    fit, held = split_good(images, 0.25, groups=[f"p{i // 5}" for i in range(20)])
    assert len(fit) == 15 and len(held) == 5
    assert len({int(i) // 5 for i in held[:, 0, 0, 0]}) == 1


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: group_folds(["a", "a"], 2), "from 2 to the number of groups, 1"),
        (lambda: held_out_groups(["a", "a"], 0.5), "photos of 1 group"),
        (lambda: held_out_groups(["a", "b"], 1), "between 0 and 1"),
        (lambda: split_good(np.zeros((2, 3, 2, 2)), groups=["a"]), "1 groups do not fit 2"),
    ],
)
def test_what_cannot_be_split_is_refused(call, told):
    with pytest.raises(ValueError, match=told):
        call()
