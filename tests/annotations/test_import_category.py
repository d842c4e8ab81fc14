"""Bringing one's own pictures: Label Studio, CVAT, COCO and YOLO files become a Category."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from helpers.annotations.formats.coco import read_coco, write_coco
from helpers.annotations.formats.cvat import read_cvat
from helpers.annotations.formats.label_studio import read_label_studio
from helpers.annotations.formats.yolo import read_yolo, write_yolo
from helpers.annotations.import_category import import_category, write_mvtec
from helpers.annotations.objects import AnnotatedImage, Annotation, AnnotationSet
from helpers.annotations.regions import Region
from helpers.annotations.shapes import rotated_box
from helpers.errors import DataError
from tests.annotation_samples import PARTS, annotated, contents, pictures

WIDTH, HEIGHT = 40, 20


@pytest.fixture
def photos(tmp_path):
    """Write five photos, wider than high."""
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("a.png", "b.png", "c.png", "d.png", "e.png"):
        Image.fromarray(rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)).save(
            folder / name
        )
    return folder


def shape(kind, labels=("crack",), **value):
    return {
        "type": kind,
        "original_width": WIDTH,
        "original_height": HEIGHT,
        "image_rotation": 0,
        "value": {**value, kind: list(labels)},
    }


BOX = shape("rectanglelabels", x=10, y=20, width=50, height=40, rotation=0)
TRIANGLE = shape("polygonlabels", ("long cut",), points=[[0, 0], [50, 0], [0, 100]])


def task(number, image, *results, **more):
    annotations = [{"was_cancelled": False, "result": list(results), **more}]
    return {"id": number, "data": {"image": image}, "annotations": annotations}


def label_studio(tmp_path, *tasks):
    path = tmp_path / "project.json"
    path.write_text(json.dumps(tasks))
    return path


def test_label_studio_by_hand(tmp_path, photos, capsys):
    path = label_studio(
        tmp_path,
        task(1, "/data/upload/3/0a1b2c3d-a.png", BOX),
        task(2, "/data/local-files/?d=line%201/b.png", TRIANGLE, BOX),
        task(3, "s3://bucket/c.png"),
        {"id": 4, "data": {"image": "d.png"}, "annotations": []},
        task(5, "e.png", BOX, was_cancelled=True),
    )
    found = read_label_studio(path, photos)
    assert capsys.readouterr().out == "project.json: 2 of 5 tasks not submitted, left out\n"
    assert found.classes == ("crack", "long cut")
    assert [image.file for image in found.images] == ["a.png", "b.png", "c.png"]
    assert [len(image.annotations) for image in found.images] == [1, 2, 0]
    assert found.images[0].annotations[0].region.box == (4, 4, 20, 8)
    # The triangle with legs 20 and 20 covers the pixels whose centres lie in it.
    rows, columns = np.indices((HEIGHT, WIDTH)) + 0.5
    triangle = found.images[1].mask(1)
    assert triangle[rows + columns < 20].all()
    assert not triangle[rows + columns > 20].any()


def test_label_studio_turns_boxes_about_their_corner():
    corners = np.reshape(rotated_box((10, 5, 4, 2), 90, (10, 5)), (4, 2))
    assert np.allclose(corners, [[10, 5], [10, 9], [8, 9], [8, 5]])


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ([{"image": "a.png", "label": []}], "choose 'JSON', not 'JSON-MIN'"),
        ([task(1, "z.png", BOX)], r"the picture z\.png is not in"),
        ([task(1, "a", BOX)], "names no picture"),
        ([task(1, "a.png", shape("brushlabels", format="rle", rle=[1]))], "type 'brushlabels'"),
        ([task(1, "a.png", {"type": "choices", "value": {}})], "type 'choices'"),
        ([task(1, "a.png", {**BOX, "original_width": 99})], "drawn on a picture of 99 × 20"),
        ([task(1, "a.png", {**BOX, "image_rotation": 90})], "turned in Label Studio"),
        ([task(1, "a.png", shape("rectanglelabels", (), x=1, y=1, width=1, height=1))], "0 labels"),
        ([task(1, "a.png", shape("rectanglelabels", x=1, y=1, width=0, height=1))], "has no size"),
        ([task(1, "a.png", shape("rectanglelabels", x=90, y=1, width=50, height=9))], "outside"),
        ([task(1, "a.png", shape("rectanglelabels", x=1, y=1))], "lacks width, height"),
        ([task(1, "a.png", shape("polygonlabels", points=[[0, 0], [9, 9]]))], "three vertices"),
        ([task(1, "a.png", shape("polygonlabels"))], "three vertices"),
        (
            [task(1, "a.png", shape("rectanglelabels", ("good",), x=1, y=1, width=9, height=9))],
            "'good' cannot be the class",
        ),
    ],
)
def test_what_label_studio_cannot_give(tmp_path, photos, tasks, message):
    with pytest.raises(DataError, match=message) as error:
        read_label_studio(label_studio(tmp_path, *tasks), photos)
    assert "project.json" in str(error.value)


ODD = (None, True, 3, -1.5, "text", [], [[]], {}, [{}], {"a": [1]}, 10**400)
PLACES = [
    (), (0,), (0, "id"), (0, "data"), (0, "data", "image"), (0, "annotations"),
    (0, "annotations", 0), (0, "annotations", 0, "was_cancelled"), (0, "annotations", 0, "result"),
    *((0, "annotations", 0, "result", 0, *more) for more in (
        (), ("type",), ("original_width",), ("image_rotation",), ("value",), ("value", "x"),
        ("value", "rotation"), ("value", "rectanglelabels"), ("value", "rectanglelabels", 0),
    )),
    *((0, "annotations", 0, "result", 1, "value", "points", *more) for more in ((), (0,), (0, 0))),
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_every_wrong_type_of_label_studio_is_one_clear_error(tmp_path, photos, place):
    for odd in ODD:
        content = [json.loads(json.dumps(task(1, "a.png", BOX, TRIANGLE)))]
        if place:
            *way, last = place
            inside = content
            for step in way:
                inside = inside[step]
            inside[last] = odd
        else:
            content = odd
        path = tmp_path / "project.json"
        path.write_text(json.dumps(content))
        try:
            read_label_studio(path, photos)
        except DataError as error:
            assert "project.json" in str(error) and len(str(error)) < 700


def test_two_people_on_one_task_are_an_error(tmp_path, photos):
    double = task(7, "a.png", BOX)
    double["annotations"] *= 2
    with pytest.raises(DataError, match="task 7 was annotated 2 times"):
        read_label_studio(label_studio(tmp_path, double), photos)


def cvat(tmp_path, shapes, more=""):
    path = tmp_path / "annotations.xml"
    path.write_text(
        '<?xml version="1.0" encoding="utf-8"?><annotations><version>1.1</version><meta><task>'
        "<name>nuts</name><labels><label><name>cut</name></label><label><name>crack</name></label>"
        f'</labels></task></meta><image id="0" name="a.png" width="{WIDTH}" height="{HEIGHT}">'
        f"{shapes}</image>{more}</annotations>"
    )
    return path


def test_cvat_by_hand(tmp_path):
    # The mask, row by row within its box of 3 × 2: 0 1 1 / 1 1 0.
    found = read_cvat(
        cvat(
            tmp_path,
            '<box label="crack" xtl="4.2" ytl="3.9" xbr="10.1" ybr="8.0"/>'
            '<polygon label="cut" points="0,0;5,0;5,5;0,5"/>'
            '<mask label="cut" rle="1, 4, 1" left="30" top="10" width="3" height="2"/>',
            f'<image id="1" name="sub\\b.png" width="{WIDTH}" height="{HEIGHT}">'
            '<tag label="Good"/></image>',
        )
    )
    assert found.name == "nuts"
    assert found.classes == ("cut", "crack")
    box, polygon, mask = (annotation.region for annotation in found.images[0].annotations)
    assert box.box == (4, 4, 6, 4)
    assert polygon.box == (0, 0, 5, 5)
    assert polygon.area == 25
    assert mask.box == (30, 10, 3, 2)
    assert mask.bits.tolist() == [[False, True, True], [True, True, False]]
    assert [a.label for a in found.images[0].annotations] == [1, 0, 0]
    assert found.images[1].annotations == ()
    assert found.images[1].file == "sub/b.png"


def test_cvat_turns_boxes_about_their_centre(tmp_path):
    found = read_cvat(
        cvat(tmp_path, '<box label="cut" xtl="8" ytl="8" xbr="16" ybr="12" rotation="90"/>')
    )
    assert found.images[0].annotations[0].region.box == (10, 6, 4, 8)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ('<polyline label="cut" points="0,0;5,0"/>', "type 'polyline'"),
        ('<box label="cut" xtl="4" ytl="3" xbr="10"/>', "'ybr' is missing"),
        ('<box label="cut" xtl="4" ytl="3" xbr="4" ybr="9"/>', "has no size"),
        ('<box label="cut" xtl="4" ytl="3" xbr="44" ybr="9"/>', "outside the picture"),
        ('<box xtl="4" ytl="3" xbr="5" ybr="9"/>', "'label' is missing"),
        ('<mask label="cut" rle="1, 4" left="3" top="1" width="3" height="2"/>', "add up to 5"),
        ('<mask label="cut" rle="0, 6" left="39" top="1" width="3" height="2"/>', "leaves the"),
        ('<box label="cut" xtl="nan" ytl="3" xbr="5" ybr="9"/>', "'nan' is not a number"),
        ('<box label="cut" xtl="4" ytl="3" xbr="5" ybr="9" rotation="x"/>', "'x' is not a number"),
        ('<polygon label="cut" points="0,0;5"/>', "three vertices"),
        ('<polygon label="cut" points="0;0,5;a"/>', "'a' is not a number"),
        ('<mask label="cut" rle="x" left="3" top="1" width="3" height="2"/>', "whole number"),
        ('<mask label="cut" rle="6" left="-3" top="1" width="3" height="2"/>', "whole number"),
        ('<mask label="cut" rle="0,9" left="0" top="0" width="60000" height="2"/>', "leaves the"),
        ('<tag label="crack"/>', "the tag 'crack' says nothing of where"),
        ('<tag label="good"/><tag label="crack"/>', "the tag 'crack' says nothing of where"),
        ('<box label="cut" xtl="4" ytl="3" xbr="9" ybr="9"/><tag label="good"/>', "the tag 'good'"),
        ('<mask label="cut" rle="6" left="3" top="1" width="3" height="2"/>', "marks nothing"),
    ],
)
def test_what_cvat_cannot_give(tmp_path, shapes, message):
    with pytest.raises(DataError, match=message) as error:
        read_cvat(cvat(tmp_path, shapes))
    assert "annotations.xml: picture a.png" in str(error.value)


@pytest.mark.parametrize(
    "more",
    ['name="b.png" width="x" height="5"', 'name="b.png" height="5"', 'width="5" height="5"',
     'name="b.png" width="60000" height="60000"', 'name="../b.png" width="5" height="5"',
     'name="b.png" width="-5" height="5"', 'name="b.png" width="0" height="5"'],
)  # fmt: skip
def test_pictures_that_cvat_never_wrote(tmp_path, more):
    with pytest.raises(DataError, match=r"annotations\.xml"):
        read_cvat(cvat(tmp_path, "", f"<image {more}/>"))


def test_other_xml_is_explained(tmp_path):
    path = tmp_path / "video.xml"
    path.write_text("<annotations><track/></annotations>")
    with pytest.raises(DataError, match="not 'for video'"):
        read_cvat(path)
    path.write_text("<annotations>")
    with pytest.raises(DataError, match="is not XML"):
        read_cvat(path)


def own_set(photos):
    def at(left, label):
        return Annotation(label, Region(left, 2, np.ones((5, 6), bool)))

    objects = {"a.png": (at(3, 0),), "b.png": (at(3, 0), at(20, 1)), "c.png": (at(34, 1),)}
    names = sorted(file.name for file in photos.iterdir())
    images = tuple(AnnotatedImage(name, WIDTH, HEIGHT, objects.get(name, ())) for name in names)
    return AnnotationSet("bolts", ("kratzer/ä", "dent"), images)


def test_own_pictures_become_a_category(tmp_path, photos, data_folder, capsys):
    found = own_set(photos)
    category = import_category(found, photos, tmp_path / "mine" / "bolts", size=WIDTH)
    assert category.name == "bolts"
    assert category.source == "own pictures"
    assert "MVTec" not in capsys.readouterr().out
    assert sorted(set(category.defects)) == ["combined", "dent", "good", "kratzer_ä"]
    assert len(category.train) == 1
    assert (category.labels == 0).sum() == 1
    for file, mask in zip(category.test_files, category.masks, strict=True):
        (image,) = (i for i in found.images if i.file == file.rsplit("/", 1)[-1])
        # Padded below with black: no coordinate changes.
        assert np.array_equal(mask[:HEIGHT], image.mask())
        assert not mask[HEIGHT:].any()
    assert not category.test[:, :, HEIGHT:].any()


def test_a_picture_turned_by_its_camera_is_written_upright(tmp_path, photos):
    lying = Image.fromarray(np.full((WIDTH, HEIGHT, 3), 90, np.uint8))
    exif = lying.getexif()
    exif[0x0112] = 6
    lying.save(photos / "a.jpg", exif=exif)
    (photos / "a.png").unlink()
    found = own_set(photos)
    folder = write_mvtec(tmp_path / "bolts", found, photos)
    (written,) = folder.glob("*/*/a.png")
    with Image.open(written) as picture:
        assert np.asarray(picture)[:HEIGHT].min() > 80
        assert not np.asarray(picture)[HEIGHT:].any()


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (np.arange(800, dtype=np.uint16).reshape(HEIGHT, WIDTH) * 80, "more than 8 bits a channel"),
        (np.full((HEIGHT, WIDTH, 4), 128, np.uint8), "partly transparent"),
    ],
)
def test_what_a_category_refuses_is_not_imported(tmp_path, photos, picture, message):
    Image.fromarray(picture).save(photos / "b.png")
    with pytest.raises(DataError, match=rf"b\.png .*{message}"):
        write_mvtec(tmp_path / "bolts", own_set(photos), photos)
    assert not (tmp_path / "bolts").exists()


def test_a_picture_that_is_cut_short_is_named(tmp_path, photos):
    (photos / "b.png").write_bytes((photos / "b.png").read_bytes()[:-40])
    with pytest.raises(DataError, match=r"b\.png cannot be read as an image"):
        write_mvtec(tmp_path / "bolts", own_set(photos), photos)
    assert not (tmp_path / "bolts").exists()


@pytest.mark.parametrize("write", [write_coco, write_yolo])
def test_what_was_exported_can_be_imported(tmp_path, data_folder, write):
    folder = write(tmp_path / "out", annotated(), pictures(), {"train": [0, 1, 2, 3]})
    if write is write_coco:
        found, place = read_coco(folder / "annotations/instances_train.json"), folder / "images"
    else:
        found, place = read_yolo(folder / "data.yaml"), folder
    with pytest.raises(DataError, match="has 1 good and 3 defective pictures"):
        import_category(found, place, tmp_path / "nut")
    more = AnnotatedImage(f"{found.images[3].file}", 30, 20)
    Image.open(place / more.file).save(place / "again.png")
    images = (*found.images, AnnotatedImage("again.png", 30, 20))
    whole = AnnotationSet(found.name, found.classes, images)
    category = import_category(whole, place, tmp_path / "nut", size=30)
    kinds = sorted(set(category.defects))
    assert kinds == ["cut_&_<hole>", "déchirure_fine", "good"]
    assert category.masks.any((1, 2)).sum() == 3


def test_import_is_all_or_nothing(tmp_path, photos):
    found = own_set(photos)
    first = write_mvtec(tmp_path / "one", found, photos, seed=4)
    second = write_mvtec(tmp_path / "two", found, photos, seed=4)
    assert contents(first) == contents(second)
    with pytest.raises(DataError, match="is there already"):
        write_mvtec(first, found, photos)
    (photos / "c.png").unlink()
    with pytest.raises(DataError, match=r"c\.png is missing, though it is annotated"):
        write_mvtec(tmp_path / "three", found, photos)
    assert not (tmp_path / "three").exists()


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (("a/b", "a_b"), "a/b and a_b would both be called a_b"),
        (("crack", "crack."), "crack and crack. would both be called crack"),
        (("Crack", "crack"), "would both be called crack"),
        (("combined", "cut"), "combined and the pictures with several classes"),
    ],
)
def test_classes_never_merge(tmp_path, photos, classes, message):
    found = own_set(photos)
    renamed = AnnotationSet(found.name, classes, found.images)
    with pytest.raises(DataError, match=f"bolts: .*{message}"):
        import_category(renamed, photos, tmp_path / "new" / "bolts")
    assert not (tmp_path / "new").exists()


def test_a_hidden_picture_is_imported(tmp_path, photos, data_folder):
    found = own_set(photos)
    images = tuple(replace(image, file=f".{image.file}") for image in found.images)
    for image in found.images:
        (photos / image.file).rename(photos / f".{image.file}")
    found = AnnotationSet("bolts", found.classes, images)
    category = import_category(found, photos, tmp_path / "mine" / "bolts", size=WIDTH)
    assert len(category.train) + len(category.test) == 5
    assert sorted(f[-5:] for f in category.train_files + category.test_files) == [
        "a.png", "b.png", "c.png", "d.png", "e.png",
    ]  # fmt: skip


def test_a_category_that_cannot_be_loaded_leaves_nothing(tmp_path, photos, data_folder):
    with pytest.raises(ValueError, match="size must be a whole number"):
        import_category(own_set(photos), photos, tmp_path / "mine" / "bolts", size=0)
    with pytest.raises(DataError, match="not the name of a category"):
        import_category(own_set(photos), photos, tmp_path / "mine" / ".bolts")
    assert not [path for path in (tmp_path / "mine").iterdir() if path.is_dir()]


def test_another_size_than_annotated_is_an_error(tmp_path, photos):
    Image.open(photos / "b.png").resize((20, 10)).save(photos / "b.png")
    with pytest.raises(DataError, match=r"b\.png is 20 × 10 pixels, but it was annotated at 40"):
        write_mvtec(tmp_path / "x", own_set(photos), photos)


def test_good_and_defective_pictures_are_needed(tmp_path, photos):
    found = own_set(photos)
    with pytest.raises(DataError, match="has 1 good and 2 defective"):
        write_mvtec(tmp_path / "x", found.subset([0, 1, 3]), photos)
    with pytest.raises(DataError, match="has 2 good and 0 defective"):
        write_mvtec(tmp_path / "x", found.subset([3, 4]), photos)
    with pytest.raises(ValueError, match="between 0 and 1"):
        write_mvtec(tmp_path / "x", found, photos, good_for_test=1)


def test_boxes_of_yolo_can_be_imported(tmp_path):
    folder = write_yolo(tmp_path / "yolo", annotated(), pictures(), PARTS)
    image = next(i for i in read_yolo(folder / "data.yaml").images if "cut_000" in i.file)
    assert image.annotations[0].region.bits.all()
