"""CVAT: its own XML export, "CVAT for images 1.1": boxes, polygons and painted masks."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from reprlib import repr as shown
from xml.etree import ElementTree

from helpers.annotations.formats.files import (
    Drawn,
    annotation_set,
    located,
    number,
    picture_name,
    read_text,
    whole_number,
)
from helpers.annotations.objects import LONGEST, AnnotationSet
from helpers.annotations.regions import Region, region_from_run_lengths
from helpers.annotations.shapes import box_region, polygon_region, rotated_box
from helpers.errors import DataError


def read_cvat(path: str | Path) -> AnnotationSet:
    """Read ``objects.xml`` of a task exported as "CVAT for images 1.1".

    A picture without a shape counts as good, so export finished jobs only; the tag "good" may say
    so. Classes are in the order in which the task lists its labels.

    Raises
    ------
    DataError
        When the file is another export, a picture has another tag (it says what, not where), or a
        shape is neither box, polygon nor mask, has no size or leaves its picture.
    """
    path = Path(path)
    try:
        root = ElementTree.fromstring(read_text(path))
    except ElementTree.ParseError as error:
        raise DataError(f"{path} is not XML ({error}). Export the task again.") from error
    entries = root.findall("image")
    if root.tag != "annotations" or not entries:
        raise DataError(
            f"{path} lists no picture. Export the task as 'CVAT for images 1.1', not 'for video'."
        )
    listed = dict.fromkeys(name.text or "" for name in root.findall("meta//labels/label/name"))
    task = root.findtext("meta//name") or ""
    return annotation_set(path, _drawn(path, entries), list(listed), task.strip())


def _drawn(path: Path, entries: Iterable[ElementTree.Element]) -> Drawn:
    for entry in entries:
        where = f"{path}: picture {entry.get('name', '')[:LONGEST]}"
        with located(where):
            size = whole_number(_told(entry, "width")), whole_number(_told(entry, "height"))
            name = picture_name(_told(entry, "name"))
        yield name, size, _shapes(entry, size, where)


def _shapes(
    entry: ElementTree.Element, size: tuple[int, int], where: str
) -> Iterator[tuple[str, Region]]:
    for shape in entry:
        with located(where):
            label = _told(shape, "label")
            if shape.tag != "tag":
                yield label, _region(shape, *size)
            elif label.strip().casefold() != "good" or len(entry.findall("tag")) < len(entry):
                raise ValueError(
                    f"the tag {shown(label)} says nothing of where the object is. Draw it, or "
                    "remove the tag. (A picture without a shape is good.)"
                )


def _told(entry: ElementTree.Element, name: str) -> str:
    if name not in entry.attrib:
        raise ValueError(f"{name!r} is missing. Export the task again.")
    return entry.attrib[name]


def _region(shape: ElementTree.Element, width: int, height: int) -> Region:
    if shape.tag == "box":
        left, top, right, bottom = (
            number(_told(shape, name)) for name in ("xtl", "ytl", "xbr", "ybr")
        )
        box = (left, top, right - left, bottom - top)
        angle = number(shape.get("rotation", "0"))
        if angle:
            # Turned about its centre.
            corners = rotated_box(box, angle, ((left + right) / 2, (top + bottom) / 2))
            return polygon_region([corners], width, height)
        return box_region(box, width, height)
    if shape.tag == "polygon":
        flat = [number(v) for point in _told(shape, "points").split(";") for v in point.split(",")]
        return polygon_region([flat], width, height)
    if shape.tag == "mask":
        # Row by row within the mask's box: read as columns of the box laid on its side.
        left, top, across, down = (
            whole_number(_told(shape, name)) for name in ("left", "top", "width", "height")
        )
        if left + across > width or top + down > height:
            raise ValueError(f"a mask leaves the picture of {width} × {height} pixels.")
        runs = [whole_number(run) for run in _told(shape, "rle").split(",")]
        lying = region_from_run_lengths({"size": [across, down], "counts": runs})
        return Region(left + lying.top, top + lying.left, lying.bits.T)
    raise ValueError(
        f"a shape of type {shown(shape.tag)} is not read here, only box, polygon and mask. Draw it "
        "as one of them, or remove it."
    )
