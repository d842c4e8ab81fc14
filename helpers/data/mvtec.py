"""MVTec AD's folder layout: where a category lies, and which files make it up."""

import glob
import os
from dataclasses import dataclass
from pathlib import Path

from helpers.errors import DataError, did_you_mean
from helpers.files import readable
from helpers.paths import data_folder, named_path

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
        When a root is named and is missing, cannot be read, lies at another level, or lacks the
        category; or when nothing is named and the category cannot be generated.
    """
    if not (_is_text(name) and Path(name).name == name != "") or name.startswith("."):
        told = did_you_mean(str(name), CATEGORIES)
        raise DataError(f"{name!r} is not the name of a category. {told}")
    named = root if root is not None else os.environ.get("MVTEC_ROOT") or None
    where = data_folder() / "mvtec"
    if named is not None:
        where = named_path(named, "MVTEC_ROOT" if root is None else "root").absolute()
    with readable(where):
        return _found(name, named, where)


def _found(name: str, named: str | Path | None, where: Path) -> Path | None:
    if named is None:
        _check_not_above(where, name)
    if str(named) == GENERATED or (named is None and not (where / name).is_dir()):
        if name != "hazelnut":
            raise DataError(_not_there(name, where if named is None else None))
        return None
    if not where.is_dir():
        raise DataError(
            f"{where} is not a folder. Set MVTEC_ROOT (or root) to the folder that holds the "
            "categories, or leave it out to use generated hazelnuts."
        )
    _check_not_above(where, name)
    _check_not_inside(where, name)
    if not (where / name).is_dir():
        raise DataError(_not_there(name, where))
    return where / name


def _not_there(name: str, where: Path | None) -> str:
    present = _categories_in(where) if where else []
    known = sorted({*CATEGORIES, *present})
    if name not in known:
        return f"there is no category '{name}'. {did_you_mean(name, known)}"
    place = f"is not in {where}" if where else "cannot be generated"
    has = f" (which holds {', '.join(present)})" if present else ""
    return (
        f"the category '{name}' {place}{has}. Fetch it with `python -m helpers.data.fetch "
        f"{name}`, or set MVTEC_ROOT to the folder that holds it. Only hazelnut can be generated."
    )


def _categories_in(where: Path) -> list[str]:
    return [folder.parents[1].name for folder in _good_folders(where, "*")]


def _good_folders(where: Path, pattern: str) -> list[Path]:
    found = sorted(where.glob(f"{pattern}/train/good"))
    # A hidden one is being fetched right now.
    return [f for f in found if not any(p.startswith(".") for p in f.relative_to(where).parts)]


def _check_not_above(where: Path, name: str) -> None:
    if (where / name / "train" / "good").is_dir():
        return
    deeper = _good_folders(where, f"*/{glob.escape(name)}")
    if not deeper and not _categories_in(where):
        deeper = _good_folders(where, "*/*")
    if deeper:
        raise DataError(
            f"{where} lies above the categories. Give the folder that holds them, as MVTEC_ROOT "
            f"or root: {deeper[0].parents[2]}"
        )


def _check_not_inside(where: Path, name: str) -> None:
    if (where / name / "train" / "good").is_dir():
        return
    for folder in (where, *where.parents[:3]):
        if (folder / "train" / "good").is_dir():
            raise DataError(
                f"{where} lies inside the category '{folder.name}'. Give the folder that holds "
                f"the categories, as MVTEC_ROOT or root: {folder.parent}"
            )


def list_files(folder: Path) -> list[ImageFile]:
    """List the images of a category in the order train, test, by defect and name.

    Hidden files and what file managers leave behind are passed over.

    Raises
    ------
    DataError
        When a folder cannot be read, a name is not UTF-8, there is no training image, ``train``
        holds another folder than ``good``, a file is no image or lies outside the folders of its
        kind, a defective image has no mask or shares it, a mask has no image, or the test set lacks
        good or defective images.
    """
    with readable(folder):
        return _listed(folder)


def _listed(folder: Path) -> list[ImageFile]:
    for other in _subfolders(folder / "train"):
        if other != "good":
            raise DataError(
                f"{folder / 'train' / other} is not used: training images are good. Move it to "
                f"{folder / 'test' / other}, with its masks in {folder / 'ground_truth' / other}."
            )
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
    inside = _inside(folder)
    for path in inside:
        if not path.is_dir():
            raise DataError(
                f"{path} lies beside the folders of its kind, such as {folder / 'good'}. Move it "
                "into the right one, or out of the data set."
            )
    return [path.name for path in inside]


def _inside(folder: Path) -> list[Path]:
    """Return what lies in a folder, litter left out; nothing when there is no such folder."""
    if not folder.is_dir():
        return []
    inside = [path for path in sorted(folder.iterdir()) if not _is_litter(path)]
    for path in inside:
        if not _is_text(path.name):
            raise DataError(f"{path} has a name that is not UTF-8. Rename it.")
    return inside


def _is_text(name: object) -> bool:
    if not isinstance(name, str) or "\0" in name:
        return False
    # Python reads other bytes as surrogates, which can be neither printed nor kept in a record.
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _is_litter(path: Path) -> bool:
    return path.name.startswith(".") or path.name.lower() in LITTER


def _images(folder: Path, inside: str) -> list[str]:
    found = []
    for path in _inside(folder / inside):
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
            "on the defect and 0 elsewhere; or move the image out of the test set. Without masks, "
            "`helpers.data.load_photos` loads the folder, and image scores are measured alone."
        )
    return wanted


def _check_test(folder: Path, test: list[ImageFile]) -> None:
    used = [image.mask for image in test if image.mask]
    for shared in sorted({mask for mask in used if used.count(mask) > 1}):
        raise DataError(
            f"{folder / shared} is the mask of more than one image. Give the images names that "
            "differ in more than their endings, or remove all but one."
        )
    for stray in sorted(
        mask
        for defect in _subfolders(folder / "ground_truth")
        for mask in set(_images(folder, f"ground_truth/{defect}")) - set(used)
    ):
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
