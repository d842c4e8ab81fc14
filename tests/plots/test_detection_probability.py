"""The curves of the probability of detection."""

import numpy as np
import pytest

from helpers.metrics.detection_probability import detection_curve
from helpers.plots.detection_probability import detection_curves

SIZES = np.geomspace(2, 40, 30)


def test_each_method_has_a_line_a_band_and_its_defects():
    found = SIZES > 8
    picture = detection_curves(
        {"PatchCore": detection_curve(SIZES, found)}, {"PatchCore": (SIZES, found)}
    )
    (axis,) = picture.figure.axes
    assert len(axis.collections) == 1
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["PatchCore"]
    assert axis.get_xscale() == "log"
    assert "PatchCore" in picture.alt


def test_no_curve_is_refused():
    with pytest.raises(ValueError, match="curve"):
        detection_curves({}, {})
