"""The probability of detection: the fit, its interval, and the sizes read off it."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from helpers.metrics.detection_probability import detection_curve

SIZES = np.geomspace(2, 50, 60)


def drawn(rng, sizes=SIZES, line=(-6.0, 3.0)):
    return rng.random(len(sizes)) < expit(line[0] + line[1] * np.log(sizes))


def test_many_defects_give_the_line_they_were_drawn_from():
    sizes = np.repeat(SIZES, 200)
    curve = detection_curve(sizes, drawn(np.random.default_rng(0), sizes))
    assert curve.line == pytest.approx([-6, 3], abs=0.3)


def test_it_is_the_logistic_regression_where_there_is_much_data():
    sizes = np.repeat(SIZES, 200)
    found = drawn(np.random.default_rng(1), sizes)
    other = LogisticRegression(C=1e9, tol=1e-10).fit(np.log(sizes)[:, None], found)
    wanted = [other.intercept_[0], other.coef_[0, 0]]
    assert detection_curve(sizes, found).line == pytest.approx(wanted, rel=0.01)


def test_the_penalised_likelihood_has_its_maximum_there():
    found = drawn(np.random.default_rng(2))
    curve = detection_curve(SIZES, found)

    def objective(line):
        design = np.stack([np.ones_like(SIZES), np.log(SIZES)], 1)
        chance = expit(design @ line)
        information = design.T @ ((chance * (1 - chance))[:, None] * design)
        likelihood = np.log(np.where(found, chance, 1 - chance)).sum()
        return likelihood + 0.5 * np.linalg.slogdet(information)[1]

    best = objective(curve.line)
    for step in ([1e-3, 0], [-1e-3, 0], [0, 1e-3], [0, -1e-3]):
        assert objective(curve.line + step) < best


def test_the_interval_holds_the_true_probability_as_often_as_it_says():
    rng, held = np.random.default_rng(3), []
    for _ in range(300):
        low, high = detection_curve(SIZES, drawn(rng)).bounds([7.0])
        held.append(low[0] <= expit(-6 + 3 * np.log(7.0)) <= high[0])
    assert 0.92 < np.mean(held) < 0.995


def test_a90_95_is_above_the_true_a90_in_most_experiments():
    rng, true = np.random.default_rng(4), np.exp((np.log(9) + 6) / 3)
    sizes = [detection_curve(SIZES, drawn(rng)).size_found(0.9, 0.95) for _ in range(200)]
    above = [size is None or size >= true for size in sizes]
    assert 0.9 < np.mean(above) < 0.99


def test_defects_that_are_told_apart_by_size_alone_have_a_curve():
    curve = detection_curve(SIZES, SIZES > 10)
    assert np.isfinite(curve.line).all()
    assert curve.probability([3.0])[0] < 0.05 < 0.95 < curve.probability([30.0])[0]
    assert 8 < curve.size_found(0.5) < 12
    assert curve.size_found(0.9, 0.95) > curve.size_found(0.9)


def test_beyond_the_largest_defect_nothing_is_promised():
    assert detection_curve(SIZES, np.zeros(60)).size_found() is None
    assert detection_curve(SIZES, np.ones(60)).size_found() == pytest.approx(2)


def test_the_unit_of_the_size_does_not_matter():
    found = drawn(np.random.default_rng(5))
    one, other = detection_curve(SIZES, found), detection_curve(SIZES / 25.4, found)
    assert one.size_found() / 25.4 == pytest.approx(other.size_found())
    assert np.allclose(one.bounds(SIZES), other.bounds(SIZES / 25.4))


@pytest.mark.parametrize(
    ("sizes", "found"), [([1, 2], [0]), ([1, 1], [0, 1]), ([0, 1], [0, 1]), ([1, 2], [0, 2])]
)
def test_nonsense_is_refused(sizes, found):
    with pytest.raises(ValueError, match="size"):
        detection_curve(sizes, found)


@pytest.mark.parametrize("line", [(-6.0, 3.0), (-2.5, 1.2)], ids=["steep", "flat"])
def test_with_few_defects_it_holds_it_too(line):
    rng, few = np.random.default_rng(6), np.geomspace(2, 50, 18)
    at = np.array([4.0, 10.0, 30.0])
    true, held = expit(line[0] + line[1] * np.log(at)), []
    for _ in range(150):
        low, high = detection_curve(few, drawn(rng, few, line)).bounds(at)
        held.append((low <= true) & (true <= high))
    assert (np.mean(held, 0) > 0.9).all() and (np.mean(held) < 0.995)


def test_the_ends_are_those_of_the_profile_likelihood():
    """Of all lines with such a value at a size, the likeliest is just not likely enough."""
    found = drawn(np.random.default_rng(7), SIZES[::3])
    curve, size = detection_curve(SIZES[::3], found), 9.0
    design = np.stack([np.ones(len(found)), np.log(SIZES[::3])], 1)

    def likelihood(line):
        chance = expit(design @ line)
        information = design.T @ ((chance * (1 - chance))[:, None] * design)
        return np.log(np.where(found, chance, 1 - chance)).sum() + (
            np.linalg.slogdet(information)[1] / 2
        )

    for end in curve.bounds([size], 0.95):
        value = np.log(end[0] / (1 - end[0]))
        profile = minimize_scalar(
            lambda b, value=value: -likelihood(np.array([value - b * np.log(size), b])),
            bounds=(-5, 20), method="bounded",
        )  # fmt: skip
        assert 2 * (likelihood(curve.line) + profile.fun) == pytest.approx(1.96**2, rel=0.01)
