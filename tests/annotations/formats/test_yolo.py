"""YOLO: the lines by hand, the round trip, and ultralytics' own checker where it is installed."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from helpers.annotations.formats.yolo import data_file, read_yolo, write_yolo, yolo_line
from helpers.annotations.objects import AnnotationSet
from helpers.annotations.regions import Region
from helpers.errors import DataError
from tests.annotation_samples import PARTS, annotated, contents, pictures, same_objects


@pytest.fixture(params=["boxes", "polygons"])
def exported(request, tmp_path):
    folder = tmp_path / request.param
    return write_yolo(folder, annotated(), pictures(), PARTS, shapes=request.param)


def test_lines_by_hand():
    region = Region(20, 5, np.ones((10, 40), bool))
    assert yolo_line(3, region, 100, 50) == "3 0.400000 0.200000 0.400000 0.200000"
    line = yolo_line(0, region, 100, 50, "polygons").split()
    assert line[0] == "0"
    corners = sorted(zip(map(float, line[1::2]), map(float, line[2::2]), strict=True))
    assert corners == [(0.2, 0.1), (0.2, 0.3), (0.6, 0.1), (0.6, 0.3)]


def test_round_trip(exported):
    back = read_yolo(exported / "data.yaml")
    assert back.classes == annotated().classes
    rows = {name: row for row, name in enumerate(annotated().flat_names())}
    assert len(back.images) == len(rows)
    for image in back.images:
        wanted = annotated().images[rows[Path(image.file).stem]]
        assert (image.width, image.height) == (wanted.width, wanted.height)
        if exported.name == "polygons":
            assert same_objects(image, wanted)
        else:
            assert [a.region.box for a in image.annotations] == [
                a.region.box for a in wanted.annotations
            ]


def test_six_digits_suffice_for_large_pictures():
    side = 20_000
    region = Region(12_345, 6_789, np.ones((1, 1), bool))
    x, y, w, h = (float(v) * side for v in yolo_line(0, region, side, side).split()[1:])
    assert abs(x - w / 2 - 12_345) < 0.1
    assert abs(y - h / 2 - 6_789) < 0.1


def test_a_good_picture_has_an_empty_file(exported):
    assert (exported / "labels" / "train" / "good_000.txt").read_bytes() == b""


def test_the_data_file_is_yaml_whatever_the_names(exported):
    content = yaml.safe_load((exported / "data.yaml").read_text(encoding="utf-8"))
    assert content["names"] == dict(enumerate(annotated().classes))
    assert content["train"] == "images/train"
    odd = ('say "no"', "yes", "3", "a: b # c", "裂縫")
    listed = yaml.safe_load(data_file(AnnotationSet("x\ny", odd, ()), ["train"]))
    assert listed["names"] == dict(enumerate(odd))


def test_the_same_input_gives_the_same_bytes(exported, tmp_path):
    again = write_yolo(tmp_path / "a", annotated(), pictures(), PARTS, shapes=exported.name)
    assert contents(again) == contents(exported)


def test_ultralytics_finds_nothing_wrong(exported):
    pytest.importorskip("ultralytics", reason="ultralytics (AGPL-3.0, optional) is not installed")
    from ultralytics.data.dataset import YOLODataset
    from ultralytics.data.utils import check_det_dataset

    data = check_det_dataset(str(exported / "data.yaml"), autodownload=False)
    assert tuple(data["names"].values()) == annotated().classes
    task = "detect" if exported.name == "boxes" else "segment"
    for part, rows in PARTS.items():
        read = YOLODataset(img_path=data[part], data=data, task=task, imgsz=32, augment=False)
        assert len(read) == len(rows)
        found = sum(len(label["cls"]) for label in read.labels)
        assert found == sum(len(annotated().images[row].annotations) for row in rows)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("7 0.5 0.5 0.1 0.1", "the class is 7, but there are 2, from 0"),
        ("0.5 0.5 0.5 0.1 0.1", r"the class is 0\.5"),
        ("0 0.5 0.5 0.1", "got 3 numbers"),
        ("0 0.5 0.5 0.1 0.1 0.2 0.2 0.2", "got 7 numbers"),
        ("0 0.5 0.5 0.0 0.1", "has no size"),
        ("0 0.9 0.5 0.9 0.1", "outside the picture of 30 × 20"),
        ("0 15 10 3 2", "outside the picture"),
        ("0 0.1 0.1 0.1 0.1 0.1 0.1", "covers no pixel"),
        ("0 0.5 nan 0.1 0.1", "finite numbers"),
        ("crack 0.5 0.5 0.1 0.1", "could not convert"),
    ],
)
def test_malformed_lines_are_explained(tmp_path, line, message):
    folder = write_yolo(tmp_path / "yolo", annotated(), pictures(), PARTS)
    (folder / "labels" / "val" / "cut_000.txt").write_text(f"0 0.5 0.5 0.1 0.1\n{line}\n")
    with pytest.raises(DataError, match=message) as error:
        read_yolo(folder / "data.yaml")
    assert "cut_000.txt, line 2" in str(error.value)


def test_missing_and_stray_files(tmp_path):
    folder = write_yolo(tmp_path / "yolo", annotated(), pictures(), PARTS)
    (folder / "images" / "val" / "cut_000.png").unlink()
    with pytest.raises(DataError, match=r"cut_000\.txt belongs to no picture"):
        read_yolo(folder / "data.yaml")
    (folder / "labels" / "val" / "cut_000.txt").unlink()
    assert len(read_yolo(folder / "data.yaml").images) == 3
    with pytest.raises(DataError, match=r"no\.yaml cannot be read"):
        read_yolo(folder / "no.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train: images/train\n", "has no 'names'"),
        ("- 1\n", "has no 'names'"),
        ("names: [a, b]\n", "names no pictures"),
        ("names: {1: a, 2: b}\ntrain: images/train\n", r"numbers its classes \[1, 2\]"),
        ("names: [a, b]\ntrain: images/tarin\n", "tarin, which is not a folder"),
        ("names: [a\n", "is not YAML"),
    ],
)
def test_malformed_data_files_are_explained(tmp_path, text, message):
    folder = write_yolo(tmp_path / "yolo", annotated(), pictures(), PARTS)
    (folder / "data.yaml").write_text(text)
    with pytest.raises(DataError, match=message):
        read_yolo(folder / "data.yaml")


def test_lists_of_names_and_folders_are_read(tmp_path):
    folder = write_yolo(tmp_path / "yolo", annotated(), pictures(), PARTS)
    (folder / "data.yaml").write_text("names: [a, b]\ntrain: [images/train, images/val]\n")
    assert len(read_yolo(folder / "data.yaml").images) == 4


def test_unknown_shapes(tmp_path):
    with pytest.raises(ValueError, match="boxes, polygons; got 'box'"):
        write_yolo(tmp_path / "x", annotated(), pictures(), PARTS, shapes="box")
