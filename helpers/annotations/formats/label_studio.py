"""Label Studio: its JSON export, boxes and polygons as percentages of the picture."""

import re
from collections.abc import Iterator
from pathlib import Path
from reprlib import repr as shown
from urllib.parse import parse_qs, unquote, urlparse

from helpers.annotations.formats.files import (
    Drawn,
    annotation_set,
    is_there,
    load_json,
    located,
    upright_size,
)
from helpers.annotations.objects import AnnotationSet, safe_name
from helpers.annotations.regions import Region
from helpers.annotations.shapes import box_region, finite, polygon_region, rotated_box
from helpers.data.mvtec import SUFFIXES
from helpers.errors import DataError

LABEL_TYPES = {"rectanglelabels", "polygonlabels"}
WHOLE, NUMBER = {"type": ["integer", "null"]}, {"type": ["number", "null"]}
FORM = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["annotations"],
        "properties": {
            "data": {"type": ["object", "null"]},
            "annotations": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "was_cancelled": {"type": ["boolean", "null"]},
                        "result": {
                            "type": ["array", "null"],
                            "items": {
                                "type": "object",
                                "properties": {
                                    "original_width": WHOLE,
                                    "original_height": WHOLE,
                                    "image_rotation": NUMBER,
                                    "value": {
                                        "type": ["object", "null"],
                                        "properties": {
                                            "rotation": NUMBER,
                                            "points": {
                                                "type": ["array", "null"],
                                                "items": {
                                                    "type": "array",
                                                    "items": {"type": "number"},
                                                    "minItems": 2,
                                                    "maxItems": 2,
                                                },
                                            },
                                            **{
                                                side: {"type": "number"}
                                                for side in ("x", "y", "width", "height")
                                            },
                                            **{
                                                kind: {
                                                    "type": ["array", "null"],
                                                    "items": {"type": "string"},
                                                }
                                                for kind in sorted(LABEL_TYPES)
                                            },
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}
REMEDY = (
    "It is not Label Studio's full export: choose 'JSON', not 'JSON-MIN', in the export menu, or "
    "mend the entry."
)
# Uploaded pictures get eight hexadecimal digits in front of their name.
UPLOADED = re.compile(r"^[0-9a-f]{8}-")


def read_label_studio(path: str | Path, pictures: str | Path) -> AnnotationSet:
    """Read a project exported as "JSON" (not "JSON-MIN").

    A task that was submitted without a shape is a good picture. A task that nobody has submitted is
    left out, and their number printed: not looked at is not good.

    Parameters
    ----------
    path
        The exported file.
    pictures
        Folder of the pictures, under their own names or those Label Studio gave them.

    Raises
    ------
    DataError
        When the file is another export, a picture is missing, a task has the work of several
        people, or a shape is neither box nor polygon, has no size or leaves its picture.
    """
    path, pictures = Path(path), Path(pictures)
    tasks = load_json(path, FORM, REMEDY)
    done = [[a for a in task["annotations"] if not a.get("was_cancelled")] for task in tasks]
    if not all(done):
        left_out = sum(not work for work in done)
        print(f"{path.name}: {left_out} of {len(tasks)} tasks not submitted, left out")

    def drawn() -> Drawn:
        for place, (task, work) in enumerate(zip(tasks, done, strict=True)):
            where = f"{path}: task {shown(task.get('id', place))}"
            if len(work) > 1:
                raise DataError(
                    f"{where} was annotated {len(work)} times. Keep one of them, then export again."
                )
            if work:
                file = _picture_of(task, pictures, where)
                size = upright_size(pictures / file)
                yield file, size, _shapes(work[0].get("result") or [], size, where)

    return annotation_set(path, drawn())


def _picture_of(task: dict, pictures: Path, where: str) -> str:
    data = task.get("data") or {}
    values = [data.get("image"), *data.values()]
    with located(where):
        names = (_file_name(value) for value in values if isinstance(value, str))
        name = next((n for n in names if Path(n).suffix.lower() in SUFFIXES), None)
        if name is None:
            raise ValueError("names no picture in its 'data'. Export the project again.")
        safe_name(name)
    for candidate in (name, UPLOADED.sub("", name)):
        if is_there((pictures / candidate).is_file):
            return candidate
    raise DataError(
        f"{where}: the picture {name} is not in {pictures}. Put it there, under this name or "
        "without the digits in front."
    )


def _file_name(address: str) -> str:
    url = urlparse(address)
    # A local file is named in the query: /data/local-files/?d=folder/picture.jpg
    inside = parse_qs(url.query).get("d", [unquote(url.path)])[0]
    return inside.replace("\\", "/").rsplit("/", 1)[-1]


def _shapes(result: list[dict], size: tuple[int, int], where: str) -> Iterator[tuple[str, Region]]:
    for entry in result:
        with located(where):
            yield _shape(entry, size)


def _shape(entry: dict, size: tuple[int, int]) -> tuple[str, Region]:
    kind, value = entry.get("type"), entry.get("value") or {}
    if not isinstance(kind, str) or kind not in LABEL_TYPES:
        raise ValueError(
            f"a shape of type {shown(kind)} is not read here, only boxes and polygons. Export the "
            "project as COCO (for brushes: as PNG masks), or draw it as a polygon."
        )
    names = value.get(kind) or []
    if len(names) != 1:
        raise ValueError(f"a shape has {len(names)} labels; give it exactly one.")
    told = entry.get("original_width"), entry.get("original_height")
    if None not in told and told != size:
        raise ValueError(
            f"it was drawn on a picture of {told[0]} × {told[1]} pixels, but the file has "
            f"{size[0]} × {size[1]}. Use the very picture that was annotated."
        )
    if entry.get("image_rotation"):
        raise ValueError("the picture was turned in Label Studio. Turn the file, and draw anew.")
    return names[0], _region(kind, value, *size)


def _region(kind: str, value: dict, width: int, height: int) -> Region:
    if kind == "polygonlabels":
        points = [finite(point, 2) for point in value.get("points") or []]
        flat = [v * side / 100 for x, y in points for v, side in ((x, width), (y, height))]
        return polygon_region([flat], width, height)
    sides = {"x": width, "y": height, "width": width, "height": height}
    missing = [name for name in sides if name not in value]
    if missing:
        raise ValueError(f"a box lacks {', '.join(missing)}. Export the project again.")
    shares = finite([value[name] for name in sides], 4)
    box = [share * side / 100 for share, side in zip(shares, sides.values(), strict=True)]
    if value.get("rotation"):
        # Turned about its upper left corner.
        corners = rotated_box(box, value["rotation"], (box[0], box[1]))
        return polygon_region([corners], width, height)
    return box_region(box, width, height)
