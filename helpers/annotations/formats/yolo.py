"""YOLO: one text file a picture, coordinates as shares of its sides, and a data file."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import yaml

from helpers.annotations.formats.files import (
    located,
    read_text,
    save_picture,
    save_text,
    upright_size,
)
from helpers.annotations.objects import AnnotatedImage, Annotation, AnnotationSet, check_pictures
from helpers.annotations.polygons import EXACT, polygon
from helpers.annotations.regions import Region
from helpers.annotations.shapes import box_region, polygon_region
from helpers.data.mvtec import SUFFIXES
from helpers.errors import DataError
from helpers.files import make_new_folder

YOLO_SHAPES = ("boxes", "polygons")
DATA_FILE = "data.yaml"


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
    are rounded; see ``helpers.annotations.shapes``.

    Parameters
    ----------
    path
        The data file. Files are named relative to its folder.

    Raises
    ------
    DataError
        When the data file or a picture is missing, a label file has no picture, or a line is no
        object of a known class within its picture.
    """
    path = Path(path)
    root = path.absolute().parent
    names, folders = _data(path)
    images = []
    for folder in folders:
        labels = _labels_of(folder, root)
        known = {file.stem for file in _pictures(folder)}
        for stray in sorted(labels.glob("*.txt")):
            if stray.stem not in known:
                raise DataError(
                    f"{stray} belongs to no picture in {folder}. Put the picture there, or remove "
                    "the file."
                )
        for file in _pictures(folder):
            text = labels / f"{file.stem}.txt"
            width, height = upright_size(file)
            objects = tuple(_objects(text, len(names), width, height)) if text.is_file() else ()
            images.append(AnnotatedImage(file.relative_to(root).as_posix(), width, height, objects))
    with located(str(path)):
        return AnnotationSet(root.name, names, tuple(images))


def _data(path: Path) -> tuple[tuple[str, ...], list[Path]]:
    try:
        content = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        raise DataError(f"{path} is not YAML ({error}). Write the data file anew.") from error
    if not isinstance(content, dict) or not isinstance(content.get("names"), list | dict):
        raise DataError(f"{path} has no 'names'. List the classes: 'names: {{0: crack, 1: cut}}'.")
    names = content["names"]
    names = dict(enumerate(names)) if isinstance(names, list) else names
    if sorted(names) != list(range(len(names))):
        raise DataError(f"{path} numbers its classes {sorted(names)}; they must count from 0.")
    root = path.absolute().parent / str(content.get("path") or ".")
    listed = [content[part] for part in ("train", "val", "test") if content.get(part)]
    places = [p for entry in listed for p in (entry if isinstance(entry, list) else [entry])]
    if not places:
        raise DataError(f"{path} names no pictures. Add 'train: images/train'.")
    for place in places:
        if not (root / place).is_dir():
            raise DataError(
                f"{path} says that pictures are in {root / place}, which is not a folder. Correct "
                "'path', or move them there. Lists of files are not read."
            )
    return tuple(str(names[key]) for key in sorted(names)), [root / place for place in places]


def _labels_of(folder: Path, root: Path) -> Path:
    """Return the folder of labels: the last ``images`` of the path becomes ``labels``."""
    parts = list(folder.relative_to(root).parts) if root in folder.parents else list(folder.parts)
    base = root if root in folder.parents else Path()
    if "images" in parts:
        parts[len(parts) - 1 - parts[::-1].index("images")] = "labels"
    return base.joinpath(*parts)


def _pictures(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.iterdir()) if file.suffix.lower() in SUFFIXES]


def _objects(text: Path, classes: int, width: int, height: int) -> Iterator[Annotation]:
    for number, line in enumerate(read_text(text).splitlines(), 1):
        if not line.strip():
            continue
        with located(f"{text}, line {number}"):
            label, *shares = (float(word) for word in line.split())
            if label not in range(classes):
                raise ValueError(f"the class is {label:g}, but there are {classes}, from 0.")
            yield Annotation(int(label), _region(shares, width, height))


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
