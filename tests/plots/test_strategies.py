"""Charts of strategies: they refuse what would mislead, and name what they show."""

import numpy as np
import pytest

from helpers.metrics.image import Interval
from helpers.plots.strategies import STEPS, plane, quality_against_cost, score_fields


def test_the_plane_runs_row_by_row_from_the_bottom():
    places = plane(1, 3)
    np.testing.assert_allclose(places[:4], [[-1, -1], [0, -1], [1, -1], [-1, 0]])


def test_fields_need_a_score_for_each_place():
    points = np.zeros((4, 2))
    values = np.arange(STEPS**2 + 4.0)
    assert "memory" in score_fields({"memory": values}, points, points).alt
    with pytest.raises(ValueError, match="memory needs 14404 finite scores"):
        score_fields({"memory": values[:-1]}, points, points)
    values[0] = np.nan
    with pytest.raises(ValueError, match="finite"):
        score_fields({"memory": values}, points, points)
    with pytest.raises(ValueError, match="no field"):
        score_fields({}, points, points)


def test_quality_needs_the_same_methods_and_costs_above_zero():
    quality = {"GAN": (0.7, Interval(0.6, 0.8, 0.95))}
    assert "GAN" in quality_against_cost({"GAN": 3.0}, quality, "ms", "image AUROC").alt
    with pytest.raises(ValueError, match="above 0"):
        quality_against_cost({"GAN": 0.0}, quality, "ms", "image AUROC")
    with pytest.raises(ValueError, match="qualities of GAN"):
        quality_against_cost({"FastFlow": 1.0}, quality, "ms", "image AUROC")
