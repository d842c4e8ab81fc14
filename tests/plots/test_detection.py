"""Figures of detection: what they say in words, and what they refuse."""

import numpy as np
import pytest

from helpers import plots
from helpers.detection.boxes import make_boxes
from helpers.detection.precision_recall import precision_recall

IMAGES = np.full((2, 3, 32, 32), 90, np.uint8)
TRUE = [make_boxes([[4, 4, 20, 12]]), make_boxes([])]
CURVE = precision_recall([0.9, 0.8, 0.7], [True, False, True], total=3)


def test_pictures_are_drawn_and_described():
    drawn = {
        "0.33": plots.box_overlaps((0, 0, 10, 10), [(5, 0, 15, 10), (0, 0, 10, 10)]),
        "3 boxes": plots.precision_recall_steps(CURVE),
        "crack, cut": plots.precision_recall_curves({"crack": CURVE, "cut": CURVE}),
        "stride 8": plots.pyramid_maps(IMAGES[0], {"stride 8": np.eye(4)}, TRUE[0]),
        "2 pictures: a, b": plots.found_boxes(IMAGES, TRUE, TRUE[::-1], ["crack"], ["a", "b"]),
    }
    for said, picture in drawn.items():
        assert said in picture.alt
        assert len(picture.alt) >= 40
        assert picture.encoded()[1]


def test_the_surest_box_is_drawn_on_top_and_weak_ones_have_no_text():
    found = make_boxes([[2, 2, 9, 9], [3, 3, 9, 9], [4, 4, 9, 9]], scores=[0.6, 0.9, 0.1])
    picture = plots.found_boxes(IMAGES[:1], [make_boxes([])], [found], ["crack"])
    (axis,) = [a for a in picture.figure.axes if a.patches]
    assert [patch.get_x() + 0.5 for patch in axis.patches[::2]] == [4, 2, 3]
    assert [text.get_text() for text in axis.texts] == ["crack 0.60", "crack 0.90"]


def test_a_class_of_which_nothing_is_found_is_drawn():
    nothing = precision_recall([], [], total=2)
    assert plots.precision_recall_curves({"cut": nothing}).encoded()[1]


def test_bad_input():
    with pytest.raises(ValueError, match="must be of one length"):
        plots.found_boxes(IMAGES, TRUE[:1], TRUE, ["crack"])
    for draw in (
        lambda: plots.box_overlaps((0, 0, 1, 1), []),
        lambda: plots.precision_recall_curves({}),
        lambda: plots.pyramid_maps(IMAGES[0], {}, TRUE[0]),
    ):
        with pytest.raises(ValueError, match="no .* to draw"):
            draw()
