"""The tree of questions: ways that share answers share boxes, and all of it in words."""

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from helpers import plots
from helpers.plots.tree import _boxes, letter_of

PATHS = [
    (("size", "small"), ("time", "short")),
    (("size", "small"), ("time", "long")),
    (("size", "large"),),
]


def test_ways_that_share_answers_share_boxes():
    assert list(_boxes(PATHS, ["size", "time"])) == [
        (0, 0, 1, "small"),
        (0, 2, 2, "large"),
        (1, 0, 0, "short"),
        (1, 1, 1, "long"),
    ]


def test_equal_answers_of_different_ways_do_not_share_a_box():
    paths = [(("a", "x"), ("b", "yes")), (("a", "y"), ("b", "yes"))]
    assert [box for box in _boxes(paths, ["a", "b"]) if box[0] == 1] == [
        (1, 0, 0, "yes"),
        (1, 1, 1, "yes"),
    ]


def test_every_way_is_told_in_words():
    picture = plots.answer_tree(PATHS, ["PatchCore", "", "GAN"], "look at")
    for way in (
        "size: small, time: short → PatchCore",
        "size: small, time: long → none",
        "size: large → GAN",
    ):
        assert way in picture.alt
    drawn = [text.get_text() for text in picture.figure.axes[0].texts]
    assert {"A", "B", "C", "PatchCore", "GAN", "no evidence", "look at", "size"} <= set(drawn)
    assert drawn.count("small") == 1


def test_no_words_stick_out_of_the_figure():
    picture = plots.answer_tree(PATHS, ["CutPaste, generated textures", "", "GAN"], "look at")
    renderer = FigureCanvasAgg(picture.figure).get_renderer()
    picture.figure.draw(renderer)
    whole = picture.figure.bbox
    for text in picture.figure.axes[0].texts:
        box = text.get_window_extent(renderer)
        assert whole.x0 <= box.x0
        assert box.x1 <= whole.x1


def test_leaves_go_by_letters():
    assert [letter_of(place) for place in (0, 1, 16)] == ["A", "B", "Q"]


def test_ways_and_leaves_of_different_number_are_refused():
    with pytest.raises(ValueError, match="of one length"):
        plots.answer_tree(PATHS, ["GAN"], "look at")
