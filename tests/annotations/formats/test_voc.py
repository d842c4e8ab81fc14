"""Pascal VOC: read back by TorchVision's own classes, as the folder that they expect."""

import numpy as np
import pytest
from torchvision.datasets import VOCDetection, VOCSegmentation

from helpers.annotations.formats.png import read_numbers
from helpers.annotations.formats.voc import to_voc, voc_box, write_voc
from helpers.errors import DataError
from tests.annotation_samples import PARTS, annotated, contents, masks, pictures


@pytest.fixture
def exported(tmp_path):
    return write_voc(tmp_path / "voc", annotated(), pictures(), PARTS)


def boxes(target):
    return [
        tuple(int(entry["bndbox"][side]) for side in ("xmin", "ymin", "xmax", "ymax"))
        for entry in target["annotation"].get("object", [])
    ]


def test_boxes_count_from_one_and_hold_both_corners():
    assert voc_box((0, 0, 1, 1)) == {"xmin": 1, "ymin": 1, "xmax": 1, "ymax": 1}
    assert voc_box((29, 4, 1, 16)) == {"xmin": 30, "ymin": 5, "xmax": 30, "ymax": 20}


@pytest.mark.parametrize("part", ["train", "val"])
def test_torchvision_reads_the_boxes(exported, part):
    read = VOCDetection(exported, year="2012", image_set=part)
    assert len(read) == len(PARTS[part])
    for (picture, target), row in zip(read, PARTS[part], strict=True):
        image = annotated().images[row]
        assert picture.size == (image.width, image.height)
        regions = [annotation.region.box for annotation in image.annotations]
        assert [(x + 1, y + 1, x + w, y + h) for x, y, w, h in regions] == boxes(target)
        for entry, annotation in zip(
            target["annotation"].get("object", []), image.annotations, strict=True
        ):
            assert entry["name"] == annotated().classes[annotation.label]


def test_torchvision_reads_the_masks(exported):
    read = VOCSegmentation(exported, year="2012", image_set="val")
    for (_, mask), row in zip(read, PARTS["val"], strict=True):
        numbers = np.asarray(mask)
        assert np.array_equal(numbers == 2, masks()[row])


def test_objects_of_both_files_have_one_order(exported):
    kit = exported / "VOCdevkit" / "VOC2012"
    numbers = read_numbers(kit / "SegmentationObject" / "tear_a_b.png")
    _, target = VOCDetection(exported, year="2012", image_set="train")[0]
    for number, (left, top, right, bottom) in enumerate(boxes(target), 1):
        rows, columns = np.nonzero(numbers == number)
        assert (columns.min() + 1, rows.min() + 1) == (left, top)
        assert (columns.max() + 1, rows.max() + 1) == (right, bottom)


def test_names_are_escaped_and_the_border_is_told():
    text = to_voc(annotated().images[2], annotated().classes, "x.jpg", "s")
    assert "<name>cut &amp; &lt;hole&gt;</name>" in text
    assert "<truncated>1</truncated>" in text
    inner = to_voc(annotated().images[1], annotated().classes, "x.jpg", "s")
    assert "<truncated>0</truncated>" in inner


def test_a_good_picture_has_no_object():
    text = to_voc(annotated().images[3], annotated().classes, "x.jpg", "s")
    assert "<object>" not in text
    assert "<segmented>0</segmented>" in text


def test_the_same_input_gives_the_same_bytes(exported, tmp_path):
    again = write_voc(tmp_path / "again", annotated(), pictures(), PARTS)
    assert contents(again) == contents(exported)


def test_a_folder_in_use_is_left_alone(exported):
    with pytest.raises(DataError, match="is there already"):
        write_voc(exported, annotated(), pictures(), PARTS)
