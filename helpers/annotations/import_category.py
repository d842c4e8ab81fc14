"""From annotated pictures of one's own to the book's `Category`, by way of MVTec AD's layout."""

import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from helpers.annotations.formats.files import located, upright_size
from helpers.annotations.objects import AnnotatedImage, AnnotationSet, check_apart, safe_name
from helpers.data.category import Category
from helpers.data.decode import read_picture
from helpers.data.load import load_category
from helpers.errors import DataError
from helpers.files import make_new_folder

SEVERAL = "combined"  # MVTec AD's own word for pictures with more than one type of defect


def import_category(
    annotations: AnnotationSet,
    pictures: str | Path,
    folder: str | Path,
    size: int = 256,
    good_for_test: float = 0.2,
    seed: int = 0,
) -> Category:
    """Write annotated pictures in MVTec AD's layout, and load them.

    Afterwards the whole book works on them: set ``MVTEC_ROOT`` to the folder that holds ``folder``,
    and ``ONE_BAD_NUT_CATEGORY`` to its name.

    Parameters
    ----------
    annotations
        From ``read_coco``, ``read_yolo``, ``read_label_studio`` or ``read_cvat``.
    pictures
        Folder that the names in ``annotations`` are relative to.
    folder
        Where to write; not there yet, or empty. Its name is the category's.
    size
        Side of the square images that are returned, in pixels.
    good_for_test
        Share of the good pictures that the detector must not learn from.
    seed
        Of their choice.

    Raises
    ------
    DataError
        When a picture is missing, has another size than was annotated or is one that
        `load_category` refuses, two pictures or classes would get one name, there are fewer than
        two good pictures or no defective one, or the folder cannot be written. Then there is none.
    ValueError
        When the share is not between 0 and 1, or the size is none.
    """
    folder = Path(folder).absolute()
    write_mvtec(folder, annotations, pictures, good_for_test, seed)
    try:
        return load_category(folder.name, size=size, root=folder.parent)
    except ValueError:
        shutil.rmtree(folder)
        raise


def write_mvtec(
    folder: str | Path,
    annotations: AnnotationSet,
    pictures: str | Path,
    good_for_test: float = 0.2,
    seed: int = 0,
) -> Path:
    """Write annotated pictures in MVTec AD's layout, all of them or none.

    A picture without an object is good; one with objects of several classes is ``combined``. A
    picture that is not square is padded with black on the right or below, so that no coordinate
    changes; one that its camera marked as turned (EXIF) is written upright. An object known by its
    box alone has the filled box as its mask.

    Parameters and errors are those of `import_category`.
    """
    if not 0 < good_for_test < 1:
        raise ValueError(f"good_for_test must lie between 0 and 1; got {good_for_test}.")
    pictures = Path(pictures)
    good = [row for row, image in enumerate(annotations.images) if not image.annotations]
    if len(good) < 2 or len(good) == len(annotations.images):
        raise DataError(
            f"{annotations.name} has {len(good)} good and {len(annotations.images) - len(good)} "
            "defective pictures. A detector learns from good pictures and is tested on both: add "
            "2 good ones or more, without any object, and 1 defective one or more."
        )
    count = int(np.clip(round(good_for_test * len(good)), 1, len(good) - 1))
    tested = set(np.random.default_rng(seed).permutation(good)[:count].tolist())
    with located(annotations.name):
        names = annotations.flat_names()
        defects = _defects(annotations)
    for image in annotations.images:
        _check_size(image, pictures)

    def fill(work: Path) -> None:
        for part in ("train/good", "test/good"):
            (work / part).mkdir(parents=True)
        for row, (image, defect) in enumerate(zip(annotations.images, defects, strict=True)):
            part = "train" if defect == "good" and row not in tested else "test"
            _save(read_picture(pictures / image.file), work / part / defect / f"{names[row]}.png")
            if defect != "good":
                mask = Image.fromarray(image.mask().astype(np.uint8) * 255)
                _save(mask, work / "ground_truth" / defect / f"{names[row]}_mask.png")

    return make_new_folder(folder, fill)


def _defects(annotations: AnnotationSet) -> list[str]:
    """Return for each picture the folder it belongs to; ValueError where folders would merge."""
    folders = [safe_name(name) for name in annotations.classes]
    several = [len({a.label for a in image.annotations}) > 1 for image in annotations.images]
    more = [SEVERAL] if any(several) else []
    check_apart(
        [*folders, *more],
        [*annotations.classes, *(f"the pictures with several classes ({SEVERAL})" for _ in more)],
    )
    return [
        SEVERAL
        if combined
        else folders[image.annotations[0].label]
        if image.annotations
        else "good"
        for image, combined in zip(annotations.images, several, strict=True)
    ]


def _check_size(image: AnnotatedImage, pictures: Path) -> None:
    size = upright_size(pictures / image.file)
    if size != (image.width, image.height):
        raise DataError(
            f"{pictures / image.file} is {size[0]} × {size[1]} pixels, but it was annotated at "
            f"{image.width} × {image.height}. Use the very picture that was annotated; if a camera "
            "marked it as turned (EXIF), save it upright and annotate that."
        )


def _save(picture: Image.Image, path: Path) -> None:
    side = max(picture.size)
    square = picture
    if picture.size != (side, side):
        square = Image.new(picture.mode, (side, side))
        square.paste(picture, (0, 0))
    path.parent.mkdir(parents=True, exist_ok=True)
    square.save(path, compress_level=3)
