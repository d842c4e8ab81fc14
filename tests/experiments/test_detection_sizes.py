"""Sizes drawn again belong to the nuts that were scored."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.experiments.detection_sizes import sizes_and_found
from helpers.experiments.detectors import DETECTORS, defects_of

PATTERN = "*/patchcore_test-images-times-4_seed-0.json"


@pytest.fixture(scope="module")
def record():
    (path,) = DETECTORS.folder("quick").glob(PATTERN)
    return DETECTORS.read(path)


def test_what_is_found_lies_above_the_threshold_and_is_larger(record):
    sizes, found = sizes_and_found(record, "cut")
    assert len(sizes) == len(found) == record.data["test"]["cut"]
    scores = np.array(record.result.image_scores)[defects_of(record) == "cut"]
    assert np.array_equal(found, scores > record.result.threshold.value)
    assert sizes.min() >= 1
    # Sizes of other nuts, or in another order, would have nothing to do with the scores.
    assert np.median(sizes[found]) > np.median(sizes[~found])
    rank = np.corrcoef(np.argsort(np.argsort(sizes)), np.argsort(np.argsort(scores)))[0, 1]
    assert rank > 0.4


def test_sizes_are_those_of_the_picture_asked_for(record):
    whole, half = (sizes_and_found(record, "cut", side)[0] for side in (256, 128))
    assert np.allclose(whole, 2 * half)


def test_other_records_are_refused(record):
    with pytest.raises(ValueError, match="no 'scratch'"):
        sizes_and_found(record, "scratch")
    with pytest.raises(ValueError, match="generated nuts"):
        sizes_and_found(replace(record, data=record.data | {"source": "MVTec AD"}), "cut")
