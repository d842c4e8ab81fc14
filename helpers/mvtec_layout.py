"""MVTec AD's folder layout: where a category lies, and which files make it up."""

import os
from dataclasses import dataclass
from pathlib import Path

from helpers.errors import DataError, nearest
from helpers.places import data_folder

# Bergmann et al., CVPR 2019, Table 1.
CATEGORIES = (
    "bottle", "cable", "capsule", "carpet", "grid", "hazelnut", "leather", "metal_nut", "pill",
    "screw", "tile", "toothbrush", "transistor", "wood", "zipper",
)  # fmt: skip
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"})
GENERATED = "generated"
# What file managers leave behind; every other file among the images is a mistake worth naming.
LITTER = frozenset({"thumbs.db", "desktop.ini"})


@dataclass(frozen=True)
class ImageFile:
    """One image of a category; paths are relative to the category's folder, with ``/``."""

    split: str
    defect: str
    file: str
    mask: str


def category_folder(name: str, root: str | Path | None = None) -> Path | None:
    """Find a category: in ``root``, else in ``MVTEC_ROOT``, else in ``data/mvtec``.

    Returns
    -------
    Path or None
        The category's folder; ``None`` when it is to be generated, because ``root`` or
        ``MVTEC_ROOT`` says ``"generated"``, or because nothing is named and nothing is there.

    Raises
    ------
    DataError
        When a root is named and is missing, lies at another level, or lacks the category; or when
        nothing is named and the category cannot be generated.
    """
    named = root if root is not None else os.environ.get("MVTEC_ROOT") or None
    default = data_folder() / "mvtec"
    if str(named) == GENERATED or (named is None and not (default / name).is_dir()):
        if name != "hazelnut":
            raise DataError(_not_there(name, default if named is None else None))
        return None
    where = Path(named) if named is not None else default
    _check_level(where, name)
    if not (where / name).is_dir():
        raise DataError(_not_there(name, where))
    return where / name


def _not_there(name: str, where: Path | None) -> str:
    present = _categories_in(where) if where else []
    known = sorted({*CATEGORIES, *present})
    if name not in known:
        return f"there is no category '{name}'. {nearest(name, known)}"
    place = f"is not in {where}" if where else "cannot be generated"
    has = f" (which holds {', '.join(present)})" if present else ""
    return (
        f"the category '{name}' {place}{has}. Fetch it with `python -m helpers.fetch {name}`, or "
        "set MVTEC_ROOT to the folder that holds it. Only hazelnut can be generated."
    )


def _categories_in(where: Path) -> list[str]:
    return sorted(path.parent.parent.name for path in where.glob("*/train/good"))


def _check_level(where: Path, name: str) -> None:
    if not where.is_dir():
        raise DataError(
            f"{where} is not a folder. Set MVTEC_ROOT (or root) to the folder that holds the "
            "categories, or leave it out to use generated hazelnuts."
        )
    if (where / name).is_dir():
        return
    above = [
        folder for folder in (where, *where.parents[:3]) if (folder / "train" / "good").is_dir()
    ]
    if above:
        right = above[0].parent
        raise DataError(
            f"{where} lies inside the category '{above[0].name}'. Give the folder that holds the "
            f"categories: {right}"
        )
    below = sorted(where.glob("*/*/train/good"))
    if below:
        raise DataError(
            f"{where} lies above the categories. Give the folder that holds them: "
            f"{below[0].parents[2]}"
        )


def list_files(folder: Path) -> list[ImageFile]:
    """List the images of a category in the order train, test, by defect and name.

    Hidden files and what file managers leave behind are passed over.

    Raises
    ------
    DataError
        When there is no training image, a file is no image, a defective image has no mask, a mask
        has no image, or the test set lacks good or defective images.
    """
    train = [ImageFile("train", "good", file, "") for file in _images(folder, "train/good")]
    if not train:
        raise DataError(
            f"{folder / 'train' / 'good'} holds no image. Put good images there "
            f"({', '.join(sorted(SUFFIXES))})."
        )
    test = [
        ImageFile("test", defect, file, _mask_of(folder, file) if defect != "good" else "")
        for defect in _subfolders(folder / "test")
        for file in _images(folder, f"test/{defect}")
    ]
    _check_test(folder, test)
    return train + test


def _subfolders(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def _images(folder: Path, inside: str) -> list[str]:
    place = folder / inside
    if not place.is_dir():
        return []
    found = []
    for path in sorted(place.iterdir()):
        if path.name.startswith(".") or path.name.lower() in LITTER:
            continue
        if path.suffix.lower() not in SUFFIXES or not path.is_file():
            raise DataError(f"{path} is not an image. Move it out of the data set.")
        found.append(f"{inside}/{path.name}")
    return found


def _mask_of(folder: Path, file: str) -> str:
    _, defect, name = file.split("/")
    stem = Path(name).stem
    wanted = f"ground_truth/{defect}/{stem}_mask.png"
    if not (folder / wanted).is_file():
        raise DataError(
            f"{folder / file} has no mask. Put it at {folder / wanted}, of the image's size, 255 "
            "on the defect and 0 elsewhere; or move the image out of the test set."
        )
    return wanted


def _check_test(folder: Path, test: list[ImageFile]) -> None:
    masks = {f"ground_truth/{d}/{Path(m).name}" for d in _subfolders(folder / "ground_truth")
             for m in _images(folder, f"ground_truth/{d}")}  # fmt: skip
    for stray in sorted(masks - {image.mask for image in test}):
        raise DataError(
            f"{folder / stray} is the mask of no image. Put the image into "
            f"{folder / 'test' / stray.split('/')[1]}, or remove the mask."
        )
    for wanted, there in (
        ("good", any(image.defect == "good" for image in test)),
        ("defective", any(image.defect != "good" for image in test)),
    ):
        if not there:
            place = folder / "test" / ("good" if wanted == "good" else "<name of the defect>")
            raise DataError(
                f"{folder / 'test'} has no {wanted} image, so nothing can be measured. Put some "
                f"into {place}."
            )
