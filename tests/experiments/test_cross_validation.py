"""Each image is classified by a classifier that has not seen it."""

import numpy as np
import pytest

from helpers.data.labelled import Labelled
from helpers.experiments.cross_validation import out_of_fold

LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 2])
IMAGES = np.arange(10, dtype=np.uint8)[:, None, None, None] * np.ones((1, 3, 4, 4), np.uint8)
GOOD = np.full((2, 3, 4, 4), 99, np.uint8)
NUTS = Labelled(IMAGES, LABELS, ("good", "cut", "hole"))


class Remembering:
    """Says 1 of class 0 for images that it has learned, 1 of class 1 for others."""

    def __init__(self, known):
        self.known = known

    def predict(self, images):
        learned = [(image == self.known.images).all((1, 2, 3)).any() for image in images]
        return np.eye(3, dtype=np.float32)[np.where(learned, 0, 1)]


def test_no_image_is_classified_by_a_classifier_that_has_learned_it():
    trained = []

    def fit(known):
        trained.append(known)
        return Remembering(known)

    probabilities = out_of_fold(NUTS, GOOD, 3, fit)
    assert (probabilities.argmax(1) == 1).all()
    assert len(trained) == 3
    for known in trained:
        assert np.array_equal(known.images[:2], GOOD), "the further good images are always there"
        assert set(known.labels) == {0, 1, 2}
    left_out = sum(10 - (len(known.labels) - 2) for known in trained)
    assert left_out == 10, "every image once"


def test_a_class_that_is_too_small_for_the_folds():
    with pytest.raises(ValueError, match="class 1 has 3 image"):
        out_of_fold(NUTS, GOOD, 4, Remembering)
