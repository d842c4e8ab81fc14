"""What the writers and readers of annotation files share: pictures, texts, sets, clear errors."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from helpers.annotations.objects import AnnotatedImage, Annotation, AnnotationSet
from helpers.annotations.regions import Region
from helpers.data import decode
from helpers.errors import DataError

# For each picture its name, its width and height, and for each object class and region.
Drawn = Sequence[tuple[str, tuple[int, int], Sequence[tuple[str, Region]]]]


def annotation_set(
    path: Path, drawn: Drawn, listed: Sequence[str] = (), name: str = ""
) -> AnnotationSet:
    """Return the set of what was drawn; classes as listed, then by name what else occurs.

    Raises
    ------
    DataError
        When names are missing or occur twice.
    """
    used = {label for *_, objects in drawn for label, _ in objects}
    classes = (*dict.fromkeys(listed), *sorted(used - set(listed)))
    with located(str(path)):
        images = tuple(
            AnnotatedImage(file, *size, tuple(Annotation(classes.index(c), r) for c, r in objects))
            for file, size, objects in drawn
        )
        return AnnotationSet(name or path.stem, classes, images)


@contextmanager
def located(where: str) -> Iterator[None]:
    """Turn a ValueError from inside into a DataError that says where it comes from."""
    try:
        yield
    except DataError:
        raise
    except ValueError as error:
        raise DataError(f"{where}: {error}") from error


def save_picture(picture: np.ndarray, path: Path) -> None:
    """Write a picture (uint8, 3×H×W) to a file; its ending, .png or .jpg, decides the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # JPEG at 95 without colour subsampling: what it loses cannot be seen.
    options = {"compress_level": 3} if path.suffix == ".png" else {"quality": 95, "subsampling": 0}
    Image.fromarray(np.ascontiguousarray(picture.transpose(1, 2, 0))).save(path, **options)


def save_text(text: str, path: Path) -> None:
    """Write a text file, UTF-8 with plain line ends on every system."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def load_json(path: Path) -> object:
    """Read a JSON file.

    Raises
    ------
    DataError
        When it is not there or is not JSON.
    """
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise DataError(f"{path} is not JSON ({error}). Export it again.") from error


def read_text(path: Path) -> str:
    """Read a text file, or raise a DataError that names it."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path} cannot be read ({error}). Check the path, or export the file again."
        ) from error


def upright_size(path: Path) -> tuple[int, int]:
    """Return width and height of a picture as it is shown, turned as its camera says (EXIF).

    Raises
    ------
    DataError
        When the picture is missing or cannot be read.
    """
    if not path.is_file():
        raise DataError(
            f"{path} is missing, though it is annotated. Put the picture there, or remove its "
            "annotation."
        )
    return decode.upright_size(path)
