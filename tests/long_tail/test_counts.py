"""Long-tailed counts and groups of classes."""

import numpy as np
import pytest

from helpers.long_tail.counts import imbalance_factor, long_tailed_counts, shot_groups


def test_the_imbalance_factor_is_the_largest_by_the_smallest():
    assert imbalance_factor([431, 18, 17, 18, 17]) == pytest.approx(431 / 17)
    assert imbalance_factor([5, 5]) == 1
    with pytest.raises(ValueError, match="at least 1"):
        imbalance_factor([3, 0])


@pytest.mark.parametrize("factor", [1, 10, 50, 100])
def test_the_tail_falls_exponentially_from_largest_to_largest_by_factor(factor):
    counts = long_tailed_counts(400, 5, factor)
    exact = 400 * factor ** (-np.arange(5) / 4)
    assert np.abs(np.array(counts) - exact).max() <= 0.5
    assert imbalance_factor(counts) == pytest.approx(factor)


def test_counts_by_hand():
    assert long_tailed_counts(400, 5, 100) == (400, 126, 40, 13, 4)
    assert long_tailed_counts(10, 2, 10) == (10, 1)
    with pytest.raises(ValueError, match="between 1 and the largest count, 10"):
        long_tailed_counts(10, 3, 20)
    with pytest.raises(ValueError, match="at least 2 classes"):
        long_tailed_counts(10, 1, 2)


def test_the_groups_end_where_the_paper_ends_them():
    counts = [1280, 101, 100, 20, 19, 5]
    assert shot_groups(counts).tolist() == ["many", "many", "medium", "medium", "few", "few"]
