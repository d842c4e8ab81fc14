"""Label Studio: its JSON export, boxes and polygons as percentages of the picture."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlparse

from helpers.annotations.formats.files import annotation_set, load_json, located, upright_size
from helpers.annotations.objects import AnnotationSet
from helpers.annotations.regions import Region
from helpers.annotations.shapes import box_region, polygon_region, rotated_box
from helpers.data.mvtec import SUFFIXES
from helpers.errors import DataError

LABEL_TYPES = {"rectanglelabels", "polygonlabels"}
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
    tasks = load_json(path)
    full = isinstance(tasks, list) and all(
        isinstance(t, dict) and "annotations" in t for t in tasks
    )
    if not full:
        raise DataError(
            f"{path} is not Label Studio's full export. Choose 'JSON', not 'JSON-MIN', in the "
            "export menu."
        )
    drawn, skipped = [], 0
    for place, task in enumerate(tasks):
        where = f"{path}: task {task.get('id', place)}"
        done = [a for a in task["annotations"] if not a.get("was_cancelled")]
        if not done:
            skipped += 1
            continue
        if len(done) > 1:
            raise DataError(
                f"{where} was annotated {len(done)} times. Keep one of them, then export again."
            )
        file = _picture_of(task, pictures, where)
        size = upright_size(pictures / file)
        with located(where):
            drawn.append((file, size, list(_shapes(done[0].get("result") or [], size))))
    if skipped:
        print(f"{path.name}: {skipped} of {len(tasks)} tasks not submitted, left out")
    return annotation_set(path, drawn)


def _picture_of(task: dict, pictures: Path, where: str) -> str:
    data = task.get("data") or {}
    values = [data.get("image"), *data.values()]
    address = next((v for v in values if isinstance(v, str) and _names_picture(v)), None)
    if address is None:
        raise DataError(f"{where} names no picture in its 'data'.")
    name = _file_name(address)
    for candidate in (name, UPLOADED.sub("", name)):
        if (pictures / candidate).is_file():
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


def _names_picture(address: str) -> bool:
    return Path(_file_name(address)).suffix.lower() in SUFFIXES


def _shapes(result: list[dict], size: tuple[int, int]) -> Iterator[tuple[str, Region]]:
    for entry in result:
        kind, value = entry.get("type"), entry.get("value") or {}
        if kind not in LABEL_TYPES:
            raise ValueError(
                f"a shape of type '{kind}' is not read here, only boxes and polygons. Export the "
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
            raise ValueError(
                "the picture was turned in Label Studio. Turn the file, and draw anew."
            )
        yield str(names[0]), _region(kind, value, *size)


def _region(kind: str, value: dict, width: int, height: int) -> Region:
    if kind == "polygonlabels":
        flat = [
            v * side / 100
            for x, y in value.get("points") or []
            for v, side in ((x, width), (y, height))
        ]
        return polygon_region([flat], width, height)
    sides = {"x": width, "y": height, "width": width, "height": height}
    missing = [name for name in sides if name not in value]
    if missing:
        raise ValueError(f"a box lacks {', '.join(missing)}. Export the project again.")
    box = [value[name] * side / 100 for name, side in sides.items()]
    if value.get("rotation"):
        # Turned about its upper left corner.
        corners = rotated_box(box, value["rotation"], (box[0], box[1]))
        return polygon_region([corners], width, height)
    return box_region(box, width, height)
