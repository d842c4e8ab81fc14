"""Figures of annotations: what they show, in words, and what they refuse."""

import numpy as np
import pytest

from helpers.annotations.polygons import polygon
from helpers.plots.annotations import _runs, boxes_on_images, four_descriptions, polygons_on_image
from tests.annotation_samples import annotated, pictures


def test_pictures_are_drawn_and_described():
    found = annotated()
    boxes = [[a.region.box for a in image.annotations] for image in found.images]
    labels = [["crack"] * len(drawn) for drawn in boxes]
    drawn = boxes_on_images(pictures(), boxes, labels, ["a", "b", "c", "d"])
    assert "4 pictures with 4 boxes" in drawn.alt
    region = found.images[0].annotations[0].region
    four = four_descriptions(pictures()[0], region.bits, region.box, polygon(region))
    assert "9 × 7 pixels" in four.alt
    shown = polygons_on_image(pictures()[0], region.box, {"exact": polygon(region, 0)})
    assert "exact: 10 vertices" in shown.alt
    for picture in (drawn, four, shown):
        assert picture.encoded()[1]


def test_runs_of_a_column():
    assert _runs(np.array([1, 1, 0, 0, 1], bool)) == [(0, 2), (4, 1)]
    assert _runs(np.zeros(3, bool)) == []


def test_bad_input():
    with pytest.raises(ValueError, match="must be of one length"):
        boxes_on_images(pictures(), [[]], [[]])
    with pytest.raises(ValueError, match="no polygon to draw"):
        polygons_on_image(pictures()[0], (0, 0, 2, 2), {})
