"""A category of images: train, test, labels, masks, and where they came from."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

from helpers.data.cache import cached, fingerprint
from helpers.data.category import MASK_SIZE, Category
from helpers.data.decode import (
    in_parallel,
    read_header,
    read_image,
    read_mask,
    read_orientation,
    stacked,
    upright_size,
)
from helpers.data.mvtec import CATEGORIES, ImageFile, category_folder, list_files
from helpers.errors import DataError
from helpers.files import make_folder_once, megabytes
from helpers.hazelnuts import render
from helpers.hazelnuts.tiers import TIERS
from helpers.paths import data_folder

# Part of every cache key: raise it when decoding changes.
DECODING = 2
LARGEST = 4096  # pixels; MVTec AD's own images have 700 to 1024
CONTENT = ".fingerprint"  # file beside generated images that tells what was generated


def load_category(
    name: str = "hazelnut", size: int = 256, root: str | Path | None = None
) -> Category:
    """Load a category from MVTec AD's layout, or generate it, and say which.

    Looked for in ``root``, else in the folder that ``MVTEC_ROOT`` names, else in ``data/mvtec``.
    When nothing is named and nothing is there, or the word ``"generated"`` is given, hazelnuts
    are generated. Decoded arrays are kept in ``data/cache``; a changed file is noticed.

    Parameters
    ----------
    name
        Category, that is, name of the folder.
    size
        Side of the square images in pixels. Images are resized with anti-aliasing, masks by
        nearest neighbour.
    root
        Folder that holds the categories.

    Raises
    ------
    DataError
        When the files cannot be used as they are; the message names the file and the remedy.
    ValueError
        When the size is not a whole number from 1 to `LARGEST`, or the images of this size do not
        fit into the machine's memory.
    """
    _check_size(size)
    folder = category_folder(name, root)
    if folder is None:
        if root is None and not os.environ.get("MVTEC_ROOT"):
            print("MVTec AD is not here (the set-up page says how to get it): generated hazelnuts.")
        return generate_category(size)
    source = "MVTec AD" if name in CATEGORIES else "own pictures"
    return _read(name, folder, list_files(folder), size, source)


def generate_category(
    size: int = 256,
    counts: Mapping[str, int] = render.MVTEC_COUNTS,
    seed: int = 0,
    tier: str = "real",
) -> Category:
    """Generate hazelnuts (once; afterwards they are on disk) and load them.

    Parameters
    ----------
    size
        Side of the square images, at most 1024 pixels.
    counts
        Images of each class, such as ``{"train/good": 100, "test/good": 20, "test/crack": 20}``.
    seed
        Another seed, other nuts.
    tier
        How visible the defects are: ``"easy"``, ``"real"`` or ``"hard"``.

    Raises
    ------
    ValueError
        When size, counts, seed or tier are out of range, or the counts make a training or test set
        that nothing can be measured on.
    """
    _check_size(size, render.LARGEST)
    good = ("train/good", "test/good")
    if not (
        all(map(counts.get, good)) and any(counts[name] for name in counts if name not in good)
    ):
        raise ValueError(
            "counts must ask for training images, good test images and images of at least one "
            f"defect, such as 'test/crack'; got {dict(counts)}."
        )
    folder, files, content = _generated(size, counts, seed, tier)
    recipe = (render.REVISION, DECODING, int(size), sorted(counts.items()), seed, TIERS[tier])
    category = _read("hazelnut", folder, files, size, "generated", content)
    return replace(category, fingerprint=_digest(recipe, 16), tier=tier)


def list_images(name: str = "hazelnut", root: str | Path | None = None) -> pd.DataFrame:
    """List all images of a category, with what their headers say.

    Parameters
    ----------
    name, root
        As for `load_category`.

    Returns
    -------
    pandas.DataFrame
        One row an image: split, defect, file, width, height, mode (Pillow's), mask (file, or
        empty). ``attrs["folder"]`` is the folder that the files are relative to.

    Raises
    ------
    DataError
        As for `load_category`, as far as names and headers show.
    """
    folder = category_folder(name, root)
    folder, files = (folder, list_files(folder)) if folder else _generated(256)[:2]
    headers = in_parallel(lambda image: read_header(folder / image.file), files, "reading headers")
    table = pd.DataFrame(
        [
            (image.split, image.defect, image.file, *header, image.mask)
            for image, header in zip(files, headers, strict=True)
        ],
        columns=["split", "defect", "file", "width", "height", "mode", "mask"],
    )
    table.attrs["folder"] = str(folder)
    return table


def _check_size(size: int, largest: int = LARGEST) -> None:
    whole = isinstance(size, int | np.integer) and not isinstance(size, bool)
    if not (whole and 1 <= size <= largest):
        raise ValueError(
            f"size must be a whole number of pixels from 1 to {largest}; got {size!r}."
        )


def _generated(
    size: int,
    counts: Mapping[str, int] = render.MVTEC_COUNTS,
    seed: int = 0,
    tier: str = "real",
) -> tuple[Path, list[ImageFile], str]:
    """Return the folder of generated images, made if need be, its files and their fingerprint."""
    # One set serves all small sizes: it is shrunk when it is read, as real images are.
    size = max(size, 256)
    # The renderer's own source is part of the name, so that a changed one never meets old files.
    source = Path(render.__file__).parent
    code = [module.read_bytes() for module in sorted(source.glob("*.py"))]
    key = _digest((size, sorted(counts.items()), seed, tier, code), 8)
    folder = data_folder() / "generated" / f"{size}-{key}" / "hazelnut"
    files: list[ImageFile] = []
    content = ""

    def look(folder: Path) -> None:
        nonlocal files, content
        files = list_files(folder)
        content = fingerprint(folder, _names(files))

    def fill(work: Path) -> None:
        render.write_category(work, size=size, counts=counts, seed=seed, tier=tier)
        look(work)
        (work / CONTENT).write_text(content, "utf-8")

    def is_as_generated(folder: Path) -> bool:
        try:
            look(folder)
            return content == (folder / CONTENT).read_text("utf-8")
        except (OSError, ValueError):
            return False

    make_folder_once(folder, fill, is_as_generated)
    return folder, files, content


def _digest(parts: object, size: int) -> str:
    return hashlib.blake2b(repr(parts).encode(), digest_size=size).hexdigest()


def _names(files: list[ImageFile]) -> list[str]:
    return [image.file for image in files] + [image.mask for image in files if image.mask]


def _read(
    name: str, folder: Path, files: list[ImageFile], size: int, source: str, content: str = ""
) -> Category:
    """Read a category; ``content`` is the fingerprint of its files, where it is known already."""
    names, settings = _names(files), {"size": int(size), "decoding": DECODING}
    key = _digest((content, settings), 16) if content else fingerprint(folder, names, **settings)
    train = [image for image in files if image.split == "train"]
    test = [image for image in files if image.split == "test"]
    place = data_folder() / "cache" / f"{name}-{size}-{key}"
    _check_memory((3 * len(files) + len(test)) * int(size) ** 2 + len(test) * MASK_SIZE**2, size)

    def decode() -> dict[str, np.ndarray]:
        made = _decode(folder, train, test, size)
        now = fingerprint(folder, names, **({} if content else settings))
        if now != (content or key):
            raise DataError(
                f"{folder} changed while its images were read. Run again when nothing writes there."
            )
        return made

    arrays = cached(place, ("fine_masks", "masks", "test", "train"), decode)
    defects = np.array([image.defect for image in test])
    print(
        f"{name}: {len(train)} training and {len(test)} test images, {source}, {size} pixels wide"
    )
    return Category(
        name=name,
        train=arrays["train"],
        test=arrays["test"],
        labels=(defects != "good").astype(np.int64),
        defects=defects,
        masks=arrays["masks"],
        fine_masks=arrays["fine_masks"],
        source=source,
        fingerprint=key,
        train_files=tuple(image.file for image in train),
        test_files=tuple(image.file for image in test),
    )


def _check_memory(needed: int, size: int) -> None:
    there = psutil.virtual_memory().total
    if needed > there:
        raise ValueError(
            f"size={size} needs {megabytes(needed)} for these images, and this machine has "
            f"{megabytes(there)} of memory. Choose a smaller size."
        )


def _decode(
    folder: Path, train: list[ImageFile], test: list[ImageFile], size: int
) -> dict[str, np.ndarray]:
    def picture(image: ImageFile) -> np.ndarray:
        return read_image(folder / image.file, size)

    def masks(side: int) -> np.ndarray:
        def mask(image: ImageFile) -> np.ndarray:
            if not image.mask:
                return np.zeros((side, side), bool)
            path = folder / image.file
            return read_mask(folder / image.mask, side, upright_size(path), read_orientation(path))

        return stacked(mask, test, (side, side), bool, "decoding masks")

    return {
        "fine_masks": masks(MASK_SIZE),
        "masks": masks(size),
        "test": stacked(picture, test, (3, size, size), np.uint8, "decoding test images"),
        "train": stacked(picture, train, (3, size, size), np.uint8, "decoding training images"),
    }
