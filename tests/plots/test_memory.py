"""Charts of memories: drawn, described, and refused when there is nothing to draw."""

import io

import numpy as np
import pytest
from PIL import Image

from helpers.plots import memory

SQUARE = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0], [6.0, 8.0]])


def pictures():
    points = np.random.default_rng(0).normal(size=(60, 2))
    values = {"greedy": [0.6, 0.7], "random": [0.5, 0.7]}
    return {
        "growth": memory.coreset_growth(points, [3, 5, 7], (1, 3)),
        "sizes": memory.size_curves((10, 100), values, "image AUROC", "PatchCore"),
    }


@pytest.mark.parametrize(("name", "picture"), pictures().items())
def test_each_is_drawn_and_described(name, picture):
    _, data = picture.encoded()
    image = Image.open(io.BytesIO(data))
    assert image.width <= 900
    assert np.asarray(image.convert("L")).std() > 3, "not blank"
    assert len(picture.alt) > 40


def test_points_are_coloured_by_their_distance_to_the_nearest_chosen():
    axes = memory.coreset_growth(SQUARE, [0, 3], (1, 2)).figure.axes
    assert axes[0].collections[0].get_array().tolist() == [0, 5, 1, 10]
    assert axes[1].collections[0].get_array().tolist() == [0, 5, 1, 0]
    assert axes[0].get_title() == "1 chosen,\nradius 10.0"
    assert axes[0].lines[1].get_xydata().tolist() == [[6, 8]], "the farthest has the ring"


def test_the_first_line_has_the_methods_colour():
    axis = pictures()["sizes"].figure.axes[0]
    assert axis.lines[0].get_color() == "#999933"
    assert axis.lines[1].get_ydata().tolist() == [0.5, 0.7]


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="finite, N×2"):
        memory.coreset_growth(np.zeros((3, 3)), [0], (1,))
    with pytest.raises(ValueError, match="between 1 and the 2 chosen"):
        memory.coreset_growth(SQUARE, [0, 1], (3,))
    with pytest.raises(ValueError, match="no count"):
        memory.coreset_growth(SQUARE, [0, 1], ())
    with pytest.raises(ValueError, match="greedy needs 2 figures"):
        memory.size_curves((1, 2), {"greedy": [1]}, "AUROC")
    with pytest.raises(ValueError, match="no line"):
        memory.size_curves((1, 2), {}, "AUROC")
