import numpy as np
import pytest

from helpers.metrics.image import auroc_interval, image_auroc
from helpers.metrics.seeds import by_seed, mean_auroc

RNG = np.random.default_rng(0)
LABELS = np.repeat([0, 1], [20, 30])
RUNS = [RNG.normal(size=50) + 0.8 * LABELS for _ in range(3)]


def test_one_run_is_the_plain_auroc_with_its_interval():
    value, interval = mean_auroc(LABELS, RUNS[:1])
    assert value == pytest.approx(image_auroc(LABELS, RUNS[0]))
    assert interval == auroc_interval(LABELS, RUNS[0])


def test_the_mean_is_the_mean():
    value, interval = mean_auroc(LABELS, RUNS)
    assert value == pytest.approx(np.mean([image_auroc(LABELS, run) for run in RUNS]))
    assert interval.low < value < interval.high


def test_the_same_run_three_times_is_no_more_certain_than_once():
    assert mean_auroc(LABELS, RUNS[:1] * 3)[1] == auroc_interval(LABELS, RUNS[0])


def test_trainings_that_differ_widen_the_interval():
    base = RUNS[0]
    even = [base, base, base]
    uneven = [base - 0.6 * LABELS, base, base + 0.6 * LABELS]
    narrow, wide = mean_auroc(LABELS, even)[1], mean_auroc(LABELS, uneven)[1]
    assert wide.high - wide.low > 1.2 * (narrow.high - narrow.low)


def test_no_run_is_refused():
    with pytest.raises(ValueError, match="needs one run or more"):
        mean_auroc(LABELS, [])
    with pytest.raises(ValueError, match="A has no run"):
        by_seed(LABELS, {}, "A")


def test_an_array_is_a_run_of_seed_0_and_a_bad_score_is_named():
    assert list(by_seed(LABELS, RUNS[0], "A")) == [0]
    assert list(by_seed(LABELS, {2: RUNS[0], 1: RUNS[1]}, "A")) == [1, 2]
    with pytest.raises(ValueError, match=r"scores of A\[1\] is nan"):
        by_seed([0, 1], [1, np.nan], "A")
