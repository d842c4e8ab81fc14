"""From image files to arrays: checked, of one size, in parallel."""

import os
import re
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image
from tqdm import tqdm

from helpers.errors import DataError
from helpers.files import unreadable

Item = TypeVar("Item")
Result = TypeVar("Result")

FORMATS = ("BMP", "JPEG", "PNG", "TIFF", "WEBP")
MOST_PIXELS = 2**26  # 8192 × 8192: 256 MiB in memory, where Pillow gives a pixel 4 bytes
COLOURS = frozenset({"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "YCbCr"})
ORIENTATION = 0x0112
# Bytes of a value, by its type (TIFF 6.0, Section 2).
BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
CUT = "its EXIF data are cut short: save it anew, upright and without them"
# What brings a picture upright, by its EXIF orientation (EXIF 2.3, Section 4.6.4).
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_header(path: Path) -> tuple[int, int, str]:
    """Return width, height and Pillow's mode of an image file, without decoding it.

    Raises
    ------
    DataError
        When the file is not an image.
    """
    with opened_image(path, whole=False) as image:
        return *image.size, image.mode


def read_orientation(path: Path) -> int:
    """Return how a camera says that a picture is to be turned: 1 to 8 (EXIF), 1 for not at all.

    Raises
    ------
    DataError
        When the file is not an image, or says anything else.
    """
    with opened_image(path, whole=False) as image:
        return _orientation(image)


def upright_size(path: Path) -> tuple[int, int]:
    """Return width and height of a picture as it is shown, turned as its camera says (EXIF).

    Raises
    ------
    DataError
        When the file is not an image.
    """
    with opened_image(path, whole=False) as image:
        return _upright_size(image)


def read_picture(path: Path) -> Image.Image:
    """Decode a picture of any shape, upright, to 8-bit RGB; see `read_image` for what is refused.

    Raises
    ------
    DataError
        As for `read_image`, but for the shape.
    """
    with opened_image(path) as image:
        return _decoded(image, path)


def read_image(path: Path, size: int) -> np.ndarray:
    """Decode an image and resize it, with anti-aliasing (bilinear), to ``size`` × ``size``.

    Grey and palette images become RGB. An alpha channel is dropped if it is opaque everywhere.
    An image that a camera marked as turned (EXIF) is turned upright. Files of one category may
    differ in size; each is resized.

    Returns
    -------
    numpy.ndarray
        uint8, 3 × size × size.

    Raises
    ------
    DataError
        When the file is not an image, is cut short, holds more than one picture, has more than 8
        bits a channel or other colours than RGB, is partly transparent, or is not square (it would
        be distorted).
    """
    with opened_image(path) as image:
        if image.width != image.height:
            raise DataError(
                f"{path} is {image.width} × {image.height} pixels. Images must be square, or they "
                "would be distorted: crop or pad all of them alike."
            )
        picture = _decoded(image, path)
    if picture.width != size:
        picture = picture.resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(picture).transpose(2, 0, 1)


def read_mask(
    path: Path, size: int, image_size: tuple[int, int], orientation: int = 1
) -> np.ndarray:
    """Decode a mask and resize it by nearest neighbour to ``size`` × ``size``.

    A pixel is defective when it is not black. A file may hold black and one other value (255, or 1
    as in 1-bit files); of a palette the colours count, not their numbers. Nearest neighbour keeps
    the mask exact where it is kept, but a region thinner than a pixel of the new size can vanish;
    if all of it would, the pixels that its pixels fall into are marked instead, so that a defective
    image never loses its mask.

    Parameters
    ----------
    path
        The file.
    size
        Side of the mask that is returned.
    image_size, orientation
        Of its image: width and height of the upright picture, and what `read_orientation` says. A
        mask is turned as its image is if it bears the same mark; if it does not, nobody can tell
        which way round it was drawn, and it is refused.

    Returns
    -------
    numpy.ndarray
        bool, size × size.

    Raises
    ------
    DataError
        When the file is not an image, is cut short, has another size or orientation than its image,
        is partly transparent, marks nothing, or holds more than two values.
    """
    with opened_image(path) as image:
        if (own := _orientation(image)) != orientation:
            raise DataError(
                f"{path} has the EXIF orientation {own}, its image {orientation}, so it cannot be "
                "told which way round the mask was drawn. Save the image upright, without EXIF, "
                "and the mask to match."
            )
        if (own_size := _upright_size(image)) != image_size:
            raise DataError(
                f"{path} is {own_size[0]} × {own_size[1]} pixels, its image "
                f"{image_size[0]} × {image_size[1]}. Draw the mask at the size of the image."
            )
        _check_opaque(image, path)
        indirect = image.mode == "P" or len(image.getbands()) > 1
        if indirect:
            _check_depth(image, path)
        picture = _upright(image)
        values = np.asarray(picture.convert("RGB") if indirect else picture)
    if values.ndim == 3:
        values = values.max(axis=2)
    levels = np.unique(values)
    if len(levels) > 2 or (len(levels) == 2 and levels[0] != 0):
        raise DataError(
            f"{path} holds {len(levels)} different values, {levels[0]} to {levels[-1]}. A mask is "
            "255 on the defect and 0 elsewhere: save it as PNG, without smoothing."
        )
    marked = values != 0
    if not marked.any():
        raise DataError(
            f"{path} marks nothing, but its image lies among the defective ones. Draw the defect, "
            "or move the image to test/good."
        )
    return _shrink(marked, size)


def _shrink(marked: np.ndarray, size: int) -> np.ndarray:
    whole = Image.fromarray(marked.astype(np.uint8))
    small = np.asarray(whole.resize((size, size), Image.Resampling.NEAREST)) > 0
    if not small.any():
        rows, columns = np.nonzero(marked)
        small = np.zeros((size, size), bool)
        small[rows * size // marked.shape[0], columns * size // marked.shape[1]] = True
    return small


def in_parallel(work: Callable[[Item], Result], items: Iterable[Item], title: str) -> list[Result]:
    """Apply ``work`` to all items in threads, in order, with a progress bar."""
    items = list(items)
    # Pillow and hashlib let go of the interpreter lock while they work.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        done = pool.map(work, items)
        return list(tqdm(done, total=len(items), desc=title, leave=False, delay=1))


def stacked(
    work: Callable[[Item], np.ndarray],
    items: Sequence[Item],
    shape: tuple[int, ...],
    dtype: type,
    title: str,
) -> np.ndarray:
    """Return what ``work`` makes of each item, each of ``shape``, as one array."""
    whole = np.empty((len(items), *shape), dtype)

    def put(index: int) -> None:
        whole[index] = work(items[index])

    in_parallel(put, range(len(items)), title)
    return whole


def _decoded(image: Image.Image, path: Path) -> Image.Image:
    _check_depth(image, path)
    if image.mode not in COLOURS:
        raise DataError(
            f"{path} has the colours {image.mode}, which cannot be turned into RGB exactly. Save "
            "it in RGB or grey."
        )
    _check_opaque(image, path)
    return _upright(image).convert("RGB")


def _upright(image: Image.Image) -> Image.Image:
    # Pillow's own exif_transpose writes the other tags anew, and fails on odd ones.
    turn = TURNS.get(_orientation(image))
    image.load()
    # Pillow turns a TIFF file itself, when it decodes it.
    return image if turn is None or image.format == "TIFF" else image.transpose(turn)


def _upright_size(image: Image.Image) -> tuple[int, int]:
    lies = _orientation(image) >= 5 and image.format != "TIFF"
    return image.size[::-1] if lies else image.size


def _check_depth(image: Image.Image, path: Path) -> None:
    # Pillow shortens 16-bit colour to RGB without a word; only the raw mode tells.
    raw = " ".join(str(tile[3]) for tile in image.tile)
    if image.mode.startswith(("I", "F")) or re.search(r";16[BLN]", raw):
        raise DataError(
            f"{path} has more than 8 bits a channel. Convert it to 8 bits, with the same scaling "
            "for all images of the category."
        )


def _check_opaque(image: Image.Image, path: Path) -> None:
    if not image.has_transparency_data:
        return
    if image.convert("RGBA").getchannel("A").getextrema()[0] < 255:
        raise DataError(
            f"{path} is partly transparent. Save it without an alpha channel, on the background "
            "it shall have."
        )


def _orientation(image: Image.Image) -> int:
    value = image.getexif().get(ORIENTATION, 1)
    _check_exif(image.info.get("exif", b"").removeprefix(b"Exif\0\0"))
    if not (isinstance(value, int) and 0 <= value <= 8):
        raise ValueError(f"its EXIF orientation is {value!r}, not a number from 1 to 8")
    return value or 1  # some cameras write 0 where they do not know


def _check_exif(block: bytes) -> None:
    """Raise ``ValueError`` when EXIF data (a TIFF file of its own) end before what they list.

    Pillow only warns of it, and leaves out what is listed after, the orientation perhaps.
    """
    if not block:
        return
    order = ">" if block[:2] == b"MM" else "<"
    try:
        (start,) = struct.unpack_from(f"{order}I", block, 4)
        (count,) = struct.unpack_from(f"{order}H", block, start)
        for number in range(count):
            kind, length, place = struct.unpack_from(
                f"{order}2xHII", block, start + 2 + 12 * number
            )
            size = length * BYTES.get(kind, 0)
            if size > 4 and place + size > len(block):
                raise ValueError(CUT)
    except struct.error as error:
        raise ValueError(CUT) from error


@contextmanager
def opened_image(path: Path, whole: bool = True) -> Iterator[Image.Image]:
    """Open an image file that claims nothing it should not, ready to be decoded in the block.

    Parameters
    ----------
    path
        A PNG, JPEG, BMP, TIFF or WebP file.
    whole
        Whether the checksums that a PNG file holds are verified; a look at the header needs none.

    Raises
    ------
    DataError
        When the file is no such image, is damaged, claims more than `MOST_PIXELS` or holds several
        pictures; or when whatever goes wrong in the block has to do with its bytes.
    """
    try:
        # A PNG's pixels are decoded without a look at their checksums.
        if whole:
            with Image.open(path, formats=FORMATS) as image:
                _check_claims(image, path)
                image.verify()
        with Image.open(path, formats=FORMATS) as image:
            _check_claims(image, path)
            yield image
    except DataError:
        raise
    except Image.DecompressionBombError as error:
        raise DataError(f"{path} is too large ({error}). Make it smaller.") from error
    except Exception as error:
        if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
            raise DataError(unreadable(path, error)) from error
        # Pillow raises whatever the bytes provoke: struct, zlib, index and type errors.
        raise DataError(
            f"{path} cannot be read as an image ({str(error) or type(error).__name__}). It may be "
            "cut short or no image at all: copy it again, or remove it."
        ) from error


def _check_claims(image: Image.Image, path: Path) -> None:
    """Refuse what the header says, before any pixel is decoded."""
    if image.width * image.height > MOST_PIXELS:
        raise DataError(
            f"{path} is too large ({image.width} × {image.height} pixels; at most {MOST_PIXELS:,} "
            "are read). Make it smaller."
        )
    # A photograph may bring a preview of itself along (MPO); pages and animations are pictures.
    if getattr(image, "is_animated", False) and image.format != "MPO":
        raise DataError(
            f"{path} holds more than one picture (pages or an animation). Save each as a file of "
            "its own."
        )
