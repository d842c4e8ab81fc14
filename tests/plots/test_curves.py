"""Curves: drawn, described, and refused when there is nothing to draw."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy.stats import beta

from helpers import plots
from helpers.metrics.classes import Reliability

CURVE = Reliability(np.array([0.6, 0.9]), np.array([0.5, 0.95]), np.array([4, 8]), 0.07)
SCORES = {"U-Net": {1: [0.1, 0.3], 16: [0.5]}, "other": {4: [0.2]}}


def pictures():
    values = {"greedy": [0.6, 0.7], "random": [0.5, 0.7]}
    return {
        "tails": plots.rank_frequency({"nuts": [40, 4, 1], "others": [7, 7]}),
        "reliability": plots.reliability_plot({"plain": CURVE}),
        "shares": plots.share_curves({0.2: [0.0, 0.1, 0.9], 3.0: [0.5, 0.9, 1.0]}),
        "labels": plots.label_curve(SCORES, "mean IoU", {"PatchCore": 0.2}),
        "sizes": plots.size_curves((10, 100), values, "image AUROC", "PatchCore"),
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
    assert "1 to 16" in drawn["labels"].alt
    assert "across: PatchCore" in drawn["labels"].alt


def test_every_run_is_a_dot_and_the_line_goes_through_the_means():
    axis = plots.label_curve({"U-Net": {16: [0.5], 1: [0.1, 0.3]}}, "IoU").figure.axes[0]
    line, *dots = axis.lines
    assert line.get_xydata().tolist() == [[1, 0.2], [16, 0.5]]
    assert sum(len(dot.get_xdata()) for dot in dots) == 3
    assert axis.get_ylim() == (0, 1)


def test_class_counts_are_drawn_from_the_largest_as_shares():
    axis = plots.rank_frequency({"nuts": [1, 40, 4]}).figure.axes[0]
    assert axis.lines[0].get_ydata().tolist() == [1, 0.1, 0.025]


def test_the_curve_of_the_shares_is_the_beta_distributions():
    axis = plots.share_curves({0.5: [0.2]}).figure.axes[0]
    x, y = axis.lines[1].get_data()
    assert np.allclose(y, beta(0.5, 1).cdf(x))


def test_the_first_line_has_the_methods_colour():
    axis = pictures()["sizes"].figure.axes[0]
    assert axis.lines[0].get_color() == "#999933"
    assert axis.lines[1].get_ydata().tolist() == [0.5, 0.7]


def test_nothing_to_draw_is_refused():
    with pytest.raises(ValueError, match="no data set"):
        plots.rank_frequency({})
    with pytest.raises(ValueError, match="empty: every class"):
        plots.rank_frequency({"empty": []})
    with pytest.raises(ValueError, match="no α"):
        plots.share_curves({})
    with pytest.raises(ValueError, match="no curve"):
        plots.reliability_plot({})
    for nothing in ({}, {"U-Net": {}}):
        with pytest.raises(ValueError, match="no score"):
            plots.label_curve(nothing, "IoU")
    with pytest.raises(ValueError, match="greedy needs 2 figures"):
        plots.size_curves((1, 2), {"greedy": [1]}, "AUROC")
    with pytest.raises(ValueError, match="no line"):
        plots.size_curves((1, 2), {}, "AUROC")
