"""From image files to arrays: checked, of one size, in parallel."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image
from tqdm import tqdm

from helpers.errors import DataError

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_PIXELS = 89_478_485  # from which on Pillow warns of a decompression bomb; 256 MiB of RGB
ORIENTATION = 0x0112
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
    with opened_image(path) as image:
        return *image.size, image.mode


def upright_size(path: Path) -> tuple[int, int]:
    """Return width and height of a picture as it is shown, turned as its camera says (EXIF).

    Raises
    ------
    DataError
        When the file is not an image.
    """
    with opened_image(path) as image:
        return image.size[::-1] if _orientation(image) >= 5 else image.size


def read_picture(path: Path) -> Image.Image:
    """Decode a picture of any shape, upright, to 8-bit RGB; see `read_image` for what is refused.

    Raises
    ------
    DataError
        As for `read_image`, but for the shape.
    """
    with opened_image(path) as image:
        if _is_deep(image):
            raise DataError(
                f"{path} has more than 8 bits a channel. Convert it to 8 bits, with the same "
                "scaling for all images of the category."
            )
        _check_opaque(image, path)
        return upright(image).convert("RGB")


def upright(image: Image.Image) -> Image.Image:
    """Return an image turned as its camera says (EXIF)."""
    # Pillow's own exif_transpose writes the other tags anew, and fails on odd ones.
    turn = TURNS.get(_orientation(image))
    return image if turn is None else image.transpose(turn)


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
        When the file is not an image, is cut short, has more than 8 bits a channel, is partly
        transparent, or is not square (it would be distorted).
    """
    picture = read_picture(path)
    if picture.width != picture.height:
        raise DataError(
            f"{path} is {picture.width} × {picture.height} pixels. Images must be square, or they "
            "would be distorted: crop or pad all of them alike."
        )
    if picture.width != size:
        picture = picture.resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(picture).transpose(2, 0, 1)


def read_mask(path: Path, size: int, image_size: tuple[int, int]) -> np.ndarray:
    """Decode a mask and resize it by nearest neighbour to ``size`` × ``size``.

    A pixel is defective when it is not black. A file may hold black and one other value (255, or 1
    as in 1-bit files); of a palette the colours count, not their numbers. Nearest neighbour keeps
    the mask exact where it is kept, but a region thinner than a pixel of the new size can vanish;
    if all of it would, the pixels that its pixels fall into are marked instead, so that a defective
    image never loses its mask.

    Returns
    -------
    numpy.ndarray
        bool, size × size.

    Raises
    ------
    DataError
        When the file is not an image, is cut short, has another size than its image, is partly
        transparent, marks nothing, or holds more than two values.
    """
    with opened_image(path) as image:
        if image.size != image_size:
            raise DataError(
                f"{path} is {image.width} × {image.height} pixels, its image "
                f"{image_size[0]} × {image_size[1]}. Draw the mask at the size of the image."
            )
        _check_opaque(image, path)
        indirect = image.mode == "P" or len(image.getbands()) > 1
        values = np.asarray(image.convert("RGB") if indirect else image)
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


def _is_deep(image: Image.Image) -> bool:
    # Pillow shortens 16-bit colour to RGB without a word; only the raw mode tells.
    raw = " ".join(str(tile[3]) for tile in image.tile)
    return image.mode.startswith(("I", "F")) or re.search(r";16[BLN]", raw) is not None


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
    if not isinstance(value, int):
        raise ValueError(f"its EXIF orientation is {value!r}, not a number")
    return value


@contextmanager
def opened_image(path: Path) -> Iterator[Image.Image]:
    """Open an image, and turn whatever goes wrong in decoding into a DataError."""
    try:
        with Image.open(path) as image:
            if image.width * image.height > MOST_PIXELS:
                raise Image.DecompressionBombError(
                    f"{image.width} × {image.height} pixels; at most {MOST_PIXELS} are read"
                )
            yield image
    except DataError:
        raise
    except Image.DecompressionBombError as error:
        raise DataError(f"{path} is too large ({error}). Make it smaller.") from error
    except Exception as error:
        # Pillow raises whatever the bytes provoke: struct, zlib, index and type errors.
        raise DataError(
            f"{path} cannot be read as an image ({error}). It may be cut short or no image at "
            "all: copy it again, or remove it."
        ) from error
