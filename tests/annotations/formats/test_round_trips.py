"""Masks go through every format and come back: generated ones, and real ones where they are."""

import json

import numpy as np
import pytest

from helpers.annotations.formats.coco import read_coco, write_coco
from helpers.annotations.formats.png import (
    class_numbers,
    object_numbers,
    read_numbers,
    write_numbers,
)
from helpers.annotations.formats.yolo import read_yolo, write_yolo
from helpers.annotations.objects import annotate
from helpers.annotations.polygons import EXACT, filled, polygon
from helpers.annotations.regions import from_run_lengths, regions, run_lengths
from helpers.data.load import generate_category, load_category
from helpers.detection.coco_scores import as_detections, coco_scores
from helpers.metrics.masks import iou

COUNTS = {
    "train/good": 1,
    "test/good": 2,
    "test/crack": 5,
    "test/cut": 5,
    "test/hole": 5,
    "test/print": 5,
}
MASKS = {"hazelnut": 8, "grid": 57, "generated": 20}


@pytest.fixture(scope="module", params=list(MASKS))
def category(request, tmp_path_factory):
    from tests.conftest import SHARED

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONE_BAD_NUT_DATA", str(tmp_path_factory.mktemp("data")))
        if request.param == "generated":
            return generate_category(256, COUNTS)
        if not SHARED.is_dir():
            pytest.skip("the real development images are not on this machine")
        return load_category(request.param, 256, SHARED)


@pytest.fixture(scope="module")
def found(category):
    return annotate(category)


def marked(category):
    return category.masks[category.labels == 1]


def test_all_masks_are_there(category):
    counts = MASKS["generated"] if category.source == "generated" else MASKS[category.name]
    assert len(marked(category)) == counts


def test_runs_are_exact(category):
    for mask in marked(category):
        coded = json.loads(json.dumps(run_lengths(mask)))
        assert np.array_equal(from_run_lengths(coded), mask)


def test_png_files_are_exact(category, found, tmp_path):
    for image, mask in zip(found.images, category.masks, strict=True):
        for numbers in (class_numbers(image), object_numbers(image)):
            write_numbers(numbers, tmp_path / "mask.png")
            assert np.array_equal(read_numbers(tmp_path / "mask.png"), numbers)
            assert np.array_equal(numbers > 0, mask)
        assert object_numbers(image).max() == len(image.annotations)


def test_polygons_are_exact_up_to_half_a_pixel(category):
    for mask in marked(category):
        back = filled([polygon(region, EXACT) for region in regions(mask)], *mask.shape)
        assert np.array_equal(back, mask)


def test_polygons_at_one_pixel_overlap_as_stated(category):
    overlaps = [
        iou(filled([polygon(region, 1.0) for region in regions(mask)], *mask.shape), mask)
        for mask in marked(category)
    ]
    # The figures that chapter 15 states.
    assert np.mean(overlaps) > 0.88
    assert min(overlaps) > 0.7


@pytest.mark.parametrize("write", [write_coco, write_yolo])
def test_whole_sets_come_back(category, found, tmp_path, write):
    parts = {"train": np.arange(len(found.images))}
    more = {"shapes": "polygons"} if write is write_yolo else {}
    folder = write(tmp_path / "out", found, category.test, parts, **more)
    if write is write_yolo:
        sets = [read_yolo(folder / "data.yaml")]
    else:
        files = [folder / f"annotations/instances_train{end}.json" for end in ("", "_runs")]
        sets = [read_coco(file) for file in files]
        for kind in ("bbox", "segm"):
            assert coco_scores(files[0], as_detections(files[0]), kind)["AP"] == 1.0
    rows = {name: row for row, name in enumerate(found.flat_names())}
    for back in sets:
        for image in back.images:
            row = rows[image.file.rsplit("/", 1)[-1].removesuffix(".png")]
            assert np.array_equal(image.mask(), category.masks[row])
            assert len(image.annotations) == len(found.images[row].annotations)
