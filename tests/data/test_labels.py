"""Class counts, and folds that hold every class."""

import numpy as np
import pytest

from helpers.data.labels import class_counts, stratified_folds


def test_counts_of_each_class():
    assert class_counts([0, 2, 2, 1, 2]).tolist() == [1, 1, 3]
    assert class_counts(np.array([1, 0]), classes=2).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("labels", "classes", "message"),
    [
        ([0, 0, 2], None, "class 1 has no image"),
        ([0, 1], 3, "class 2 has no image"),
        ([0, 3], 2, r"labels\[1\] is 3, but the 2 classes are numbered 0 to 1"),
        ([-1, 0], None, r"labels\[0\] is -1"),
        ([], None, "at least 1"),
        ([0.0, 1.0], None, "float64"),
        ([[0, 1]], None, "shape"),
    ],
)
def test_labels_that_are_no_class_numbers(labels, classes, message):
    with pytest.raises(ValueError, match=message):
        class_counts(labels, classes)


def test_every_fold_has_its_share_of_every_class():
    labels = np.repeat([0, 1, 2], [21, 12, 11])
    folds = stratified_folds(labels, 5, seed=1)
    for k in range(3):
        shares = np.bincount(folds[labels == k], minlength=5)
        assert shares.max() - shares.min() <= 1
    sizes = np.bincount(folds)
    assert sizes.max() - sizes.min() <= 1
    assert not np.array_equal(folds, stratified_folds(labels, 5, seed=2))
    assert np.array_equal(folds, stratified_folds(labels, 5, seed=1))


def test_folds_that_cannot_be_made():
    with pytest.raises(ValueError, match="class 1 has one image"):
        stratified_folds([0, 0, 0, 1], 2)
    with pytest.raises(ValueError, match="at most 2 folds"):
        stratified_folds([0, 0, 0, 1, 1], 3)
    with pytest.raises(ValueError, match="at least 2 folds"):
        stratified_folds([0, 0, 1, 1], 1)
