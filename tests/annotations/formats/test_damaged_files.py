"""Damaged annotation files, made by hypothesis: what is read is consistent, or one DataError.

Pascal VOC's XML is only written here; its masks are the indexed PNG files.
"""

import copy
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from PIL import Image

from helpers.annotations.formats import (
    read_coco,
    read_cvat,
    read_label_studio,
    read_numbers,
    read_yolo,
    to_coco,
    write_coco,
    write_voc,
    write_yolo,
)
from helpers.annotations.import_category import write_mvtec
from helpers.annotations.objects import AnnotatedImage, Annotation, AnnotationSet, distinct
from helpers.annotations.regions import regions
from helpers.data.decode import read_picture, upright_size
from helpers.data.mvtec import list_files
from helpers.errors import DataError
from tests.annotation_samples import contents, same_objects
from tests.damage import byte_edits, damaged_bytes, damaged_tree, damaging, place, tree_edits

WIDTH, HEIGHT = 24, 16
KINDS = ("coco", "coco runs", "yolo", "cvat", "label studio", "voc mask", "picture")
damages = damaging(13)
# A guard against reading without end, far above what a slow machine takes.
pytestmark = pytest.mark.timeout(120 + damages.max_examples)

# What stands where something else belongs, in the text.
WORDS = (
    "-1", "0", "0.5", "1.5", "7", "1e999", "-1e-9", "NaN", "Infinity", "null", "true", "60000",
    "1000000000", "9" * 40, "1_0", "٣", "..", "../elsewhere/a", "/elsewhere/a.png", "good",
    "good.", "a/b", ".a", "*a", "&a", "<", "\0", "\x1b", "\ud7ff", "x" * 300, "[" * 3000, '"', "'",
    "{", "}", "]", ",", ":", "\n", " ", "images", "train", "label", "<!DOCTYPE a>",
)  # fmt: skip
word_edits = st.tuples(st.sampled_from(["word", "insert"]), place, st.sampled_from(WORDS))
text_edits = st.lists(
    st.one_of(byte_edits.map(lambda edits: edits[0]), word_edits), min_size=1, max_size=3
)


def damaged_text(content, edits):
    """Return bytes after edits, among them ("word", place, what stands for the next word)."""
    for edit, at, what in edits:
        if isinstance(what, str):
            what = what.encode()
        if edit == "word":
            after = content[at % (len(content) + 1) :]
            rest = after.lstrip(b" \n\t,:;[]{}<>=\"'")
            start = len(content) - len(rest)
            length = len(rest) - len(rest.lstrip(b"0123456789.-_abcdefghijklmnopqrstuvwxyz"))
            content = content[:start] + what + rest[length:]
        else:
            content = damaged_bytes(content, [(edit, at, what)])
    return content


def damaged_xml(text, edits):
    """Return an XML text with attributes or elements changed, left out, moved or there twice."""
    root = ElementTree.fromstring(text)
    for edit, at, what in edits:
        parents = [element for element in root.iter() if len(element)]
        children = [(parent, child) for parent in parents for child in parent]
        slots = [(child, name) for _, child in children for name in child.attrib]
        parent, child = children[at % len(children)]
        if edit == "set":
            element, name = slots[at % len(slots)]
            word = WORDS[what % len(WORDS)]
            element.set(name, "".join(letter for letter in word if letter.isprintable()))
        elif edit == "copy":
            other, name = slots[what % len(slots)]
            child.set(name, other.get(name))
        elif edit == "twice":
            parent.append(copy.deepcopy(child))
        elif edit == "delete":
            parent.remove(child)
        if not any(len(element) for element in root.iter()):
            break
    return ElementTree.tostring(root)


@dataclass(frozen=True)
class Kind:
    """A valid data set of one format: its files that are damaged, and how it is read."""

    folder: Path
    files: tuple[str, ...]
    pictures: str

    def read(self):
        path = self.folder / self.files[0]
        if path.name == "project.json":
            return read_label_studio(path, self.folder / self.pictures)
        if path.suffix == ".json":
            return read_coco(path)
        return read_yolo(path) if path.suffix == ".yaml" else read_cvat(path)


def annotated():
    """Return six pictures: a ring, a bar and a dot, all three classes at once, and three good."""
    ring, bar, dot = np.zeros((3, HEIGHT, WIDTH), bool)
    ring[2:9, 2:10], ring[4:7, 4:8] = True, False
    bar[11:14, 3:20] = True
    dot[0, 23] = True
    on = ([(0, ring)], [(1, bar)], [(0, ring), (1, bar), (2, dot)], [], [], [])
    images = tuple(
        AnnotatedImage(
            f"{name}.png",
            WIDTH,
            HEIGHT,
            tuple(Annotation(label, region) for label, mask in marks for region in regions(mask)),
        )
        for name, marks in zip("abcdef", on, strict=True)
    )
    return AnnotationSet("nuts", ("crack", "cut", "hole"), images)


CVAT = f"""<annotations><meta><task><name>nuts</name><labels><label><name>cut</name></label>
</labels></task></meta>
<image id="0" name="a.png" width="{WIDTH}" height="{HEIGHT}">
<box label="cut" xtl="4.2" ytl="3.9" xbr="10.1" ybr="8.0"/>
<box label="crack" xtl="8" ytl="8" xbr="16" ybr="12" rotation="30"/></image>
<image id="1" name="b.png" width="{WIDTH}" height="{HEIGHT}">
<polygon label="cut" points="0,0;5,0;5,5;0,5"/>
<mask label="hole" rle="1, 4, 1" left="20" top="10" width="3" height="2"/></image>
<image id="2" name="c.png" width="{WIDTH}" height="{HEIGHT}"><tag label="good"/></image>
<image id="3" name="d.png" width="{WIDTH}" height="{HEIGHT}"></image></annotations>"""


def label_studio():
    def shape(kind, label, **value):
        size = {"original_width": WIDTH, "original_height": HEIGHT, "image_rotation": 0}
        return {"type": kind, **size, "value": {**value, kind: [label]}}

    box = shape("rectanglelabels", "cut", x=10.0, y=20.0, width=30.5, height=40, rotation=0)
    turned = shape("rectanglelabels", "crack", x=60, y=20, width=10, height=40, rotation=20)
    triangle = shape("polygonlabels", "crack", points=[[0, 0], [50, 0], [0, 90.5]])
    results = [[box], [triangle, turned], [], []]
    return [
        {
            "id": number,
            "data": {"image": f"/data/upload/1/0a1b2c3d-{name}.png"},
            "annotations": [{"was_cancelled": False, "result": result}],
        }
        for number, (name, result) in enumerate(zip("abcd", results, strict=True))
    ]


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    root = tmp_path_factory.mktemp("sources")
    annotations = annotated()
    pictures = np.random.default_rng(0).integers(0, 256, (6, 3, HEIGHT, WIDTH), dtype=np.uint8)
    parts = {"train": [0, 1, 3, 4], "val": [2, 5]}
    write_coco(root / "coco", annotations, pictures, {"all": range(6)})
    write_yolo(root / "yolo", annotations, pictures, parts, shapes="polygons")
    (root / "yolo/labels/val/c.txt").write_text("0 0.3 0.3 0.2 0.25\n1 0.5 0.5 0.4 0.125\n")
    write_voc(root / "voc", annotations, pictures, parts)
    for name, text in (("cvat.xml", CVAT), ("project.json", json.dumps(label_studio()))):
        folder = root / Path(name).stem
        shutil.copytree(root / "coco/images", folder)
        (folder / name).write_text(text)
    turned = Image.fromarray(pictures[0].transpose(1, 2, 0))
    exif = turned.getexif()
    exif[0x0112] = 6
    for ending in ("png", "jpg", "tif", "bmp"):
        (root / "picture").mkdir(exist_ok=True)
        turned.save(root / "picture" / f"a.{ending}", **({} if ending == "bmp" else {"exif": exif}))
    masks = "voc/VOCdevkit/VOC2012/SegmentationObject"
    return {
        "coco": Kind(root / "coco", ("annotations/instances_all.json",), "images"),
        "coco runs": Kind(root / "coco", ("annotations/instances_all_runs.json",), "images"),
        "yolo": Kind(
            root / "yolo", ("data.yaml", "labels/val/c.txt", "labels/train/a.txt",
                            "images/val/c.png"), "",
        ),
        "cvat": Kind(root / "cvat", ("cvat.xml", "a.png"), ""),
        "label studio": Kind(root / "project", ("project.json", "a.png"), ""),
        "voc mask": Kind(root / masks, ("a.png", "c.png"), ""),
        "picture": Kind(root / "picture", ("a.png", "a.jpg", "a.tif", "a.bmp"), ""),
    }  # fmt: skip


def check(kind, file, content, root):
    """Put ``content`` in the place of a file, read, import, and hold what has to hold."""
    path = kind.folder / file
    whole = path.read_bytes()
    path.write_bytes(content)
    before = contents(root)
    try:
        try:
            found = kind.read()
            check_set(found)
        except DataError as error:
            event("refused")
            assert len(str(error)) < 2000
            return
        try:
            folder = write_mvtec(root / "target" / "nuts", found, kind.folder / kind.pictures)
        except DataError:
            event("read, import refused")
            assert not (root / "target" / "nuts").exists()
        else:
            event("read and imported")
            check_import(found, folder)
    finally:
        shutil.rmtree(root / "target", ignore_errors=True)
        assert contents(root) == before, "something was written outside the target"
        path.write_bytes(whole)


def check_set(found):
    """Hold that a set can be written, and is the same set when it is read again."""
    names = [image.file for image in found.images]
    assert len(set(names)) == len(names)
    for image in found.images:
        assert ".." not in Path(image.file).parts and not Path(image.file).is_absolute()
        assert len(distinct(image.annotations)) == len(image.annotations)
    small = sum(image.width * image.height for image in found.images) < 1e6
    if small:
        try:
            to_coco(found, "runs")
        except ValueError as error:
            # Such as a.png and .a.png: two pictures, but not in one folder of an export.
            assert re.search("would both be called|more than 200 bytes", str(error))
        for image in found.images:
            assert image.mask().any() == bool(image.annotations)
            assert image.mask().shape == (image.height, image.width)


def check_import(found, folder):
    """Hold that every picture was written once, with its own mask."""
    written = {Path(image.file).stem: image for image in list_files(folder)}
    assert len(written) == len(found.images)
    for image, name in zip(found.images, found.flat_names(), strict=True):
        entry = written[name]
        assert (entry.defect == "good") == (not image.annotations)
        if entry.mask:
            mask = np.asarray(Image.open(folder / entry.mask)) > 0
            assert np.array_equal(mask[: image.height, : image.width], image.mask())


@pytest.mark.parametrize("name", KINDS[:5])
@given(number=place, edits=text_edits)
@damages
def test_damaged_bytes(kinds, name, number, edits):
    kind = kinds[name]
    file = kind.files[number % len(kind.files)]
    content = damaged_text((kind.folder / file).read_bytes(), edits)
    check(kind, file, content, kind.folder.parent)


@pytest.mark.parametrize("name", ["coco", "coco runs", "label studio"])
@given(edits=tree_edits)
@damages
def test_damaged_trees(kinds, name, edits):
    kind = kinds[name]
    content = damaged_tree(json.loads((kind.folder / kind.files[0]).read_text()), edits)
    check(kind, kind.files[0], json.dumps(content).encode(), kind.folder.parent)


@given(edits=tree_edits)
@damages
def test_damaged_xml(kinds, edits):
    kind = kinds["cvat"]
    check(kind, kind.files[0], damaged_xml(CVAT, edits), kind.folder.parent)


@pytest.mark.parametrize("name", ["data.yaml", "labels/val/c.txt"])
@given(words=st.lists(st.tuples(place, st.sampled_from(WORDS)), min_size=1, max_size=3))
@damages
def test_damaged_words_of_yolo(kinds, name, words):
    kind = kinds["yolo"]
    edits = [("word", at, word) for at, word in words]
    content = damaged_text((kind.folder / name).read_bytes(), edits)
    check(kind, name, content, kind.folder.parent)


@pytest.mark.parametrize("name", ["voc mask", "picture"])
@given(number=place, edits=byte_edits)
@damages
def test_damaged_pictures(kinds, name, number, edits):
    kind = kinds[name]
    path = kind.folder / kind.files[number % len(kind.files)]
    other = path.with_stem("damaged")
    other.write_bytes(damaged_bytes(path.read_bytes(), edits))
    for read in (read_numbers, upright_size, read_picture):
        try:
            found = read(other)
        except DataError as error:
            event(f"{read.__name__}: refused")
            assert "damaged" in str(error)
        else:
            event(f"{read.__name__}: read")
            if read is read_numbers:
                assert found.dtype == np.uint8 and found.ndim == 2
            elif read is read_picture:
                assert found.mode == "RGB" and found.size == upright_size(other)


@pytest.mark.parametrize("name", KINDS[:5])
def test_undamaged_files_are_read_and_imported(kinds, name):
    kind = kinds[name]
    found = kind.read()
    check_set(found)
    folder = kind.folder.parent / "target" / "nuts"
    check_import(found, write_mvtec(folder, found, kind.folder / kind.pictures))
    shutil.rmtree(folder.parent)


@pytest.mark.parametrize("name", ["coco", "cvat", "label studio", "yolo"])
def test_what_is_written_again_is_the_same(kinds, name, tmp_path):
    found = kinds[name].read()
    pictures = np.zeros((len(found.images), 3, HEIGHT, WIDTH), np.uint8)
    folder = write_coco(tmp_path / "again", found, pictures, {"all": range(len(found.images))})
    for ending in ("", "_runs"):
        back = read_coco(folder / f"annotations/instances_all{ending}.json")
        assert all(map(same_objects, back.images, found.images))
