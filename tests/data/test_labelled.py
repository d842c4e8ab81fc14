"""Labelled pictures: classes in order, pools that grow without exchanging, clear errors."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.data.labelled import labelled_pool, labelled_test
from helpers.data.load import generate_category

COUNTS = {"train/good": 3, "test/good": 2, "test/crack": 1, "test/print": 2}


@pytest.fixture(scope="module")
def category():
    return generate_category(32, COUNTS)


def test_classes_are_good_first_then_the_defects_by_name(category):
    labelled = labelled_test(category)
    assert labelled.names == ("good", "crack", "print")
    assert [labelled.names[k] for k in labelled.labels] == list(category.defects)
    assert str(labelled) == "2 good, 1 crack, 2 print"


def test_all_defects_become_one_class(category):
    two = labelled_test(category).good_or_defect()
    assert two.names == ("good", "defect")
    assert np.array_equal(two.labels, category.labels)


def test_a_subset_keeps_pictures_and_labels_together(category):
    labelled = labelled_test(category)
    rows = np.array([4, 0, 2, 1])
    some = labelled.subset(rows)
    assert np.array_equal(some.images, labelled.images[rows])
    assert np.array_equal(some.labels, labelled.labels[rows])


def test_a_pool_has_other_nuts_than_the_category(category):
    pool = labelled_pool(category, {"crack": 2, "hole": 1})
    assert str(pool) == "2 crack, 1 hole"
    assert not any((image == category.test).all((1, 2, 3)).any() for image in pool.images)


def test_a_larger_pool_exchanges_no_picture(category):
    small = labelled_pool(category, {"crack": 1, "hole": 1})
    large = labelled_pool(category, {"crack": 3, "hole": 1})
    assert np.array_equal(small.images[small.labels == 1], large.images[large.labels == 1][:1])
    assert np.array_equal(small.images[small.labels == 2], large.images[large.labels == 2])
    some = large.first({"crack": 1, "hole": 1})
    assert np.array_equal(some.images, small.images)
    assert np.array_equal(some.masks, small.masks)


def test_the_first_of_each_class_are_taken_in_order(category):
    pool = labelled_pool(category, {"crack": 3, "hole": 2}).with_good(category.train)
    some = pool.first({"good": 2, "crack": 1, "hole": 2})
    assert np.array_equal(some.images, pool.images[[0, 1, 3, 6, 7]])
    assert some.labels.tolist() == [0, 0, 1, 2, 2]
    assert str(pool.first({"crack": 0, "hole": 2})) == "2 hole"
    with pytest.raises(ValueError, match="3 pictures of crack; 4 were asked for"):
        pool.first({"crack": 4})


def test_another_seed_makes_other_defects(category):
    one, other = (labelled_pool(category, {"hole": 1}, seed) for seed in (0, 1))
    assert not np.array_equal(one.images, other.images)


def test_more_good_images_come_first_with_empty_masks(category):
    more = labelled_test(category).with_good(category.train)
    assert str(more) == "5 good, 1 crack, 2 print"
    assert np.array_equal(more.images[:3], category.train)
    assert more.masks.any((1, 2)).tolist() == (more.labels > 0).tolist()
    bare = replace(labelled_test(category), masks=None).with_good(category.train)
    assert bare.masks is None


def test_what_does_not_fit_is_refused(category):
    labelled = labelled_test(category)
    with pytest.raises(ValueError, match="4 images and 5 labels"):
        replace(labelled, images=labelled.images[:4])
    with pytest.raises(ValueError, match="3 classes are numbered"):
        replace(labelled, labels=labelled.labels + 1)
    with pytest.raises(ValueError, match="good exactly where"):
        replace(labelled, labels=np.zeros_like(labelled.labels))
    with pytest.raises(ValueError, match="masks must be bool"):
        replace(labelled, masks=labelled.masks[:2])


def test_defects_are_made_for_generated_hazelnuts_only(category):
    with pytest.raises(ValueError, match="from MVTec AD; defects can be made"):
        labelled_pool(replace(category, source="MVTec AD"), {"crack": 1})
