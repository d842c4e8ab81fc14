import numpy as np
import pytest

from helpers.metrics.image import auroc_interval, image_auroc, paired_difference
from helpers.metrics.seeds import mean_auroc, mean_paired_difference

RNG = np.random.default_rng(0)
LABELS = np.repeat([0, 1], [20, 30])
RUNS = [RNG.normal(size=50) + 0.8 * LABELS for _ in range(3)]
OTHERS = [RNG.normal(size=50) + 0.1 * LABELS for _ in range(2)]


def test_one_run_is_the_plain_auroc_with_its_interval():
    value, interval = mean_auroc(LABELS, RUNS[:1])
    assert value == image_auroc(LABELS, RUNS[0])
    assert interval == auroc_interval(LABELS, RUNS[0])


def test_one_run_each_is_the_plain_paired_difference():
    found = mean_paired_difference(LABELS, RUNS[:1], OTHERS[:1])
    wanted = paired_difference(LABELS, RUNS[0], OTHERS[0])
    assert found[0] == pytest.approx(wanted[0])
    assert found[1] == wanted[1]


def test_the_mean_is_the_mean_and_its_interval_is_shorter():
    value, interval = mean_auroc(LABELS, RUNS)
    assert value == pytest.approx(np.mean([image_auroc(LABELS, run) for run in RUNS]))
    assert interval.low < value < interval.high
    alone = [auroc_interval(LABELS, run) for run in RUNS]
    assert interval.high - interval.low < np.mean([i.high - i.low for i in alone])


def test_the_difference_turns_its_sign_with_the_order():
    one, there = mean_paired_difference(LABELS, RUNS, OTHERS)
    back, other = mean_paired_difference(LABELS, OTHERS, RUNS)
    assert one == pytest.approx(-back)
    assert there.low == pytest.approx(-other.high)
    assert there.low > 0


def test_a_run_against_itself_differs_by_nothing():
    value, interval = mean_paired_difference(LABELS, RUNS, RUNS)
    assert (value, interval.low, interval.high) == (0, 0, 0)


def test_no_run_is_refused():
    with pytest.raises(ValueError, match="needs one run or more"):
        mean_auroc(LABELS, [])
