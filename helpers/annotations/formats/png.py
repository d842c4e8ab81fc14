"""Masks as indexed PNG files: each pixel holds a number, a palette gives the numbers colours."""

from pathlib import Path

import numpy as np
from PIL import Image

from helpers.annotations.objects import AnnotatedImage
from helpers.data.decode import opened_image
from helpers.errors import DataError
from helpers.files import whole_file

LARGEST = 254  # 0 is the background, and Pascal VOC keeps 255 for pixels that count as nothing


def class_numbers(image: AnnotatedImage) -> np.ndarray:
    """Return the number of each pixel's class, from 1, and 0 where there is none: uint8, H×W.

    Where objects overlap, the later one wins.
    """
    return _numbers(image, [annotation.label + 1 for annotation in image.annotations], "classes")


def object_numbers(image: AnnotatedImage) -> np.ndarray:
    """Return the number of each pixel's object, from 1, and 0 where there is none: uint8, H×W.

    Where objects overlap, the later one wins.
    """
    return _numbers(image, list(range(1, len(image.annotations) + 1)), "objects")


def write_numbers(numbers: np.ndarray, path: Path) -> None:
    """Write numbers (uint8, H×W) as an indexed PNG file with Pascal VOC's palette."""
    picture = Image.fromarray(numbers)
    picture.putpalette(voc_palette().tobytes())
    with whole_file(path) as work:
        picture.save(work, format="png", optimize=False)


def read_numbers(path: Path) -> np.ndarray:
    """Return the numbers of an indexed PNG file: uint8, H×W.

    Raises
    ------
    DataError
        When the file cannot be read, or holds colours in place of numbers.
    """
    with opened_image(path) as picture:
        if picture.mode not in ("P", "L", "1"):
            raise DataError(
                f"{path} holds colours ({picture.mode}), not numbers: a program has converted it. "
                "Write it anew as an indexed PNG."
            )
        # Grey of 2 or 4 bits is stretched to 255 when it is decoded.
        stretched = {"L;2": 85, "L;4": 17}.get(str(picture.tile[0][3]), 1)
        # convert() on a palette would give the colours; the bytes are the numbers.
        return np.asarray(picture).astype(np.uint8) // np.uint8(stretched)


def voc_palette() -> np.ndarray:
    """Return Pascal VOC's 256 colours, neighbours far apart: uint8, 256×3.

    The bits of a number go in threes to red, green and blue, the lowest three to the highest bits
    (VOC development kit, VOClabelcolormap).
    """
    numbers = np.arange(256)
    colours = np.zeros((256, 3), np.uint8)
    for place in range(8):
        for channel in range(3):
            bit = (numbers >> (3 * place + channel)) & 1
            colours[:, channel] |= (bit << (7 - place)).astype(np.uint8)
    return colours


def _numbers(image: AnnotatedImage, values: list[int], what: str) -> np.ndarray:
    if max(values, default=0) > LARGEST:
        raise ValueError(
            f"{image.file} needs {max(values)} {what}, but an indexed mask has room for {LARGEST}. "
            "Join near regions (RegionRules), or use COCO's run lengths."
        )
    numbers = np.zeros((image.height, image.width), np.uint8)
    for value, annotation in zip(values, image.annotations, strict=True):
        numbers[annotation.region.on(image.height, image.width)] = value
    return numbers
