import numpy as np
import pytest

from helpers.data.category import move_to_test
from helpers.data.load import load_category


@pytest.fixture(scope="module")
def category():
    return load_category("hazelnut", size=16, root="generated")


def test_the_last_training_images_become_good_test_images(category):
    moved = move_to_test(category, 12)
    assert np.array_equal(moved.train, category.train[:-12])
    assert np.array_equal(moved.test[:12], category.train[-12:])
    assert np.array_equal(moved.test[12:], category.test)
    assert set(moved.defects[:12]) == {"good"}
    assert not moved.labels[:12].any()
    assert not moved.masks[:12].any()
    assert np.array_equal(moved.masks[12:], category.masks)
    assert moved.test_files[:12] == category.train_files[-12:]
    assert moved.fingerprint != category.fingerprint


def test_lending_nothing_changes_nothing(category):
    assert move_to_test(category, 0) is category


@pytest.mark.parametrize("count", [-1, 391, 1000])
def test_lending_everything_is_refused(category, count):
    with pytest.raises(ValueError, match="from 0 to 390 of the 391 training images can be moved"):
        move_to_test(category, count)
