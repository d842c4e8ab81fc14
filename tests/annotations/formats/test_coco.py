"""COCO: what is written is what pycocotools reads and scores; what is malformed is explained."""

import copy
import json

import numpy as np
import pytest

from helpers.annotations.formats.coco import read_coco, to_coco, write_coco
from helpers.detection.coco_scores import as_detections, coco_scores, load_coco
from helpers.errors import DataError
from tests.annotation_samples import PARTS, annotated, contents, masks, pictures, same_objects


@pytest.fixture
def exported(tmp_path):
    return write_coco(tmp_path / "coco", annotated(), pictures(), PARTS)


def test_entries_by_hand():
    content = to_coco(annotated())
    assert content["categories"][0] == {"id": 1, "name": "déchirure fine"}
    assert content["images"][0] == {"id": 1, "file_name": "tear_a_b.png", "width": 30, "height": 20}
    dot = content["annotations"][1]
    assert dot["bbox"] == [29, 19, 1, 1]
    assert dot["area"] == 1
    assert sorted(zip(*[iter(dot["segmentation"][0])] * 2, strict=True)) == [
        (29, 19),
        (29, 20),
        (30, 19),
        (30, 20),
    ]
    assert [entry["id"] for entry in content["annotations"]] == [1, 2, 3, 4]


@pytest.mark.parametrize("file", ["instances_val.json", "instances_val_runs.json"])
@pytest.mark.parametrize("kind", ["bbox", "segm"])
def test_ground_truth_scored_against_itself_is_perfect(exported, file, kind):
    path = exported / "annotations" / file
    scores = coco_scores(path, as_detections(path), kind)
    assert scores["AP"] == scores["AP50"] == scores["AP75"] == 1.0


def test_ids_from_zero_would_spoil_the_score(exported, tmp_path):
    path = exported / "annotations" / "instances_val.json"
    content = json.loads(path.read_text())
    for entry in content["annotations"]:
        entry["id"] -= 1
    (tmp_path / "zero.json").write_text(json.dumps(content))
    assert coco_scores(tmp_path / "zero.json", as_detections(path))["AP"] < 0.9


def test_a_wrong_box_is_scored_as_wrong(exported):
    path = exported / "annotations" / "instances_val.json"
    found = as_detections(path)
    for entry in found:
        entry["bbox"] = [0, 15, 3, 2]
    assert coco_scores(path, found)["AP"] == 0.0
    assert coco_scores(path, [])["AP"] == 0.0
    with pytest.raises(ValueError, match="bbox, segm; got 'box'"):
        coco_scores(path, found, "box")


def test_pycocotools_reads_every_mask(exported):
    for file in ("instances_train.json", "instances_train_runs.json"):
        known = load_coco(exported / "annotations" / file)
        for number, row in enumerate(PARTS["train"], 1):
            entries = known.loadAnns(known.getAnnIds(imgIds=number))
            union = sum((known.annToMask(entry) for entry in entries), np.zeros((20, 30)))
            assert np.array_equal(union > 0, masks()[row])


@pytest.mark.parametrize("ending", ["", "_runs"])
def test_round_trip(exported, ending):
    for part, rows in PARTS.items():
        back = read_coco(exported / "annotations" / f"instances_{part}{ending}.json")
        assert back.classes == annotated().classes
        assert back.name == "nœud"
        assert back.licence == "CC0"
        for image, row in zip(back.images, rows, strict=True):
            assert same_objects(image, annotated().images[row])
            assert (exported / "images" / image.file).is_file()


def test_the_same_input_gives_the_same_bytes(exported, tmp_path):
    again = write_coco(tmp_path / "again", annotated(), pictures(), PARTS)
    assert contents(again) == contents(exported)


def test_a_folder_in_use_is_left_alone(exported):
    before = contents(exported)
    with pytest.raises(DataError, match="is there already"):
        write_coco(exported, annotated(), pictures()[::-1], PARTS)
    assert contents(exported) == before


def test_unknown_shapes():
    with pytest.raises(ValueError, match="polygons, runs; got 'rle'"):
        to_coco(annotated(), "rle")


def changed(tmp_path, change):
    content = copy.deepcopy(to_coco(annotated()))
    change(content)
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(content))
    return path


def put(table, place, **values):
    def change(content):
        for name, value in values.items():
            if value is None:
                del content[table][place][name]
            else:
                content[table][place][name] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("annotations", 1, id=None), "entry 1 of 'annotations' has no 'id'"),
        (put("annotations", 1, id=1), "two entries of 'annotations' have the id 1"),
        (put("annotations", 1, id="1"), "has id '1'; ids are whole numbers"),
        (put("images", 1, id=1), "two entries of 'images' have the id 1"),
        (put("images", 0, width=None), "entry 0 of 'images' has no 'width'"),
        (put("images", 0, width=0), "image 1 has width and height"),
        (put("images", 0, file_name=3), "image 1 has file_name 3"),
        (put("images", 1, file_name="tear_a_b.png"), r"two picture entries called 'tear_a_b\.png'"),
        (put("categories", 0, name="good"), "'good' cannot be the class"),
        (put("annotations", 0, image_id=9), "annotation 1 has image_id 9, which is not in the"),
        (put("annotations", 0, category_id=9), "annotation 1 has category_id 9"),
        (put("annotations", 0, segmentation=[[1, 2, 3, 4]]), "annotation 1: a polygon is x, y"),
        (put("annotations", 0, segmentation=[[1, 1, 1, 1, 1, 1]]), "covers no pixel"),
        (put("annotations", 0, segmentation=[[0, 0, 99, 0, 9, 9]]), r"outside the picture of 30"),
        (
            put("annotations", 0, segmentation={"size": [30, 20], "counts": [600]}),
            r"for size \[30, 20\] \(height, width\), but the image has \[20, 30\]",
        ),
        (put("annotations", 0, segmentation={"size": [20, 30], "counts": [600]}), "marks nothing"),
        (put("annotations", 0, segmentation=[], bbox=None), "neither 'segmentation' nor 'bbox'"),
        (put("annotations", 0, segmentation=[], bbox=[2, 3, 0, 5]), r"\(2, 3, 0, 5\).*has no size"),
        (put("annotations", 0, segmentation=[], bbox=[2, 3, 4, -5]), "has no size"),
        (put("annotations", 0, segmentation=[], bbox=[25, 3, 9, 5]), "outside the picture"),
        (put("annotations", 0, segmentation=[], bbox=[-5, 3, 9, 5]), "outside the picture"),
        (put("annotations", 0, segmentation=[], bbox=[2, 3, 4]), "must be 4 finite numbers"),
        (put("annotations", 0, segmentation=[], bbox=[2, 3, 4, None]), "must be 4 finite numbers"),
        (lambda content: content.pop("images"), "has no list 'images'"),
        (lambda content: content.update(annotations={}), "has no list 'annotations'"),
    ],
)
def test_malformed_files_are_explained(tmp_path, change, message):
    path = changed(tmp_path, change)
    with pytest.raises(DataError, match=message) as error:
        read_coco(path)
    assert "bad.json" in str(error.value)


def test_a_list_is_no_coco_file(tmp_path):
    (tmp_path / "results.json").write_text("[]")
    with pytest.raises(DataError, match=r"results\.json holds a list"):
        read_coco(tmp_path / "results.json")


def test_boxes_alone_become_filled_boxes(tmp_path):
    path = changed(tmp_path, put("annotations", 0, segmentation=[], bbox=[2.2, 3, 4.4, 5]))
    region = read_coco(path).images[0].annotations[0].region
    assert region.box == (2, 3, 5, 5)
    assert region.area == 25


def test_a_hair_beyond_the_border_is_cut_off(tmp_path):
    path = changed(tmp_path, put("annotations", 0, segmentation=[], bbox=[-0.4, 0, 30.7, 20.4]))
    assert read_coco(path).images[0].annotations[0].region.box == (0, 0, 30, 20)


def test_a_box_thinner_than_half_a_pixel_marks_one(tmp_path):
    path = changed(tmp_path, put("annotations", 0, segmentation=[], bbox=[29.9, 3, 0.05, 5]))
    assert read_coco(path).images[0].annotations[0].region.box == (29, 3, 1, 5)
