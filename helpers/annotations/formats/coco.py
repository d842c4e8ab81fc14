"""COCO: all annotations of a part in one JSON file; boxes, and polygons or run lengths."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from reprlib import repr as shown

import numpy as np

from helpers.annotations.formats.files import (
    Drawn,
    annotation_set,
    load_json,
    located,
    picture_name,
    save_picture,
    save_text,
)
from helpers.annotations.objects import UNKNOWN, AnnotatedImage, AnnotationSet, check_pictures
from helpers.annotations.polygons import EXACT, polygon
from helpers.annotations.regions import Region, region_from_run_lengths, run_lengths
from helpers.annotations.shapes import box_region, polygon_region
from helpers.errors import DataError
from helpers.files import make_new_folder

COCO_SHAPES = ("polygons", "runs")
FORM = {
    "type": "object",
    "required": ["images", "categories", "annotations"],
    "properties": {
        "info": {
            "type": ["object", "null"],
            "properties": {"description": {"type": ["string", "null"]}},
        },
        "licenses": {
            "type": ["array", "null"],
            "items": {
                "type": "object",
                "properties": {"name": {"type": ["string", "null"]}},
            },
        },
        "images": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "file_name", "width", "height"],
                "properties": {
                    "id": {"type": "integer"},
                    "file_name": {"type": "string"},
                    "width": {"type": "integer", "minimum": 1},
                    "height": {"type": "integer", "minimum": 1},
                },
            },
        },
        "categories": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "name"],
                "properties": {"id": {"type": "integer"}, "name": {"type": "string"}},
            },
        },
        "annotations": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "image_id", "category_id"],
                "properties": {
                    "id": {"type": "integer"},
                    "image_id": {"type": "integer"},
                    "category_id": {"type": "integer"},
                    # What is in them is checked where they are drawn.
                    "bbox": {"type": ["array", "null"]},
                    "segmentation": {"type": ["array", "object", "null"]},
                },
            },
        },
    },
}
REMEDY = (
    "A COCO file of objects has 'images', 'annotations' and 'categories': export it again as 'COCO "
    "instances', or mend the entry."
)


def to_coco(annotations: AnnotationSet, shapes: str = "polygons", tolerance: float = EXACT) -> dict:
    """Return a set in COCO's form, ready for JSON.

    All ids count from 1: pycocotools' evaluation takes id 0 for "no match".

    Parameters
    ----------
    annotations
        The set, or a part of it.
    shapes
        ``"polygons"`` or ``"runs"``, for the masks.
    tolerance
        Of the polygons, in pixels; see ``helpers.annotations.polygons.simplified``.

    Raises
    ------
    ValueError
        When ``shapes`` is neither.
    """
    if shapes not in COCO_SHAPES:
        raise ValueError(f"shapes must be one of {', '.join(COCO_SHAPES)}; got {shapes!r}.")
    images, objects = [], []
    for number, (image, name) in enumerate(
        zip(annotations.images, annotations.flat_names(), strict=True), 1
    ):
        images.append(
            {"id": number, "file_name": f"{name}.png", "width": image.width, "height": image.height}
        )
        for annotation in image.annotations:
            region = annotation.region
            objects.append(
                {
                    "id": len(objects) + 1,
                    "image_id": number,
                    "category_id": annotation.label + 1,
                    "bbox": list(region.box),
                    "area": region.area,
                    "segmentation": _shape(region, image, shapes, tolerance),
                    "iscrowd": 0,
                }
            )
    return {
        "info": {"description": annotations.name},
        "licenses": [{"id": 1, "name": annotations.licence}],
        "categories": [{"id": i, "name": name} for i, name in enumerate(annotations.classes, 1)],
        "images": images,
        "annotations": objects,
    }


def write_coco(
    folder: str | Path,
    annotations: AnnotationSet,
    pictures: np.ndarray,
    parts: Mapping[str, Sequence[int]],
    tolerance: float = EXACT,
) -> Path:
    """Write a new folder in COCO's layout, all of it or nothing.

    ``images/NAME.png``, and for each part ``annotations/instances_PART.json`` with polygons and
    ``annotations/instances_PART_runs.json`` with run lengths.

    Parameters
    ----------
    folder
        Not there yet, or empty.
    annotations, pictures
        The N annotated pictures, and their pixels: uint8, N×3×H×W.
    parts
        Positions of the pictures of each part.
    tolerance
        Of the polygons, in pixels.

    Raises
    ------
    DataError
        When the folder holds something, or cannot be written.
    ValueError
        When pictures, parts and annotations do not fit together.
    """
    check_pictures(annotations, pictures, parts)
    names = annotations.flat_names()

    def fill(work: Path) -> None:
        for part, rows in parts.items():
            # Names are those of the whole set, whatever folders a part's pictures share.
            named = _renamed(annotations.subset(rows), [names[row] for row in rows])
            for shapes, ending in zip(COCO_SHAPES, ("", "_runs"), strict=True):
                text = json.dumps(to_coco(named, shapes, tolerance), ensure_ascii=False, indent=1)
                save_text(text + "\n", work / "annotations" / f"instances_{part}{ending}.json")
            for row in rows:
                save_picture(pictures[row], work / "images" / f"{names[row]}.png")

    return make_new_folder(folder, fill)


def read_coco(path: str | Path) -> AnnotationSet:
    """Read a COCO file of boxes, polygons or run lengths.

    Where an annotation has a segmentation it is used, else its box, filled. Classes keep the order
    of their ids. Coordinates between pixels are rounded; see ``helpers.annotations.shapes``.

    Raises
    ------
    DataError
        When the file is no COCO file, an id is missing, unknown or occurs twice, a shape has no
        size or leaves its picture.
    """
    path = Path(path)
    content = load_json(path, FORM, REMEDY)
    images, categories, objects = (
        _by_id(content, what, path) for what in ("images", "categories", "annotations")
    )
    on: dict[int, list[int]] = {key: [] for key in images}
    for key, entry in objects.items():
        for name, known in (("image_id", images), ("category_id", categories)):
            if entry[name] not in known:
                raise DataError(
                    f"{path}: annotation {key} has {name} {entry[name]!r}, which is not in the "
                    "file. Export the file again, with all images and categories."
                )
        on[entry["image_id"]].append(key)

    def shapes(key: int, size: tuple[int, int]) -> Iterator[tuple[str, Region]]:
        for number in on[key]:
            with located(f"{path}: annotation {number}"):
                entry = objects[number]
                yield categories[entry["category_id"]]["name"], _region(entry, *size)

    def drawn() -> Drawn:
        for key, entry in images.items():
            size = int(entry["width"]), int(entry["height"])
            yield picture_name(entry["file_name"]), size, shapes(key, size)

    licences = [entry.get("name") or UNKNOWN for entry in content.get("licenses") or []]
    return annotation_set(
        path,
        drawn(),
        [categories[key]["name"] for key in sorted(categories)],
        (content.get("info") or {}).get("description") or "",
        "; ".join(licences) or UNKNOWN,
    )


def _shape(region: Region, image: AnnotatedImage, shapes: str, tolerance: float) -> list | dict:
    if shapes == "runs":
        return run_lengths(region.on(image.height, image.width))
    return [polygon(region, tolerance).ravel().tolist()]


def _renamed(annotations: AnnotationSet, names: Sequence[str]) -> AnnotationSet:
    images = tuple(
        AnnotatedImage(f"{name}.png", image.width, image.height, image.annotations)
        for name, image in zip(names, annotations.images, strict=True)
    )
    return AnnotationSet(annotations.name, annotations.classes, images, annotations.licence)


def _by_id(content: dict, what: str, path: Path) -> dict[int, dict]:
    found: dict[int, dict] = {}
    for entry in content[what]:
        if entry["id"] in found:
            raise DataError(
                f"{path}: two entries of '{what}' have the id {entry['id']}. Two files may have "
                "been joined: number the entries of one of them anew."
            )
        found[entry["id"]] = entry
    return found


def _region(entry: dict, width: int, height: int) -> Region:
    shape = entry.get("segmentation")
    if isinstance(shape, dict):
        if shape.get("size") != [height, width]:
            raise ValueError(
                f"the run lengths are for size {shown(shape.get('size'))} (height, width), but the "
                f"image has {[height, width]}."
            )
        return region_from_run_lengths(shape)
    if shape:
        return polygon_region(shape, width, height)
    if not entry.get("bbox"):
        raise ValueError("there is neither 'segmentation' nor 'bbox'. Draw the object anew.")
    return box_region(entry["bbox"], width, height)
