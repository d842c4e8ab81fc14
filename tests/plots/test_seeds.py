"""Strips of runs: every run is a dot, medians are where they should be, nothing else is drawn."""

import numpy as np
import pytest

from helpers import plots

VALUES = {
    "one": {"clean": [0.9, 0.8, 1.0], "spoiled": [0.5, 0.2, 0.3]},
    "two": {"clean": [0.7, 0.7, 0.7], "spoiled": [0.6, 0.1, 0.9]},
}


def test_every_run_is_a_dot_and_every_lane_has_its_median():
    (axis,) = plots.seed_strips(VALUES, "AUROC").figure.axes
    dots = [line for line in axis.lines if line.get_marker() not in ("None", "")]
    marks = [line for line in axis.lines if line.get_color() == "black"]
    drawn = sorted(x for line in dots for x in line.get_xdata())
    given = sorted(x for lanes in VALUES.values() for runs in lanes.values() for x in runs)
    assert drawn == given
    assert sorted(mark.get_xdata()[0] for mark in marks) == [0.3, 0.6, 0.7, 0.9]
    for mark in marks:
        middle = np.mean(mark.get_ydata())
        (mine,) = [d for d in dots if np.abs(d.get_ydata() - middle).max() < 0.2]
        assert np.median(mine.get_xdata()) == mark.get_xdata()[0], "beside its own dots"


def test_lanes_have_colours_and_markers_of_their_own_and_a_legend():
    (axis,) = plots.seed_strips(VALUES, "AUROC").figure.axes
    looks = {
        (d.get_color(), d.get_marker()) for d in axis.lines if d.get_marker() not in ("None", "")
    }
    assert len({c for c, _ in looks}) == len({m for _, m in looks}) == 2
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["clean", "spoiled"]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["one", "two"]


def test_the_words_name_rows_and_lanes_and_no_number():
    alt = plots.seed_strips(VALUES, "AUROC", chance=0.5).alt
    assert "one, two" in alt and "clean, spoiled" in alt and "AUROC" in alt
    assert not any(character.isdigit() for character in alt)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({}, "no name"),
        ({"one": {}}, "no condition"),
        ({"one": {"a": [1]}, "two": {"b": [1]}}, "two has the conditions"),
        ({"one": {"a": []}}, "one, a, must be finite"),
        ({"one": {"a": [np.nan]}}, "one, a, must be finite"),
        ({"one": {"a": [[0.5]]}}, "one, a, must be finite"),
    ],
)
def test_what_cannot_be_drawn_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        plots.seed_strips(wrong, "AUROC")
