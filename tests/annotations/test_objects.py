"""Annotated pictures: from a category, named, divided into parts, checked."""

import dataclasses

import numpy as np
import pytest

from helpers.annotations.formats.files import load_json, read_text, save_picture, upright_size
from helpers.annotations.objects import (
    AnnotatedImage,
    Annotation,
    AnnotationSet,
    annotate,
    check_pictures,
    distinct,
    safe_name,
)
from helpers.annotations.regions import Region, RegionRules, region_of
from helpers.annotations.shapes import box_region
from helpers.annotations.splits import check_disjoint, stratified_parts
from helpers.data.load import load_category
from helpers.errors import DataError
from helpers.files import make_new_folder
from tests.annotation_samples import HEIGHT, PARTS, WIDTH, annotated, masks, pictures


def test_a_category_becomes_annotations(small_root, data_folder):
    category = load_category("nut", size=16, root=small_root)
    found = annotate(category)
    assert found.classes == ("crack",)
    assert found.licence == "not stated"
    assert annotate(dataclasses.replace(category, source="MVTec AD")).licence.startswith(
        "CC BY-NC-SA 4.0"
    )
    assert [image.file for image in found.images] == list(category.test_files)
    for image, mask in zip(found.images, category.masks, strict=True):
        assert np.array_equal(image.mask(), mask)
    assert "2 objects of 1 classes (crack) on 4 pictures" in repr(found)


def test_rules_reach_the_regions(small_root, data_folder):
    category = load_category("nut", size=16, root=small_root)
    row = int(np.flatnonzero(category.labels)[0])
    category.masks[row] = False
    category.masks[row, 2, 2] = category.masks[row, 2, 6] = True
    assert len(annotate(category).images[row].annotations) == 2
    assert len(annotate(category, RegionRules(join_within=4)).images[row].annotations) == 1


def test_a_defect_without_a_mask_is_an_error(small_root, data_folder):
    category = load_category("nut", size=16, root=small_root)
    empty = dataclasses.replace(category, masks=category.masks & False)
    with pytest.raises(ValueError, match=r"test/crack/000\.png is called 'crack', but its mask"):
        annotate(empty)


def test_masks_of_all_and_of_one_class():
    image = annotated().images[0]
    assert np.array_equal(image.mask(), masks()[0])
    assert np.array_equal(image.mask(0), masks()[0])
    assert not image.mask(1).any()


def test_flat_names():
    assert annotated().flat_names() == ("tear_a_b", "cut_000", "cut_001", "good_000")
    assert annotated().subset([1, 2]).flat_names() == ("000", "001")
    one = AnnotationSet("x", (), (AnnotatedImage("a/b/c.d.png", 2, 2),))
    assert one.flat_names() == ("c.d",)


def test_two_pictures_of_one_flat_name_are_an_error():
    images = (AnnotatedImage("a b.png", 2, 2), AnnotatedImage("a_b.jpg", 2, 2))
    with pytest.raises(ValueError, match=r"a b\.png and a_b\.jpg would both be called a_b"):
        AnnotationSet("x", (), images).flat_names()


@pytest.mark.parametrize(
    ("classes", "files", "message"),
    [
        (("a", "a"), ("1.png",), "two class entries called 'a'"),
        (("a", " "), ("1.png",), "a class has no name"),
        (("a",), ("1.png", "1.png"), r"two picture entries called '1\.png'"),
        (("a", "Good"), ("1.png",), "'good' cannot be the class"),
    ],
)
def test_names_must_be_usable(classes, files, message):
    with pytest.raises(ValueError, match=message):
        AnnotationSet("x", classes, tuple(AnnotatedImage(file, 4, 4) for file in files))


def test_objects_must_fit():
    region = region_of(np.ones((3, 3), bool))
    with pytest.raises(ValueError, match=r"1\.png: the box \(0, 0, 3, 3\).*2 × 3 pixels"):
        AnnotatedImage("1.png", 2, 3, (Annotation(0, region),))
    image = AnnotatedImage("1.png", 4, 4, (Annotation(1, region),))
    with pytest.raises(ValueError, match="numbered 0 to 0"):
        AnnotationSet("x", ("a",), (image,))


def test_pictures_must_fit():
    check_pictures(annotated(), pictures(), PARTS)
    with pytest.raises(ValueError, match="there are 4 annotated pictures"):
        check_pictures(annotated(), pictures()[:3], PARTS)
    with pytest.raises(ValueError, match="Load the pictures at that size"):
        check_pictures(annotated(), pictures()[:, :, :10], PARTS)
    for rows in ([], [4], [-1]):
        with pytest.raises(ValueError, match="part 'train' must list positions"):
            check_pictures(annotated(), pictures(), {"train": rows})


def test_parts_are_stratified_and_disjoint():
    defects = np.repeat(["good", "crack", "cut"], [40, 18, 5])
    parts = stratified_parts(defects, {"train": 0.6, "val": 0.2, "test": 0.2}, seed=3)
    together = np.concatenate(list(parts.values()))
    assert sorted(together) == list(range(63))
    counts = {
        p: [int((defects[rows] == d).sum()) for d in ("good", "crack", "cut")]
        for p, rows in parts.items()
    }
    assert counts["train"][0] in (23, 24)
    assert all(count >= 1 for row in counts.values() for count in row)
    for name, total in (("good", 40), ("crack", 18), ("cut", 5)):
        for part, share in (("train", 0.6), ("val", 0.2), ("test", 0.2)):
            got = (defects[parts[part]] == name).sum()
            assert abs(got - share * total) < 1.5


def test_parts_repeat_and_depend_on_the_seed():
    defects = np.repeat(["good", "cut"], 20)
    shares = {"train": 0.5, "val": 0.5}
    first, again, other = (stratified_parts(defects, shares, seed) for seed in (0, 0, 1))
    assert np.array_equal(first["val"], again["val"])
    assert not np.array_equal(first["val"], other["val"])


def test_two_of_each_can_be_divided():
    parts = stratified_parts(["a", "a", "b", "b"], {"train": 0.9, "val": 0.1})
    assert [len(rows) for rows in parts.values()] == [2, 2]


def test_parts_that_cannot_be():
    with pytest.raises(ValueError, match=r"'b' has 1 picture\(s\) for 2 parts"):
        stratified_parts(["a", "a", "b"], {"train": 0.5, "val": 0.5})
    for shares in ({"train": 1.0}, {"train": 0.5, "val": 0.4}, {"train": 1.5, "val": -0.5}):
        with pytest.raises(ValueError, match="add up to 1"):
            stratified_parts(["a", "a"], shares)


def test_a_picture_in_two_parts_is_found():
    images = pictures()
    check_disjoint(PARTS, images)
    with pytest.raises(ValueError, match="are the same picture"):
        check_disjoint({"train": [0, 1], "val": [1]}, images)
    images[3] = images[1]
    with pytest.raises(ValueError, match="picture 3 of part 'train' and picture 1 of part 'val'"):
        check_disjoint(PARTS, images)


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    def broken(work):
        (work / "a").write_text("a")
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        make_new_folder(tmp_path / "out", broken)
    assert not (tmp_path / "out").exists()
    make_new_folder(tmp_path / "out", lambda work: (work / "a").write_text("a"))
    with pytest.raises(DataError, match="is there already and was left as it is"):
        make_new_folder(tmp_path / "out", broken)
    assert (tmp_path / "out" / "a").read_text() == "a"
    (tmp_path / "empty").mkdir()
    make_new_folder(tmp_path / "empty", lambda work: (work / "a").write_text("a"))
    assert (tmp_path / "empty" / "a").is_file()


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(DataError, match=r"no\.json cannot be read"):
        load_json(tmp_path / "no.json", {}, "")
    (tmp_path / "half.json").write_text('{"images": [')
    with pytest.raises(DataError, match=r"half\.json is not JSON"):
        load_json(tmp_path / "half.json", {}, "")
    (tmp_path / "latin.txt").write_bytes(b"\xe9")
    with pytest.raises(DataError, match=r"latin\.txt cannot be read"):
        read_text(tmp_path / "latin.txt")
    with pytest.raises(DataError, match=r"no\.png is missing, though it is annotated"):
        upright_size(tmp_path / "no.png")


def test_upright_size_follows_the_camera(tmp_path):
    from PIL import Image

    picture = Image.fromarray(np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(tmp_path / "turned.jpg", exif=exif)
    assert upright_size(tmp_path / "turned.jpg") == (HEIGHT, WIDTH)
    save_picture(pictures()[0], tmp_path / "plain.png")
    assert upright_size(tmp_path / "plain.png") == (WIDTH, HEIGHT)


@pytest.mark.parametrize(
    "file",
    ["/etc/a.png", "../a.png", "x/../../a.png", "..", ".", "", "C:\\a.png", "c:a.png", "\\a.png",
     "x\\..\\a.png", "//server/share/a.png"],
)  # fmt: skip
def test_pictures_lie_in_their_folder(file):
    with pytest.raises(ValueError, match="does not lie in the folder of the pictures. Name it"):
        AnnotatedImage(file, 5, 5)


@pytest.mark.parametrize(
    "file", ["a\0.png", "x/\ud800.png", "a" * 250 + ".png", "b" * 250 + "/a.png"]
)
def test_names_that_no_file_can_have_are_refused(file):
    with pytest.raises(ValueError, match="no file can have|more than 200 bytes"):
        AnnotatedImage(file, 5, 5)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("crack.", "crack"), (" crack", "crack"), (".a", "a"), ("..a", "a"), ("a/b", "a_b"),
        ("a\\b:c d", "a_b_c_d"), ("Riß (fein)", "Riß_(fein)"), ("a.b", "a.b"), ("\t裂縫\n", "裂縫"),
    ],
)  # fmt: skip
def test_names_become_safe(name, safe):
    assert safe_name(name) == safe


@pytest.mark.parametrize("name", ["", " ", ".", "...", "/", "_", "a" * 201, "é" * 101])
def test_names_of_which_nothing_can_be_made(name):
    with pytest.raises(ValueError, match="has no letter|more than 200 bytes"):
        safe_name(name)


@pytest.mark.parametrize("name", ["good", "good.", " Good", "GOOD ", ".good"])
def test_no_class_lands_among_the_good(name):
    with pytest.raises(ValueError, match="'good' cannot be the class"):
        AnnotationSet("x", ("crack", name), ())


def test_a_leading_dot_hides_no_picture_and_names_never_merge():
    def named(*files):
        images = tuple(AnnotatedImage(file, 5, 5) for file in files)
        return AnnotationSet("x", (), images).flat_names()

    assert named(".a.png", "b.png") == ("a", "b")
    for files in ((".a.png", "a.png"), ("a b.png", "a_b.png"), ("x/a.png", "X/A.png")):
        with pytest.raises(ValueError, match="would both be called"):
            named(*files)


@pytest.mark.parametrize("size", [(0, 5), (5.0, 5), ("5", 5), (60_000, 60_000)])
def test_pictures_have_a_size_that_can_be_read(size):
    with pytest.raises(ValueError, match="whole numbers of at least 1|larger than"):
        AnnotatedImage("a.png", *size)


def test_an_object_counts_once():
    def box(label, left=2, mark=True):
        bits = np.ones((3, 3), bool)
        bits[1, 1] = mark
        return Annotation(label, Region(left, 2, bits))

    objects = (box(0), box(1), box(0, mark=False), box(0), box(0, left=3), box(1))
    assert distinct(objects) == (objects[0], objects[1], objects[2], objects[4])
    assert distinct(()) == ()
    filled = Annotation(0, box_region((2, 2, 3, 3), 9, 9))
    assert distinct((filled, box(0))) == (filled,)
    with pytest.raises(ValueError, match="two objects of one class are the same pixels"):
        AnnotatedImage("a.png", 9, 9, objects)


@pytest.mark.parametrize("part", ["../x", "/x", "a/b", ".hidden", ""])
def test_parts_are_names_of_folders(part):
    with pytest.raises(ValueError, match="becomes a folder|has no letter"):
        check_pictures(annotated(), pictures(), {part: [0]})
