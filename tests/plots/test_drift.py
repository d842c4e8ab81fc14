"""The plot of the capital."""

import numpy as np
import pytest

from helpers.plots.drift import capital_plot


def test_each_change_has_a_line_and_the_alarm_is_marked():
    picture = capital_plot({"nothing": np.ones(9), "dimmer lamp": 2.0 ** np.arange(9)}, 100)
    (axis,) = picture.figure.axes
    assert [t.get_text() for t in axis.get_legend().get_texts()] == ["nothing", "dimmer lamp"]
    assert axis.lines[0].get_ydata()[0] == 100
    assert axis.get_yscale() == "log"
    assert "dimmer lamp" in picture.alt


def test_no_path_or_no_capital_is_refused():
    with pytest.raises(ValueError, match="path"):
        capital_plot({})
    with pytest.raises(ValueError, match="above 0"):
        capital_plot({"a": [1.0, 0.0]})
