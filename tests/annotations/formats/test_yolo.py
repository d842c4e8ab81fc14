"""YOLO: the lines by hand, the round trip, and ultralytics' own checker where it is installed."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from helpers.annotations.formats.yolo import data_file, read_yolo, write_yolo, yolo_line
from helpers.annotations.objects import AnnotationSet
from helpers.annotations.regions import Region
from helpers.detection.boxes import as_one_class, evaluate_boxes, true_boxes
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
        ("0 0.5 nan 0.1 0.1", "'nan' is not a number"),
        ("0 1_0 0.5 0.1 0.1", "'1_0' is not a number"),
        ("0 1e999 0.5 0.1 0.1", "finite numbers"),
        ("crack 0.5 0.5 0.1 0.1", "'crack' is not a number"),
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
        ("train: images/train\n", "'names' is a required property"),
        ("- 1\n", r"\['1'\] is not of type 'object'"),
        ("names: [a, b]\n", "names no pictures"),
        ("names: {1: a, 2: b}\ntrain: images/train\n", r"numbers its classes \[1, 2\]"),
        ("names: [a, b]\ntrain: images/tarin\n", "tarin, which is not a folder"),
        ("names: [a\n", "is not YAML"),
        ("names: [a, b]\nnc: 3\ntrain: images/train\n", "nc: 3, but 2 names"),
        ("names: [a, b]\nnc: two\ntrain: images/train\n", "nc: 'two' does not match"),
        ("names: {0: a, 1: [b]}\ntrain: images/train\n", "names: .* is not valid"),
        ("names: {a: 0, b: 1}\ntrain: images/train\n", "names: .* is not valid"),
        ("names: crack\ntrain: images/train\n", "names: 'crack' is not valid"),
        ("names: [a, b]\ntrain: {a: images/train}\n", "train: .* is not valid"),
        ("names: [a, b]\npath: [x]\ntrain: images/train\n", "path: .* not of type 'string'"),
        ("names: {0: a, 0: b}\ntrain: images/train\n", "there twice in one mapping"),
        ("x: &x [a, b]\nnames: *x\ntrain: images/train\n", r"has an alias \(\*\)"),
        ("names: " + "[" * 100_000, "nested too deeply"),
        ("names: [a, b]\n#" + "x" * 2**18, "at most 262144 are read"),
        ("names: [a, b]\ntrain: " + "x" * 300, "xxx, which is not a folder"),
        ("names: [a, b]\ntrain: " + "x" * 3000, r"train: 'x+\.\.\.x+' is not valid"),
        ("names: [a, b]\ntrain: /etc\n", "in /etc, outside its own folder"),
        ("names: [a, b]\npath: /no/where\ntrain: x\n", "in /no/where/x, which is not a folder"),
        ("names: [a, b]\npath: ..\ntrain: .\n", "outside its own folder"),
        ("names: [a, b]\ntrain: [images/train, images/train]\n", "two picture entries called"),
    ],
)
def test_malformed_data_files_are_explained(tmp_path, text, message):
    folder = write_yolo(tmp_path / "yolo", annotated(), pictures(), PARTS)
    (folder / "data.yaml").write_text(text)
    with pytest.raises(DataError, match=message) as error:
        read_yolo(folder / "data.yaml")
    assert len(str(error.value)) < 1000


def test_lists_of_names_and_folders_are_read(tmp_path):
    folder = write_yolo(tmp_path / "yolo", annotated(), pictures(), PARTS)
    (folder / "data.yaml").write_text("names: [a, b]\ntrain: [images/train, images/val]\n")
    assert len(read_yolo(folder / "data.yaml").images) == 4


def test_names_are_taken_as_they_are_written(tmp_path):
    folder = write_yolo(tmp_path / "yolo", annotated(), pictures(), PARTS)
    text = "nc: 2\nnames: {1: 010, 0: yes}\ntrain: images/train\nval: images/val\ntest:\n"
    (folder / "data.yaml").write_text(text)
    assert read_yolo(folder / "data.yaml").classes == ("yes", "010")


def test_the_places_of_common_exports_are_found(tmp_path):
    folder = write_yolo(tmp_path / "yolo", annotated(), pictures(), PARTS)
    for part in PARTS:
        (folder / part).mkdir()
        (folder / "images" / part).rename(folder / part / "images")
        (folder / "labels" / part).rename(folder / part / "labels")
    for path in ("", "path: ../yolo\n", f"path: {folder}\n"):
        text = f"{path}names: [a, b]\ntrain: ../train/images\nval: val/images\n"
        (folder / "data.yaml").write_text(text)
        back = read_yolo(folder / "data.yaml")
        assert sum(len(image.annotations) for image in back.images) == 4
        assert back.images[0].file.startswith("train/images/")


def test_a_folder_without_a_picture_is_an_error(tmp_path):
    folder = write_yolo(tmp_path / "yolo", annotated(), pictures(), PARTS)
    for file in (folder / "images" / "val").iterdir():
        file.unlink()
    with pytest.raises(DataError, match=r"images/val holds no picture \(\.bmp"):
        read_yolo(folder / "data.yaml")


def test_endings_count_whatever_their_case(tmp_path):
    folder = write_yolo(tmp_path / "yolo", annotated(), pictures(), PARTS)
    text = folder / "labels" / "val" / "cut_000.txt"
    before = read_yolo(folder / "data.yaml")
    text.rename(text.with_suffix(".TXT"))
    for image, other in zip(read_yolo(folder / "data.yaml").images, before.images, strict=True):
        assert same_objects(image, other)
    text.write_text("0 0.5 0.5 0.1 0.1\n")
    with pytest.raises(DataError, match=r"cut_000\.TXT and .*cut_000\.txt are of one picture"):
        read_yolo(folder / "data.yaml")


def test_two_pictures_share_no_label_file(tmp_path):
    folder = write_yolo(tmp_path / "yolo", annotated(), pictures(), PARTS)
    png = folder / "images" / "val" / "cut_000.png"
    png.with_suffix(".bmp").write_bytes(png.read_bytes())
    with pytest.raises(DataError, match=r"cut_000\.png would share a label file"):
        read_yolo(folder / "data.yaml")


def test_pictures_in_subfolders_are_read(tmp_path):
    folder = write_yolo(tmp_path / "yolo", annotated(), pictures(), PARTS)
    (folder / "data.yaml").write_text("names: [a, b]\ntrain: images\n")
    assert sum(len(image.annotations) for image in read_yolo(folder / "data.yaml").images) == 4


def test_a_line_that_is_there_twice_is_one_object(tmp_path, capsys):
    folder = write_yolo(tmp_path / "yolo", annotated(), pictures(), PARTS)
    text = folder / "labels" / "val" / "cut_000.txt"
    (line,) = text.read_text().splitlines()
    text.write_text(f"{line}\n{line}\n{line.replace('1 ', '0 ', 1)}\n\n {line}\n")
    found = read_yolo(folder / "data.yaml")
    assert "data.yaml: 2 objects are there twice" in capsys.readouterr().out
    (image,) = (image for image in found.images if "cut_000" in image.file)
    assert [a.label for a in image.annotations] == [1, 0]
    assert evaluate_boxes(found, true_boxes(found))["AP50"] == 1
    alike = as_one_class(found)
    assert evaluate_boxes(alike, true_boxes(alike))["AP50"] == 1


def test_unknown_shapes(tmp_path):
    with pytest.raises(ValueError, match="boxes, polygons; got 'box'"):
        write_yolo(tmp_path / "x", annotated(), pictures(), PARTS, shapes="box")
