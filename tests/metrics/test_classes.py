"""Metrics of class probabilities."""

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    confusion_matrix,
    f1_score,
)

from helpers.metrics import classes as m

RNG = np.random.default_rng(0)
LABELS = np.r_[np.arange(4), RNG.choice(4, 200, p=[0.7, 0.2, 0.07, 0.03])]
PROBABILITIES = RNG.dirichlet(np.ones(4), len(LABELS))
PROBABILITIES[np.arange(len(LABELS)), LABELS] += 0.3
PROBABILITIES /= PROBABILITIES.sum(1, keepdims=True)


def test_agreement_with_scikit_learn():
    found = PROBABILITIES.argmax(1)
    assert m.accuracy(LABELS, PROBABILITIES) == pytest.approx(accuracy_score(LABELS, found))
    assert m.balanced_accuracy(LABELS, PROBABILITIES) == pytest.approx(
        balanced_accuracy_score(LABELS, found)
    )
    assert m.macro_f1(LABELS, PROBABILITIES) == pytest.approx(
        f1_score(LABELS, found, average="macro")
    )
    assert (
        m.confusion_matrix(LABELS, PROBABILITIES).tolist()
        == confusion_matrix(LABELS, found).tolist()
    )
    one_hot = np.eye(4)[LABELS]
    assert m.macro_average_precision(LABELS, PROBABILITIES) == pytest.approx(
        average_precision_score(one_hot, PROBABILITIES, average="macro")
    )


def test_calling_everything_good_is_accurate_and_useless():
    labels = np.repeat([0, 1, 2], [98, 1, 1])
    always = np.tile([1.0, 0, 0], (100, 1))
    assert m.accuracy(labels, always) == pytest.approx(0.98)
    assert m.balanced_accuracy(labels, always) == pytest.approx(1 / 3)
    assert m.recall_per_class(labels, always).tolist() == [1, 0, 0]


def test_reliability_by_hand():
    labels = [0, 0, 1, 1]
    probabilities = [[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.45, 0.55]]
    table = m.reliability(labels, probabilities, bins=10)
    assert table.confidence == pytest.approx([0.55, 0.9])
    assert table.accuracy == pytest.approx([1, 2 / 3])
    assert table.count.tolist() == [1, 3]
    assert table.error == pytest.approx((0.45 + 3 * (0.9 - 2 / 3)) / 4)


def test_pooled_curves_are_the_curve_of_all_answers_together():
    half = len(LABELS) // 2
    whole = m.reliability(np.r_[LABELS[:4], LABELS], np.r_[PROBABILITIES[:4], PROBABILITIES])
    parts = [
        m.reliability(LABELS[:half], PROBABILITIES[:half]),
        m.reliability(np.r_[:4, LABELS[half:]], np.r_[PROBABILITIES[:4], PROBABILITIES[half:]]),
    ]
    pooled = m.pool_reliability(parts)
    assert np.allclose(pooled.confidence, whole.confidence)
    assert np.allclose(pooled.accuracy, whole.accuracy)
    assert np.array_equal(pooled.count, whole.count)
    assert pooled.error == pytest.approx(whole.error)
    with pytest.raises(ValueError, match="no curve"):
        m.pool_reliability([])


def test_probabilities_that_keep_their_word_have_no_calibration_error():
    rng = np.random.default_rng(1)
    p = rng.uniform(0, 1, 40_000)
    labels = (rng.random(40_000) < p).astype(int)
    assert m.reliability(labels, np.stack([1 - p, p], 1)).error < 0.01


def test_honest_answers_have_an_error_that_shrinks_with_their_number():
    # One answer of 70 %: right with an error of .3, or wrong with one of .7; .42 on average.
    few = m.honest_error([[0.7, 0.3]], draws=20_000)
    assert few == pytest.approx(0.7 * 0.3 + 0.3 * 0.7, abs=0.01)
    # Many in one bin: the mean distance of a normal distribution, √(2 p (1 - p) / (π n)).
    many = m.honest_error(np.tile([0.7, 0.3], (400, 1)), draws=2000)
    assert many == pytest.approx(np.sqrt(2 * 0.21 / (np.pi * 400)), rel=0.05)
    assert m.honest_error(np.eye(3)) == 0, "certainty that is right has none"


def test_bad_input():
    with pytest.raises(ValueError, match="N×K, bins and draws"):
        m.honest_error([0.5, 0.5])
    with pytest.raises(ValueError, match="N×K, bins and draws"):
        m.honest_error([[0.5, 0.5]], draws=0)
    with pytest.raises(ValueError, match="not finite"):
        m.honest_error([[0.5, np.nan]])
    with pytest.raises(ValueError, match="N×K"):
        m.accuracy([0, 1], [[0.5, 0.5]])
    with pytest.raises(ValueError, match="not finite"):
        m.accuracy([0, 1], [[0.5, np.nan], [0.5, 0.5]])
    with pytest.raises(ValueError, match="class 2 has no image"):
        m.recall_per_class([0, 1], np.full((2, 3), 1 / 3))
    with pytest.raises(ValueError, match="numbered 0 to 1"):
        m.accuracy([0, 2], np.full((2, 2), 0.5))
    with pytest.raises(ValueError, match="bins"):
        m.reliability([0, 1], np.full((2, 2), 0.5), bins=0)
