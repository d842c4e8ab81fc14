"""YOLO: one text file a picture, coordinates as shares of its sides, and a data file."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from reprlib import repr as shown
from typing import Any

import numpy as np
import yaml

from helpers.annotations.formats.files import (
    Drawn,
    annotation_set,
    check_form,
    is_there,
    located,
    number,
    read_text,
    save_picture,
    save_text,
    upright_size,
)
from helpers.annotations.objects import AnnotationSet, check_pictures
from helpers.annotations.polygons import EXACT, polygon
from helpers.annotations.regions import Region
from helpers.annotations.shapes import box_region, polygon_region
from helpers.data.mvtec import SUFFIXES
from helpers.errors import DataError
from helpers.files import make_new_folder

YOLO_SHAPES = ("boxes", "polygons")
DATA_FILE = "data.yaml"
MOST_YAML = 2**18  # bytes
PARTS = ("train", "val", "test")
TEXT = {"type": "string", "maxLength": 1000}
PLACES = {"anyOf": [TEXT, {"type": "array", "items": TEXT}]}
COUNT = {"type": "string", "pattern": r"^[0-9]{1,9}$"}
# Every text, number or date of the data file comes as the text that is written there.
FORM = {
    "type": "object",
    "required": ["names"],
    "properties": {
        "names": {
            "oneOf": [
                {"type": "array", "items": TEXT},
                {
                    "type": "object",
                    "propertyNames": COUNT,
                    "additionalProperties": TEXT,
                },
            ]
        },
        "nc": COUNT,
        "path": TEXT,
        **dict.fromkeys(PARTS, PLACES),
    },
}
REMEDY = (
    "List the classes, such as 'names: {0: crack, 1: cut}', and folders, 'train: images/train'."
)


def yolo_line(
    label: int,
    region: Region,
    width: int,
    height: int,
    shapes: str = "boxes",
    tolerance: float = EXACT,
) -> str:
    """Return an object as a line of text.

    ``class centre-x centre-y width height`` for a box, ``class x y x y …`` for a polygon; x and
    widths as shares of the picture's width, y and heights of its height.

    Parameters
    ----------
    label
        Number of the class, from 0.
    region
        The object.
    width, height
        Of the picture, in pixels.
    shapes
        ``"boxes"`` or ``"polygons"``.
    tolerance
        Of the polygons, in pixels.
    """
    if shapes == "boxes":
        left, top, across, down = region.box
        points = np.array([[left + across / 2, top + down / 2], [across, down]])
    else:
        points = polygon(region, tolerance)
    shares = (points / (width, height)).ravel()
    return " ".join([str(label), *(f"{share:.6f}" for share in shares)])


def write_yolo(
    folder: str | Path,
    annotations: AnnotationSet,
    pictures: np.ndarray,
    parts: Mapping[str, Sequence[int]],
    shapes: str = "boxes",
    tolerance: float = EXACT,
) -> Path:
    """Write a new folder as ultralytics reads it, all of it or nothing.

    ``images/PART/NAME.png``, ``labels/PART/NAME.txt`` (empty for a good picture) and ``data.yaml``.

    Parameters
    ----------
    folder
        Not there yet, or empty.
    annotations, pictures
        The N annotated pictures, and their pixels: uint8, N×3×H×W.
    parts
        Positions of the pictures of each part; ultralytics asks for train and val.
    shapes
        ``"boxes"`` or ``"polygons"``.
    tolerance
        Of the polygons, in pixels.

    Raises
    ------
    DataError
        When the folder holds something, or cannot be written.
    ValueError
        When ``shapes`` is neither, or pictures, parts and annotations do not fit together.
    """
    if shapes not in YOLO_SHAPES:
        raise ValueError(f"shapes must be one of {', '.join(YOLO_SHAPES)}; got {shapes!r}.")
    check_pictures(annotations, pictures, parts)
    names = annotations.flat_names()

    def fill(work: Path) -> None:
        for part, rows in parts.items():
            for row in rows:
                image = annotations.images[row]
                lines = [
                    yolo_line(a.label, a.region, image.width, image.height, shapes, tolerance)
                    for a in image.annotations
                ]
                save_picture(pictures[row], work / "images" / part / f"{names[row]}.png")
                text = "".join(f"{line}\n" for line in lines)
                save_text(text, work / "labels" / part / f"{names[row]}.txt")
        save_text(data_file(annotations, parts), work / DATA_FILE)

    return make_new_folder(folder, fill)


def data_file(annotations: AnnotationSet, parts: Sequence[str] | Mapping) -> str:
    """Return the text of ``data.yaml``: where the parts are, and the names of the classes."""
    # A JSON text is a YAML text too, and quotes whatever a name may hold.
    quoted = [json.dumps(name, ensure_ascii=False) for name in annotations.classes]
    lines = [f"# {' '.join(annotations.name.split())}; licence: {annotations.licence}"]
    lines += [f"{json.dumps(part, ensure_ascii=False)}: images/{part}" for part in parts]
    lines += ["names:", *(f"  {number}: {name}" for number, name in enumerate(quoted))]
    return "\n".join(lines) + "\n"


def read_yolo(path: str | Path) -> AnnotationSet:
    """Read a YOLO data set of boxes or polygons, all its parts together.

    A picture without a label file, or with an empty one, has no object. Coordinates between pixels
    are rounded; see ``helpers.annotations.shapes``. A line that is there twice counts once.

    Parameters
    ----------
    path
        The data file. Files are named relative to its folder, and lie in it.

    Raises
    ------
    DataError
        When the data file or a picture is missing, a folder has no picture or lies elsewhere, a
        label file has no picture, or a line is no object of a known class within its picture.
    """
    path = Path(path)
    root = path.absolute().parent
    names, folders = _data(path)

    def drawn() -> Drawn:
        for folder in folders:
            for file, text in _pairs(folder, root):
                size = upright_size(file)
                objects = _objects(text, names, *size) if text else ()
                yield file.relative_to(root).as_posix(), size, objects

    return annotation_set(path, drawn(), names, root.name)


def _data(path: Path) -> tuple[tuple[str, ...], list[Path]]:
    """Return the names of the classes, and the folders of pictures."""
    text = read_text(path, MOST_YAML)
    try:
        content = yaml.load(text, _Texts)
        check_form(path, content, FORM, REMEDY)
    except yaml.YAMLError as error:
        raise DataError(f"{path} is not YAML ({error}). Write the data file anew.") from error
    except RecursionError as error:
        raise DataError(f"{path} is nested too deeply to be read. {REMEDY}") from error
    names = content["names"]
    numbered = {int(k): v for k, v in names.items()} if isinstance(names, dict) else names
    if isinstance(names, dict) and sorted(numbered) != list(range(len(names))):
        raise DataError(
            f"{path} numbers its classes {shown(sorted(numbered))}; they must count from 0."
        )
    if int(content.get("nc", len(names))) != len(names):
        raise DataError(
            f"{path} has nc: {content['nc']}, but {len(names)} names. Correct one of them."
        )
    listed = [content[part] for part in PARTS if content.get(part)]
    places = [p for entry in listed for p in (entry if isinstance(entry, list) else [entry])]
    if not places:
        raise DataError(f"{path} names no pictures. Add 'train: images/train'.")
    base = path.absolute().parent / content.get("path", "")
    classes = tuple(numbered[label] for label in range(len(names)))
    return classes, [_folder(path, base, place) for place in places]


class _Texts(yaml.BaseLoader):
    """YAML of texts, lists and mappings alone: 'yes' stays a word, and nothing stands for more."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it has an alias (*), which no data file needs")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(set(keys)) < len(keys):
            raise yaml.YAMLError("a name is there twice in one mapping")
        return super().construct_mapping(node, deep)


def _folder(path: Path, base: Path, place: str) -> Path:
    root = path.absolute().parent
    # Common exports say ../train/images for train/images; ultralytics reads them so, too.
    choices = [place, place.removeprefix("../")]
    folders = [Path(os.path.normpath(base / choice)) for choice in choices]
    folder = next((folder for folder in folders if is_there(folder.is_dir)), None)
    if folder is None:
        raise DataError(
            f"{path} says that pictures are in {folders[0]}, which is not a folder. Correct "
            "'path', or move them there. Lists of files are not read."
        )
    if folder != root and root not in folder.parents:
        raise DataError(
            f"{path} says that pictures are in {folder}, outside its own folder. Put the data file "
            "into a folder that holds them, and name them relative to it."
        )
    return folder


def _pairs(folder: Path, root: Path) -> list[tuple[Path, Path | None]]:
    """Return each picture in a folder, subfolders included, and its label file if there is one."""
    labels = _labels_of(folder, root)
    pictures = {}
    for file in sorted(folder.rglob("*")):
        if file.suffix.lower() in SUFFIXES:
            first = pictures.setdefault(file.relative_to(folder).with_suffix(""), file)
            if first != file:
                raise DataError(f"{first} and {file} would share a label file. Rename one.")
    if not pictures:
        raise DataError(
            f"{folder} holds no picture ({', '.join(sorted(SUFFIXES))}). Put them there, or take "
            "the folder out of the data file."
        )
    texts: dict[Path, Path] = {}
    for file in sorted(labels.rglob("*")):
        if file.suffix.lower() == ".txt":
            name = file.relative_to(labels).with_suffix("")
            if name not in pictures:
                raise DataError(
                    f"{file} belongs to no picture in {folder}. Put the picture there, or remove "
                    "the file."
                )
            if texts.setdefault(name, file) != file:
                raise DataError(f"{texts[name]} and {file} are of one picture. Remove one.")
    return [(file, texts.get(name)) for name, file in pictures.items()]


def _labels_of(folder: Path, root: Path) -> Path:
    """Return the folder of labels: the last ``images`` of the path becomes ``labels``."""
    parts = list(folder.relative_to(root).parts)
    if "images" in parts:
        parts[len(parts) - 1 - parts[::-1].index("images")] = "labels"
    return root.joinpath(*parts)


def _objects(
    text: Path, names: Sequence[str], width: int, height: int
) -> Iterator[tuple[str, Region]]:
    for row, line in enumerate(read_text(text).splitlines(), 1):
        if not line.strip():
            continue
        with located(f"{text}, line {row}"):
            label, *shares = (number(word) for word in line.split())
            if label not in range(len(names)):
                raise ValueError(f"the class is {label:g}, but there are {len(names)}, from 0.")
            yield names[int(label)], _region(shares, width, height)


def _region(shares: list[float], width: int, height: int) -> Region:
    if len(shares) == 4:
        x, y, across, down = np.array(shares) * (width, height, width, height)
        return box_region((x - across / 2, y - down / 2, across, down), width, height)
    if len(shares) < 6 or len(shares) % 2:
        raise ValueError(
            f"an object is a class and 4 numbers (box) or x y pairs, 3 or more (polygon); got "
            f"{len(shares)} numbers."
        )
    corners = np.array(shares) * np.tile((width, height), len(shares) // 2)
    return polygon_region([corners], width, height)
