"""What the writers and readers of annotation files share: pictures, texts, sets, clear errors."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from reprlib import repr as shown
from typing import Any

import numpy as np
from PIL import Image

from helpers.annotations.objects import (
    UNKNOWN,
    AnnotatedImage,
    Annotation,
    AnnotationSet,
    distinct,
)
from helpers.annotations.regions import Region
from helpers.data import decode
from helpers.errors import DataError

# For each picture its name, its width and height, and for each object class and region.
Drawn = Iterable[tuple[str, tuple[int, int], Iterable[tuple[str, Region]]]]
# Bounds of what is read, so that a small file cannot fill the memory: bytes of a text, and pixels
# of all outlined objects' boxes together (a filled box takes no memory).
MOST_BYTES, MOST_OUTLINED = 2**30, 2**30
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def annotation_set(
    path: Path, drawn: Drawn, listed: Sequence[str] = (), name: str = "", licence: str = UNKNOWN
) -> AnnotationSet:
    """Return the set of what was drawn; classes as listed, then by name what else occurs.

    An object that is there twice (same class, same pixels) is one object, and their number printed.

    Raises
    ------
    DataError
        When names are missing, unusable or occur twice, or the objects are too many pixels.
    """
    found, outlined = [], 0
    for file, size, objects in drawn:
        kept = []
        for label, region in objects:
            outlined += region.bits.size if any(region.bits.strides) else 0
            if outlined > MOST_OUTLINED:
                raise DataError(
                    f"{path}: up to picture {shown(file)} the objects' boxes hold more than "
                    f"{MOST_OUTLINED} pixels. Divide the file, or make the pictures smaller."
                )
            kept.append((label, region))
        found.append((file, size, kept))
    used = {label for *_, objects in found for label, _ in objects}
    classes = (*listed, *sorted(used - set(listed)))
    number = {label: place for place, label in enumerate(classes)}
    twice, images = 0, []
    with located(str(path)):
        for file, size, objects in found:
            once = distinct(Annotation(number[label], region) for label, region in objects)
            twice += len(objects) - len(once)
            images.append(AnnotatedImage(file, *size, once))
        if twice:
            print(
                f"{path.name}: {twice} objects are there twice (same class and pixels), read once"
            )
        return AnnotationSet(name or path.stem, classes, tuple(images), licence)


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


def load_json(path: Path, schema: Mapping, remedy: str) -> Any:
    """Read a JSON file that has the form a schema states.

    Raises
    ------
    DataError
        When it is not there, is not JSON, has a key twice or another form; it ends with ``remedy``.
    """
    text = read_text(path)
    try:
        content = json.loads(text, parse_constant=_no_number, object_pairs_hook=_each_once)
        check_form(path, content, schema, remedy)
        return content
    except DataError:
        raise
    except RecursionError as error:
        raise DataError(f"{path} is nested too deeply to be read. {remedy}") from error
    except ValueError as error:
        raise DataError(f"{path} is not JSON ({error}). Export it again.") from error


def check_form(path: Path, content: object, schema: Mapping, remedy: str) -> None:
    """Raise DataError, with file, place and remedy, unless a content has the form of a schema."""
    # Here, for it takes a second to import, and most chapters read no annotation file.
    from jsonschema import Draft202012Validator

    error = next(Draft202012Validator(schema).iter_errors(content), None)
    if error is None:
        return
    place = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error.absolute_path)
    told = error.message.replace(repr(error.instance), shown(error.instance))
    where = f"{path}: {place.lstrip('.')}" if place else str(path)
    raise DataError(f"{where}: {told}. {remedy}")


def read_text(path: Path, most: int = MOST_BYTES) -> str:
    """Read a text file of at most so many bytes, or raise a DataError that names it."""
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise OSError("it is not a file")
        if path.stat().st_size > most:
            raise OSError(f"it has {path.stat().st_size} bytes, at most {most} are read")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} cannot be read ({error}). Check the path, or export the file again."
        ) from error


def number(text: str) -> float:
    """Return the number that a text is.

    Raises
    ------
    ValueError
        When it is none, or has more digits than a coordinate can.
    """
    if len(text) > 100 or not NUMBER.fullmatch(text.strip()):
        raise ValueError(f"{shown(text)} is not a number.")
    return float(text)


def whole_number(text: str) -> int:
    """Return the whole number, 0 or above, that a text is; ValueError when it is none."""
    if not re.fullmatch(r"\d{1,18}", text.strip(), re.ASCII):
        raise ValueError(f"{shown(text)} is not a whole number.")
    return int(text)


def picture_name(name: str) -> str:
    """Return a picture's name with folders separated by ``/``, as it may come from Windows."""
    return name.replace("\\", "/")


def is_there(test: Callable[[], bool]) -> bool:
    """Return what ``path.is_file`` or ``path.is_dir`` says, False for a name that none can have."""
    try:
        return test()
    except OSError:
        return False


def upright_size(path: Path) -> tuple[int, int]:
    """Return width and height of a picture as it is shown, turned as its camera says (EXIF).

    Raises
    ------
    DataError
        When the picture is missing or cannot be read.
    """
    if not is_there(path.is_file):
        raise DataError(
            f"{path} is missing, though it is annotated. Put the picture there, or remove its "
            "annotation."
        )
    return decode.upright_size(path)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))
        raise ValueError(f"{shown(twice)} is there twice in one object")
    return content
