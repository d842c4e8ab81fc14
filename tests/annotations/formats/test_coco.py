"""COCO: what is written is what pycocotools reads and scores; what is malformed is explained."""

import copy
import json
import tracemalloc

import numpy as np
import pytest

from helpers.annotations.formats import files
from helpers.annotations.formats.coco import read_coco, to_coco, write_coco
from helpers.annotations.regions import from_run_lengths, run_lengths
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
    # There are small objects, and none is found; there is no medium and no large one.
    for scores in (coco_scores(path, []), coco_scores(path, found)):
        assert (scores["AP small"], scores["AP medium"], scores["AP large"]) == (0, -1, -1)
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
        (
            put("annotations", 1, id=None),
            r"annotations\[1\]: 'id' is a required property\. A COCO file",
        ),
        (put("annotations", 1, id=1), "two entries of 'annotations' have the id 1"),
        (put("annotations", 1, id="1"), r"annotations\[1\]\.id: '1' is not of type 'integer'"),
        (put("images", 1, id=1), "two entries of 'images' have the id 1"),
        (put("images", 0, width=None), r"images\[0\]: 'width' is a required property"),
        (put("images", 0, width=0), r"images\[0\]\.width: 0 is less than the minimum of 1"),
        (put("images", 0, file_name=3), r"images\[0\]\.file_name: 3 is not of type 'string'"),
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
        (lambda content: content.pop("images"), "'images' is a required property"),
        (lambda content: content.update(annotations={}), "annotations: {} is not of type 'array'"),
    ],
)
def test_malformed_files_are_explained(tmp_path, change, message):
    path = changed(tmp_path, change)
    with pytest.raises(DataError, match=message) as error:
        read_coco(path)
    assert "bad.json" in str(error.value)


ODD = (None, True, 3, -1.5, "text", [], [[]], {}, [{}], {"a": [1]}, 10**400)
KEYS = {
    "": ("images", "categories", "annotations", "info", "licenses"),
    "images": ("id", "file_name", "width", "height"),
    "categories": ("id", "name"),
    "annotations": ("id", "image_id", "category_id", "bbox", "segmentation"),
}


@pytest.mark.parametrize(("table", "key"), [(t, key) for t, keys in KEYS.items() for key in keys])
def test_every_wrong_type_is_one_clear_error(tmp_path, table, key):
    for odd in ODD:
        content = to_coco(annotated())
        entry = content[table][0] if table else content
        entry[key] = odd
        (tmp_path / "bad.json").write_text(json.dumps(content))
        try:
            found = read_coco(tmp_path / "bad.json")
        except DataError as error:
            assert "bad.json" in str(error) and len(str(error)) < 600
        else:
            assert len(found.images) == len(content["images"])


def test_ids_may_be_written_with_a_point(tmp_path):
    def change(content):
        content["images"][0].update(id=1.0, width=30.0)
        content["annotations"][0].update(image_id=1.0, category_id=1.0)

    assert same_objects(read_coco(changed(tmp_path, change)).images[0], annotated().images[0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"images":' * 100_000, "nested too deeply"),
        ('{"images": [], "images": []}', "'images' is there twice"),
        ('{"images": NaN}', "NaN is no number"),
        ('{"images": ' + "9" * 5000 + "}", "is not JSON"),
        ("", "is not JSON"),
    ],
)
def test_json_that_cannot_be_taken_at_its_word(tmp_path, text, message):
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(DataError, match=rf"bad\.json.*{message}"):
        read_coco(tmp_path / "bad.json")
    with pytest.raises(DataError, match="it is not a file"):
        read_coco(tmp_path)


@pytest.mark.parametrize("side", [60_000, 10**9])
@pytest.mark.parametrize("shape", ["box", "polygon", "runs", "none"])
def test_a_claimed_size_takes_no_memory(tmp_path, side, shape):
    def change(content):
        content["images"][0].update(width=side, height=side)
        entry = content["annotations"][0]
        entry.update(bbox=[0, 0, side, side], segmentation=None)
        if shape == "polygon":
            entry.update(segmentation=[[0, 0, side, 0, side, side]])
        if shape == "runs":
            entry.update(segmentation={"size": [side, side], "counts": [0, side**2]})
        if shape == "none":
            content["annotations"] = content["annotations"][2:]

    path = changed(tmp_path, change)
    tracemalloc.start()
    with pytest.raises(DataError, match=rf"bad\.json.* {side} × {side} pixels is larger than"):
        read_coco(path)
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()


def test_many_objects_of_a_large_picture_have_a_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MOST_OUTLINED", 1000)
    with pytest.raises(DataError, match=r"bad\.json: up to picture 'cut_001\.png' .* 1000 pixels"):
        read_coco(changed(tmp_path, lambda content: content["annotations"].append(
            {**content["annotations"][3], "id": 9, "segmentation": [[0, 0, 30, 0, 30, 20, 0, 19]]}
        )))  # fmt: skip


def test_runs_may_come_as_bytes():
    coded = run_lengths(masks()[0])
    for counts in (coded["counts"], coded["counts"].encode()):
        assert np.array_equal(from_run_lengths({**coded, "counts": counts}), masks()[0])


@pytest.mark.parametrize(
    "name", ["/etc/a.png", "../a.png", "..\\a.png", "C:\\a.png", "a/../../b.png"]
)
def test_names_never_lead_out_of_the_folder(tmp_path, name):
    with pytest.raises(DataError, match=r"bad\.json: the picture .* does not lie in the folder"):
        read_coco(changed(tmp_path, put("images", 0, file_name=name)))


def test_folders_may_be_written_as_on_windows(tmp_path):
    path = changed(tmp_path, put("images", 0, file_name="line 1\\a.png"))
    assert read_coco(path).images[0].file == "line 1/a.png"


def test_an_object_that_is_there_twice_counts_once(tmp_path, capsys):
    def change(content):
        content["annotations"].append({**content["annotations"][2], "id": 77})

    found = read_coco(changed(tmp_path, change))
    assert same_objects(found.images[1], annotated().images[1])
    assert "bad.json: 1 objects are there twice" in capsys.readouterr().out


def test_a_list_is_no_coco_file(tmp_path):
    (tmp_path / "results.json").write_text("[]")
    with pytest.raises(DataError, match=r"results\.json: \[\] is not of type 'object'"):
        read_coco(tmp_path / "results.json")


def test_boxes_alone_become_filled_boxes(tmp_path):
    path = changed(tmp_path, put("annotations", 0, segmentation=[], bbox=[2.2, 3, 4.4, 5]))
    region = read_coco(path).images[0].annotations[0].region
    assert region.box == (2, 3, 4, 5)
    assert region.area == 20


def test_a_hair_beyond_the_border_is_cut_off(tmp_path):
    path = changed(tmp_path, put("annotations", 0, segmentation=[], bbox=[-0.4, 0, 30.7, 20.4]))
    assert read_coco(path).images[0].annotations[0].region.box == (0, 0, 30, 20)


def test_a_box_thinner_than_half_a_pixel_marks_one(tmp_path):
    path = changed(tmp_path, put("annotations", 0, segmentation=[], bbox=[29.9, 3, 0.05, 5]))
    assert read_coco(path).images[0].annotations[0].region.box == (29, 3, 1, 5)
