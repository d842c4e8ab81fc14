"""Figures in a plane: drawn, described, and refused when they would mislead."""

import io

import numpy as np
import pytest
from PIL import Image

from helpers import plots
from helpers.plots.planes import STEPS

POINTS = np.random.default_rng(0).normal(size=(12, 2))
LABELS = np.repeat([0, 1], 6)
SQUARE = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0], [6.0, 8.0]])


def pictures():
    points = np.random.default_rng(0).normal(size=(60, 2))
    right = {"right of the middle": lambda p: p[:, 0] > 0}
    return {
        "growth": plots.coreset_step(points, [3, 5, 7], 2),
        "regions": plots.decision_regions(POINTS, LABELS, right),
    }


@pytest.mark.parametrize(("name", "picture"), pictures().items())
def test_each_is_drawn_and_described(name, picture):
    _, data = picture.encoded()
    image = Image.open(io.BytesIO(data))
    assert image.width <= 900
    assert np.asarray(image.convert("L")).std() > 3, "not blank"
    assert len(picture.alt) > 40


def test_the_border_lies_where_the_model_changes_its_mind():
    model = {"half": lambda p: 1 / (1 + np.exp(-(p[:, 0] - 0.25)))}
    axis = plots.decision_regions(POINTS, LABELS, model).figure.axes[0]
    border = np.concatenate([path.vertices for path in axis.collections[-1].get_paths()])
    assert np.allclose(border[:, 0], 0.25, atol=0.01)


def test_points_are_coloured_by_their_distance_to_the_nearest_chosen():
    first, second = (plots.coreset_step(SQUARE, [0, 3], n).figure.axes[0] for n in (1, 2))
    assert first.collections[0].get_array().tolist() == [0, 5, 1, 10]
    assert second.collections[0].get_array().tolist() == [0, 5, 1, 0]
    assert first.get_title() == "1 chosen, radius 10.0"
    assert first.lines[1].get_xydata().tolist() == [[6, 8]], "the farthest has the ring"


def test_pictures_of_one_growing_coreset_have_one_scale():
    scales = [
        plots.coreset_step(SQUARE, [0, 3], n).figure.axes[0].collections[0].get_clim()
        for n in (1, 2)
    ]
    assert scales == [(0, 10)] * 2


def test_the_plane_runs_row_by_row_from_the_bottom():
    places = plots.score_plane(1, 3)
    np.testing.assert_allclose(places[:4], [[-1, -1], [0, -1], [1, -1], [-1, 0]])


def test_fields_need_a_score_for_each_place():
    points = np.zeros((4, 2))
    values = np.arange(STEPS**2 + 4.0)
    assert "memory" in plots.score_fields({"memory": values}, points, points).alt
    with pytest.raises(ValueError, match="memory needs 14404 finite scores"):
        plots.score_fields({"memory": values[:-1]}, points, points)
    values[0] = np.nan
    with pytest.raises(ValueError, match="finite"):
        plots.score_fields({"memory": values}, points, points)
    with pytest.raises(ValueError, match="no field"):
        plots.score_fields({}, points, points)


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="no model"):
        plots.decision_regions(POINTS, LABELS, {})
    with pytest.raises(ValueError, match=r"N×2 with N labels"):
        plots.decision_regions(POINTS, LABELS[1:], {"a": lambda p: p[:, 0]})
    with pytest.raises(ValueError, match="finite, of shape N×2"):
        plots.coreset_step(np.zeros((3, 3)), [0], 1)
    for count in (0, 3):
        with pytest.raises(ValueError, match="between 1 and the 2 chosen"):
            plots.coreset_step(SQUARE, [0, 1], count)
