"""From image files to arrays: checked, of one size, in parallel."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image, UnidentifiedImageError
from tqdm import tqdm

from helpers.errors import DataError

Item = TypeVar("Item")
Result = TypeVar("Result")

DEEP_MODES = ("I", "I;16", "I;16B", "I;16L", "F")


def read_header(path: Path) -> tuple[int, int, str]:
    """Return width, height and Pillow's mode of an image file, without decoding it.

    Raises
    ------
    DataError
        When the file is not an image.
    """
    with _opened(path) as image:
        return *image.size, image.mode


def read_image(path: Path, size: int) -> np.ndarray:
    """Decode an image and resize it, with anti-aliasing (bilinear), to ``size`` × ``size``.

    Grey and palette images become RGB. An alpha channel is dropped if it is opaque everywhere.

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
    with _opened(path) as image:
        if image.mode in DEEP_MODES:
            raise DataError(
                f"{path} has more than 8 bits a channel (mode {image.mode}). Convert it to 8 bits, "
                "with the same scaling for all images of the category."
            )
        if image.width != image.height:
            raise DataError(
                f"{path} is {image.width} × {image.height} pixels. Images must be square, or they "
                "would be distorted: crop or pad all of them alike."
            )
        if "A" in image.getbands() and image.getchannel("A").getextrema()[0] < 255:
            raise DataError(
                f"{path} is partly transparent. Save it without an alpha channel, on the "
                "background it shall have."
            )
        picture = image.convert("RGB")
        if picture.width != size:
            picture = picture.resize((size, size), Image.Resampling.BILINEAR)
        return np.asarray(picture).transpose(2, 0, 1)


def read_mask(path: Path, size: int, image_size: tuple[int, int]) -> np.ndarray:
    """Decode a mask and resize it by nearest neighbour to ``size`` × ``size``.

    A pixel is defective when it is not 0. A file may hold 0 and one other value (255, or 1 as in
    1-bit files). Nearest neighbour keeps the mask exact where it is kept, but a region thinner than
    a pixel of the new size can vanish; if all of it would, the pixels that its pixels fall into
    are marked instead, so that a defective image never loses its mask.

    Returns
    -------
    numpy.ndarray
        bool, size × size.

    Raises
    ------
    DataError
        When the file is not an image, is cut short, has another size than its image, marks
        nothing, or holds more than two values.
    """
    with _opened(path) as image:
        if image.size != image_size:
            raise DataError(
                f"{path} is {image.width} × {image.height} pixels, its image "
                f"{image_size[0]} × {image_size[1]}. Draw the mask at the size of the image."
            )
        values = np.asarray(image)
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


class _opened:  # noqa: N801
    """Open an image, and turn whatever goes wrong in decoding into a DataError."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Image.Image:
        try:
            self.image = Image.open(self.path)
        except (UnidentifiedImageError, OSError) as error:
            raise DataError(self._message(error)) from error
        return self.image

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        self.image.close()
        if isinstance(error, DataError) or error is None:
            return
        if isinstance(error, OSError | SyntaxError | ValueError):
            raise DataError(self._message(error)) from error

    def _message(self, error: BaseException) -> str:
        return (
            f"{self.path} cannot be read as an image ({error}). It may be cut short or no image at "
            "all: copy it again, or remove it."
        )
