"""Charts about class sizes: drawn, described, and refused when there is nothing to draw."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy.stats import beta

from helpers.metrics.classes import Reliability
from helpers.plots import long_tail

POINTS = np.random.default_rng(0).normal(size=(12, 2))
LABELS = np.repeat([0, 1], 6)
CURVE = Reliability(np.array([0.6, 0.9]), np.array([0.5, 0.95]), np.array([4, 8]), 0.07)


def pictures():
    right = {"right of the middle": lambda p: p[:, 0] > 0}
    lines = {"plain": ([0.6, 0.7, 0.8], [0.1, 0.0, 0.1])}
    return {
        "tails": long_tail.rank_frequency({"nuts": [40, 4, 1], "others": [7, 7]}),
        "regions": long_tail.decision_regions(POINTS, LABELS, right),
        "reliability": long_tail.reliability_plot({"plain": CURVE}),
        "shares": long_tail.share_curves({0.2: [0.0, 0.1, 0.9], 3.0: [0.5, 0.9, 1.0]}),
        "labels": long_tail.labels_curve([1, 2, 4], lines, {"detector": 0.7}, "AUROC"),
    }


@pytest.mark.parametrize(("name", "picture"), pictures().items())
def test_each_is_drawn_and_described(name, picture):
    _, data = picture.encoded()
    image = Image.open(io.BytesIO(data))
    assert image.width <= 900
    assert np.asarray(image.convert("L")).std() > 3, "not blank"
    assert len(picture.alt) > 40


def test_the_words_give_the_figures_that_a_reader_cannot_see():
    drawn = pictures()
    assert "0.07" in drawn["reliability"].alt
    assert "nuts, others" in drawn["tails"].alt
    assert "1 to 4" in drawn["labels"].alt


def test_class_counts_are_drawn_from_the_largest_as_shares():
    axis = long_tail.rank_frequency({"nuts": [1, 40, 4]}).figure.axes[0]
    assert axis.lines[0].get_ydata().tolist() == [1, 0.1, 0.025]


def test_the_border_lies_where_the_model_changes_its_mind():
    model = {"half": lambda p: 1 / (1 + np.exp(-(p[:, 0] - 0.25)))}
    axis = long_tail.decision_regions(POINTS, LABELS, model).figure.axes[0]
    border = np.concatenate([path.vertices for path in axis.collections[-1].get_paths()])
    assert np.allclose(border[:, 0], 0.25, atol=0.01)


def test_the_curve_of_the_shares_is_the_beta_distributions():
    axis = long_tail.share_curves({0.5: [0.2]}).figure.axes[0]
    x, y = axis.lines[1].get_data()
    assert np.allclose(y, beta(0.5, 1).cdf(x))


def test_nothing_to_draw_is_refused():
    with pytest.raises(ValueError, match="no data set"):
        long_tail.rank_frequency({})
    with pytest.raises(ValueError, match="empty: every class"):
        long_tail.rank_frequency({"empty": []})
    with pytest.raises(ValueError, match="no model"):
        long_tail.decision_regions(POINTS, LABELS, {})
    with pytest.raises(ValueError, match=r"N×2 with N labels"):
        long_tail.decision_regions(POINTS, LABELS[1:], {"a": lambda p: p[:, 0]})
    with pytest.raises(ValueError, match="no α"):
        long_tail.share_curves({})
    with pytest.raises(ValueError, match="no curve"):
        long_tail.reliability_plot({})
    with pytest.raises(ValueError, match="plain needs 2 figures"):
        long_tail.labels_curve([1, 2], {"plain": ([1], [0])}, {}, "AUROC")
