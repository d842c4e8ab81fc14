"""Dots of published figures over bands: where each lies, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from helpers import plots

FIGURES = pd.DataFrame({"A": {"grid": 0.99, "tile": 0.5}, "B": {"grid": 0.95, "tile": np.nan}})
LOWS, GROUPS = {"grid": 0.97, "tile": 0.9}, {"A": "early", "B": "late"}


def test_dots_lie_at_their_figures_and_small_ones_at_the_edge():
    axis = plots.benchmark_dots(FIGURES, LOWS, GROUPS, "AUROC", 0.8).figure.axes[0]
    drawn = [tuple(line.get_xdata()) for line in axis.lines]
    assert drawn == [(0.99,), (0.8,), (0.95,), ()]
    assert [line.get_marker() for line in axis.lines].count("<") == 2


def test_the_text_alternative_counts_what_lies_in_the_bands():
    alt = plots.benchmark_dots(FIGURES, LOWS, GROUPS, "AUROC", 0.8).alt
    assert "1 of 3 dots" in alt


def test_what_has_no_band_or_group_is_named():
    with pytest.raises(ValueError, match="tile"):
        plots.benchmark_dots(FIGURES, {"grid": 0.97}, GROUPS, "AUROC", 0.8)
    with pytest.raises(ValueError, match="B"):
        plots.benchmark_dots(FIGURES, LOWS, {"A": "early"}, "AUROC", 0.8)
    with pytest.raises(ValueError, match="no method"):
        plots.benchmark_dots(FIGURES[[]], LOWS, GROUPS, "AUROC", 0.8)
