"""CVAT: its own XML export, "CVAT for images 1.1": boxes, polygons and painted masks."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from helpers.annotations.formats.files import annotation_set, located, read_text
from helpers.annotations.objects import AnnotationSet
from helpers.annotations.regions import Region, from_run_lengths, region_of
from helpers.annotations.shapes import box_region, polygon_region, rotated_box
from helpers.errors import DataError


def read_cvat(path: str | Path) -> AnnotationSet:
    """Read ``objects.xml`` of a task exported as "CVAT for images 1.1".

    A picture without a shape counts as good, so export finished jobs only. Classes are in the
    order in which the task lists its labels.

    Raises
    ------
    DataError
        When the file is another export, or a shape is neither box, polygon nor mask, has no size
        or leaves its picture.
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
    drawn = []
    for entry in entries:
        where = f"{path}: picture {entry.get('name')}"
        with located(where):
            try:
                size = int(entry.attrib["width"]), int(entry.attrib["height"])
                shapes = [
                    (shape.attrib["label"], _region(shape, *size))
                    for shape in entry
                    if shape.tag != "tag"
                ]
                drawn.append((entry.attrib["name"], size, shapes))
            except KeyError as error:
                raise ValueError(f"{error} is missing. Export the task again.") from error
    listed = [name.text or "" for name in root.findall("meta//labels/label/name")]
    task = root.findtext("meta//name") or ""
    return annotation_set(path, drawn, listed, task.strip())


def _region(shape: ElementTree.Element, width: int, height: int) -> Region:
    told = shape.attrib
    if shape.tag == "box":
        left, top, right, bottom = (float(told[name]) for name in ("xtl", "ytl", "xbr", "ybr"))
        box = (left, top, right - left, bottom - top)
        angle = float(told.get("rotation", 0))
        if angle:
            # Turned about its centre.
            corners = rotated_box(box, angle, ((left + right) / 2, (top + bottom) / 2))
            return polygon_region([corners], width, height)
        return box_region(box, width, height)
    if shape.tag == "polygon":
        flat = [float(v) for point in told["points"].split(";") for v in point.split(",")]
        return polygon_region([flat], width, height)
    if shape.tag == "mask":
        # Row by row within the mask's box: read as columns of the box laid on its side.
        left, top, across, down = (int(told[name]) for name in ("left", "top", "width", "height"))
        runs = [int(run) for run in told["rle"].split(",")]
        part = from_run_lengths({"size": [across, down], "counts": runs}).T
        if min(left, top) < 0 or left + across > width or top + down > height:
            raise ValueError(f"a mask leaves the picture of {width} × {height} pixels.")
        mask = np.zeros((height, width), bool)
        mask[top : top + down, left : left + across] = part
        return region_of(mask)
    raise ValueError(
        f"a shape of type '{shape.tag}' is not read here, only box, polygon and mask. Draw it as "
        "one of them, or remove it."
    )
