"""Annotated pictures, whatever file format they came from or go to."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from reprlib import repr as shown

import numpy as np

from helpers.annotations.regions import EVERY_REGION, Region, RegionRules, check_size, regions
from helpers.data.category import Category

LICENCES = {
    "generated": "MIT, as the book",
    "MVTec AD": "CC BY-NC-SA 4.0, MVTec Software GmbH; no commercial use",
}
UNKNOWN = "not stated"
LONGEST = 200  # bytes of a name; file systems take 255, and endings come on top


@dataclass(frozen=True, eq=False)
class Annotation:
    """One object: the number of its class, from 0, and where it is."""

    label: int
    region: Region


@dataclass(frozen=True, eq=False)
class AnnotatedImage:
    """What is known of one picture.

    Attributes
    ----------
    file
        Its name, relative to the folder of the pictures; with folders, if any, separated by ``/``.
    width, height
        In pixels.
    annotations
        Its objects; none on a picture of a good product.

    Raises
    ------
    ValueError
        When the name leads out of the folder, the size is none, an object leaves the picture, or
        two objects of one class are the same pixels.
    """

    file: str
    width: int
    height: int
    annotations: tuple[Annotation, ...] = ()

    def __post_init__(self) -> None:
        _check_file(self.file)
        check_size(self.width, self.height)
        if len(distinct(self.annotations)) < len(self.annotations):
            raise ValueError(
                f"{self.file}: two objects of one class are the same pixels, and would count as "
                "two. Remove one (helpers.annotations.objects.distinct does)."
            )
        for annotation in self.annotations:
            left, top, across, down = annotation.region.box
            if left + across > self.width or top + down > self.height:
                raise ValueError(
                    f"{self.file}: the box {annotation.region.box} (left, top, width, height) "
                    f"leaves the picture of {self.width} × {self.height} pixels."
                )

    def mask(self, label: int | None = None) -> np.ndarray:
        """Return what is marked, of one class or of all: bool, height × width."""
        marked = np.zeros((self.height, self.width), bool)
        for annotation in self.annotations:
            if label in (None, annotation.label):
                marked |= annotation.region.on(self.height, self.width)
        return marked


@dataclass(frozen=True, eq=False)
class AnnotationSet:
    """Pictures with the objects on them.

    Attributes
    ----------
    name
        Of the product.
    classes
        Names of the defects. "good" is none of them: a good picture has no object.
    images
        In a fixed order.
    licence
        What may be done with the pictures.

    Raises
    ------
    ValueError
        When a name is empty, unusable or occurs twice, a class is called "good" (also as a folder:
        "good."), or an object's class has no name.
    """

    name: str
    classes: tuple[str, ...]
    images: tuple[AnnotatedImage, ...]
    licence: str = UNKNOWN

    def __post_init__(self) -> None:
        _check_unique(self.classes, "class")
        _check_unique([str(PurePosixPath(image.file)) for image in self.images], "picture")
        if any(safe_name(name).casefold() == "good" for name in self.classes):
            raise ValueError(
                "'good' cannot be the class of an object: a good picture has none. Remove its "
                "objects, or give the class the name of a defect."
            )
        for image in self.images:
            for annotation in image.annotations:
                if not 0 <= annotation.label < len(self.classes):
                    raise ValueError(
                        f"{image.file} has an object of class {annotation.label}, but the classes "
                        f"are numbered 0 to {len(self.classes) - 1}."
                    )

    def __repr__(self) -> str:
        objects = sum(len(image.annotations) for image in self.images)
        return (
            f"AnnotationSet {self.name!r}: {objects} objects of {len(self.classes)} classes "
            f"({', '.join(self.classes)}) on {len(self.images)} pictures"
        )

    def subset(self, rows: Sequence[int]) -> "AnnotationSet":
        """Return the pictures in these rows, with all classes."""
        chosen = tuple(self.images[row] for row in rows)
        return AnnotationSet(self.name, self.classes, chosen, self.licence)

    def flat_names(self) -> tuple[str, ...]:
        """Return a name without folder and ending for each picture, such as ``"crack_003"``.

        Folders that all pictures have in common are left out, the others become part of the name,
        which `safe_name` makes fit for a file; blanks become ``_`` because lists of names are often
        split at blanks.

        Raises
        ------
        ValueError
            When two pictures would get one name, also on a system that does not tell ``a`` from
            ``A``.
        """
        paths = [PurePosixPath(image.file).with_suffix("").parts for image in self.images]
        shortest = min((len(path) for path in paths), default=1)
        common = 0
        while common < shortest - 1 and len({path[common] for path in paths}) == 1:
            common += 1
        names = tuple(safe_name("_".join(path[common:])) for path in paths)
        check_apart(names, [image.file for image in self.images])
        return names


def safe_name(name: str) -> str:
    """Return a name as one that a file or folder can have, and that no system hides or shortens.

    Blanks, colons and slashes become ``_``; dots and blanks at the ends go.

    Raises
    ------
    ValueError
        When nothing is left, the name is too long, or a character cannot be part of a name.
    """
    if any(unicodedata.category(c) in ("Cc", "Cs") and not c.isspace() for c in name):
        raise ValueError(
            f"the name {shown(name)} has a character that no file can have. Rename it."
        )
    safe = "_".join(re.split(r"[\s/\\:]+", name.strip().strip(". ")))
    if not safe.strip("._"):
        raise ValueError(f"the name {shown(name)} has no letter. Rename it.")
    if len(safe.encode()) > LONGEST:
        raise ValueError(f"the name {shown(name)} has more than {LONGEST} bytes. Shorten it.")
    return safe


def check_apart(safe: Sequence[str], given: Sequence[str]) -> None:
    """Raise ValueError when two ``given`` names become one file or folder, case not counted."""
    seen: dict[str, str] = {}
    for name, before in zip(safe, given, strict=True):
        key = unicodedata.normalize("NFC", name).casefold()
        if key in seen:
            raise ValueError(f"{seen[key]} and {before} would both be called {name}. Rename one.")
        seen[key] = before


def distinct(annotations: Iterable[Annotation]) -> tuple[Annotation, ...]:
    """Return objects without those that are an earlier one again: same class, same pixels."""
    annotations = tuple(annotations)
    boxes = [(a.label, a.region.box) for a in annotations]
    if len(set(boxes)) == len(boxes):
        return annotations
    kept = {}
    for annotation, box in zip(annotations, boxes, strict=True):
        bits = annotation.region.bits
        # A box that is one value for all its pixels (strides of 0) need not be looked through.
        full = not any(bits.strides) or bits.all()
        content = b"" if full else hashlib.blake2b(np.packbits(bits).tobytes()).digest()
        kept.setdefault((box, content), annotation)
    return tuple(kept.values())


def annotate(category: Category, rules: RegionRules = EVERY_REGION) -> AnnotationSet:
    """Turn a category's test masks into objects, one a connected region.

    Parameters
    ----------
    category
        Its defects become the classes, in alphabetical order.
    rules
        What counts as one object.

    Raises
    ------
    ValueError
        When a defective picture has an empty mask.
    """
    classes = tuple(sorted(set(category.defects.tolist()) - {"good"}))
    height, width = category.test.shape[2:]
    images = []
    for file, defect, mask in zip(
        category.test_files, category.defects.tolist(), category.masks, strict=True
    ):
        found = regions(mask, rules)
        if defect != "good" and not found:
            raise ValueError(
                f"{file} is called '{defect}', but its mask marks nothing. Draw the defect, or "
                "move the picture to the good ones."
            )
        label = classes.index(defect) if found else 0
        objects = tuple(Annotation(label, region) for region in found)
        images.append(AnnotatedImage(file, width, height, objects))
    licence = LICENCES.get(category.source, UNKNOWN)
    return AnnotationSet(category.name, classes, tuple(images), licence)


def check_pictures(
    annotations: AnnotationSet, pictures: np.ndarray, parts: Mapping[str, Sequence[int]]
) -> None:
    """Raise ValueError unless the pictures (uint8, N×3×H×W) and the parts fit the annotations."""
    count = len(annotations.images)
    if pictures.dtype != np.uint8 or pictures.ndim != 4 or len(pictures) != count:
        raise ValueError(
            f"there are {count} annotated pictures, so pictures must be uint8 of shape "
            f"{count}×3×H×W; got {pictures.dtype} of shape {pictures.shape}."
        )
    for image, picture in zip(annotations.images, pictures, strict=True):
        if picture.shape != (3, image.height, image.width):
            raise ValueError(
                f"{image.file} was annotated at {image.width} × {image.height} pixels, but the "
                f"picture has shape {picture.shape}. Load the pictures at that size."
            )
    for part, rows in parts.items():
        if safe_name(part) != part:
            raise ValueError(f"the part {part!r} becomes a folder: call it {safe_name(part)!r}.")
        if not len(rows) or min(rows) < 0 or max(rows) >= count:
            raise ValueError(
                f"part '{part}' must list positions of pictures, from 0 to {count - 1}, one at "
                f"least; got {list(rows)[:5]}."
            )


def _check_file(file: str) -> None:
    path, elsewhere = PurePosixPath(file), PureWindowsPath(file)
    if not path.name or path.is_absolute() or elsewhere.anchor or ".." in elsewhere.parts:
        raise ValueError(
            f"the picture {shown(file)} does not lie in the folder of the pictures. Name it "
            "relative to that folder, without '..', such as 'line_1/003.png'."
        )
    for part in path.parts:
        safe_name(part)


def _check_unique(names: Sequence[str], what: str) -> None:
    seen = set()
    for name in names:
        if not name.strip():
            raise ValueError(f"a {what} has no name.")
        if name in seen:
            raise ValueError(f"there are two {what} entries called '{name}'. Rename one.")
        seen.add(name)
