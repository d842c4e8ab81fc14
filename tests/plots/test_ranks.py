"""Two orders side by side: each method at its place, equal ones together."""

import pytest

from helpers import plots

FIRST = {"PatchCore": 0.9, "GAN": 0.5, "FastFlow": 0.7}
SECOND = {"PatchCore": 1.0, "GAN": 0.6, "FastFlow": 1.0}


def test_each_line_runs_from_place_to_place():
    picture = plots.two_orders(FIRST, SECOND, "generated", "published")
    lines = [list(line.get_ydata()) for line in picture.figure.axes[0].lines]
    assert lines == [[1, 1.5], [3, 3], [2, 1.5]]
    words = [text.get_text() for text in picture.figure.axes[0].texts]
    assert "PatchCore  0.900" in words
    assert "1.000  PatchCore = FastFlow" in words
    assert "generated: PatchCore, FastFlow, GAN." in picture.alt


def test_other_methods_are_refused():
    with pytest.raises(ValueError, match="the other of GAN"):
        plots.two_orders(FIRST, {"GAN": 1.0}, "a", "b")
    with pytest.raises(ValueError, match="no method to draw"):
        plots.two_orders({}, {}, "a", "b")
