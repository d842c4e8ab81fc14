"""Pascal VOC: one XML file of boxes a picture, and indexed PNG masks."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from helpers.annotations.formats.files import save_picture, save_text
from helpers.annotations.formats.png import class_numbers, object_numbers, write_numbers
from helpers.annotations.objects import AnnotatedImage, AnnotationSet, check_pictures
from helpers.files import make_new_folder

YEAR = "VOC2012"


def voc_box(box: tuple[int, int, int, int]) -> dict[str, int]:
    """Return left, top, width, height as VOC's first and last pixel, counted from 1.

    The upper left pixel of a picture is (1, 1), and both corners belong to the box (VOC development
    kit, "annotation of bounding boxes").
    """
    left, top, width, height = box
    return {"xmin": left + 1, "ymin": top + 1, "xmax": left + width, "ymax": top + height}


def to_voc(image: AnnotatedImage, classes: Sequence[str], file: str, source: str) -> str:
    """Return a picture's annotation as XML text.

    Parameters
    ----------
    image
        The picture and its objects.
    classes
        Names of the classes.
    file
        Name that the picture's file has.
    source
        Name of the data set.
    """
    root = ElementTree.Element("annotation")
    _add(root, {"folder": YEAR, "filename": file, "source": {"database": source}})
    _add(root, {"size": {"width": image.width, "height": image.height, "depth": 3}})
    _add(root, {"segmented": int(bool(image.annotations))})
    for annotation in image.annotations:
        left, top, across, down = annotation.region.box
        cut_off = (
            left == 0 or top == 0 or left + across == image.width or top + down == image.height
        )
        _add(
            root,
            {
                "object": {
                    "name": classes[annotation.label],
                    "pose": "Unspecified",
                    # An object at the border may go on beyond it.
                    "truncated": int(cut_off),
                    "difficult": 0,
                    "bndbox": voc_box(annotation.region.box),
                }
            },
        )
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def write_voc(
    folder: str | Path,
    annotations: AnnotationSet,
    pictures: np.ndarray,
    parts: Mapping[str, Sequence[int]],
) -> Path:
    """Write a new folder in the layout of VOC 2012, all of it or nothing.

    Within ``VOCdevkit/VOC2012``: ``JPEGImages``, ``Annotations``, ``SegmentationClass``,
    ``SegmentationObject``, and the parts' lists in ``ImageSets``. The first object of an XML file
    is number 1 in the mask of objects, and so on. TorchVision's VOCDetection knows parts by the
    names train, val and trainval.

    Parameters
    ----------
    folder
        Not there yet, or empty.
    annotations, pictures
        The N annotated pictures, and their pixels: uint8, N×3×H×W.
    parts
        Positions of the pictures of each part.

    Raises
    ------
    DataError
        When the folder holds something, or cannot be written.
    ValueError
        When pictures, parts and annotations do not fit together, or a picture has more objects than
        an indexed mask can number.
    """
    check_pictures(annotations, pictures, parts)
    names = annotations.flat_names()

    def fill(work: Path) -> None:
        kit = work / "VOCdevkit" / YEAR
        for row in sorted({int(row) for rows in parts.values() for row in rows}):
            image, name = annotations.images[row], names[row]
            save_picture(pictures[row], kit / "JPEGImages" / f"{name}.jpg")
            xml = to_voc(image, annotations.classes, f"{name}.jpg", annotations.name)
            save_text(xml, kit / "Annotations" / f"{name}.xml")
            write_numbers(class_numbers(image), kit / "SegmentationClass" / f"{name}.png")
            write_numbers(object_numbers(image), kit / "SegmentationObject" / f"{name}.png")
        for part, rows in parts.items():
            listed = "".join(f"{names[row]}\n" for row in rows)
            for task in ("Main", "Segmentation"):
                save_text(listed, kit / "ImageSets" / task / f"{part}.txt")

    return make_new_folder(folder, fill)


def _add(parent: ElementTree.Element, content: Mapping) -> None:
    for name, value in content.items():
        child = ElementTree.SubElement(parent, name)
        if isinstance(value, Mapping):
            _add(child, value)
        else:
            child.text = str(value)
