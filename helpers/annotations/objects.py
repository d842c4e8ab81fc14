"""Annotated pictures, whatever file format they came from or go to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from helpers.annotations.regions import EVERY_REGION, Region, RegionRules, regions
from helpers.data.category import Category

LICENCES = {
    "generated": "MIT, as the book",
    "MVTec AD": "CC BY-NC-SA 4.0, MVTec Software GmbH; no commercial use",
}
UNKNOWN = "not stated"


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
        Its name; with folders, if any, separated by ``/``.
    width, height
        In pixels.
    annotations
        Its objects; none on a picture of a good product.

    Raises
    ------
    ValueError
        When an object leaves the picture.
    """

    file: str
    width: int
    height: int
    annotations: tuple[Annotation, ...] = ()

    def __post_init__(self) -> None:
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
        When a name is empty or occurs twice, a class is called "good", or an object's class has
        no name.
    """

    name: str
    classes: tuple[str, ...]
    images: tuple[AnnotatedImage, ...]
    licence: str = UNKNOWN

    def __post_init__(self) -> None:
        _check_unique(self.classes, "class")
        _check_unique([image.file for image in self.images], "picture")
        if any(name.strip().lower() == "good" for name in self.classes):
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
        and blanks become ``_``: lists of names are often split at blanks.

        Raises
        ------
        ValueError
            When two pictures would get one name.
        """
        paths = [PurePosixPath(image.file).with_suffix("").parts for image in self.images]
        shortest = min((len(path) for path in paths), default=1)
        common = 0
        while common < shortest - 1 and len({path[common] for path in paths}) == 1:
            common += 1
        names = ["_".join("_".join(path[common:]).split()) for path in paths]
        seen: dict[str, str] = {}
        for name, image in zip(names, self.images, strict=True):
            if name in seen:
                raise ValueError(
                    f"{seen[name]} and {image.file} would both be called {name}. Rename one."
                )
            seen[name] = image.file
        return tuple(names)


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
        if not len(rows) or min(rows) < 0 or max(rows) >= count:
            raise ValueError(
                f"part '{part}' must list positions of pictures, from 0 to {count - 1}, one at "
                f"least; got {list(rows)[:5]}."
            )


def _check_unique(names: Sequence[str], what: str) -> None:
    seen = set()
    for name in names:
        if not name.strip():
            raise ValueError(f"a {what} has no name.")
        if name in seen:
            raise ValueError(f"there are two {what} entries called '{name}'. Rename one.")
        seen.add(name)
