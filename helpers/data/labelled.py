"""Pictures with class labels or masks: good ones first, then the labelled defects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from helpers.data.category import Category
from helpers.data.labels import class_counts
from helpers.data.load import generate_category

POOL_SEED = 10  # and above: other nuts than those that anything is judged on


@dataclass(frozen=True, eq=False)
class Labelled:
    """Pictures and what they show.

    Attributes
    ----------
    images
        uint8, N×3×H×W.
    labels
        N class numbers; 0 is good.
    names
        Of the classes, in the order of their numbers.

    Raises
    ------
    ValueError
        When the three do not fit together, or a class has no picture.
    """

    images: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        class_counts(self.labels, len(self.names))
        if len(self.images) != len(self.labels):
            raise ValueError(f"{len(self.images)} images and {len(self.labels)} labels do not fit.")

    def __repr__(self) -> str:
        counts = class_counts(self.labels, len(self.names))
        return ", ".join(f"{c} {name}" for name, c in zip(self.names, counts, strict=True))

    def subset(self, rows: np.ndarray) -> "Labelled":
        """Return the pictures in these places."""
        return Labelled(self.images[rows], self.labels[rows], self.names)

    def first(self, counts: Sequence[int]) -> "Labelled":
        """Return the first ``counts[k]`` pictures of each class k.

        Raises
        ------
        ValueError
            When there are fewer, or the counts are not one for each class.
        """
        there = class_counts(self.labels, len(self.names))
        for name, has, count in zip(self.names, there, counts, strict=True):
            if not 0 < count <= has:
                raise ValueError(f"there are {has} pictures of {name}; {count} were asked for.")
        rows = [np.flatnonzero(self.labels == k)[:count] for k, count in enumerate(counts)]
        return self.subset(np.sort(np.concatenate(rows)))

    def good_or_defect(self) -> "Labelled":
        """Return the same pictures with one class for all defects."""
        return Labelled(self.images, (self.labels > 0).astype(np.int64), ("good", "defect"))


def labelled_test(category: Category) -> Labelled:
    """Return a category's test images with their defects as classes, in alphabetical order."""
    names = ("good", *sorted(set(category.defects) - {"good"}))
    labels = np.array([names.index(defect) for defect in category.defects])
    return Labelled(category.test, labels, names)


def with_good(images: np.ndarray, labelled: Labelled) -> Labelled:
    """Return the labelled pictures after more good ones: uint8, M×3×H×W."""
    labels = np.concatenate([np.zeros(len(images), np.int64), labelled.labels])
    return Labelled(np.concatenate([images, labelled.images]), labels, labelled.names)


def labelled_pool(category: Category, counts: Mapping[str, int], seed: int = 0) -> Labelled:
    """Return a generated category's good training images, and newly made defects.

    The defects are on other nuts than those of the category, and a larger count adds pictures
    without exchanging any.

    Parameters
    ----------
    category
        Generated hazelnuts.
    counts
        How many of each defect, such as ``{"crack": 124, "cut": 39, "hole": 12, "print": 4}``.
    seed
        Another seed, defects on other nuts.

    Raises
    ------
    ValueError
        When the category is not generated, or a count is not usable.
    """
    if category.source != "generated":
        raise ValueError(
            f"{category.name} is from {category.source}; defects can be made for generated "
            "hazelnuts only. Set MVTEC_ROOT=generated."
        )
    asked = {"train/good": 1, "test/good": 1} | {f"test/{k}": n for k, n in counts.items()}
    made = labelled_test(generate_category(category.test.shape[-1], asked, POOL_SEED + seed))
    defects = made.labels > 0
    labels = np.concatenate([np.zeros(len(category.train), np.int64), made.labels[defects]])
    return Labelled(np.concatenate([category.train, made.images[defects]]), labels, made.names)


KINDS = ("crack", "cut", "hole", "print")


@dataclass(frozen=True, eq=False)
class Masked:
    """Pictures and what is marked on them.

    Attributes
    ----------
    images
        uint8, N×3×H×W.
    masks
        bool, N×H×W; empty on good pictures.
    defects
        N names, ``"good"`` for those without a defect.

    Raises
    ------
    ValueError
        When the three do not fit together, or a mask is empty exactly where it should not be.
    """

    images: np.ndarray
    masks: np.ndarray
    defects: np.ndarray

    def __post_init__(self) -> None:
        check_masks(self.images, self.masks)
        marked = self.masks.any((1, 2))
        if self.defects.shape != marked.shape or not np.array_equal(marked, self.defects != "good"):
            raise ValueError(
                "there must be one name a picture, 'good' exactly where the mask marks nothing."
            )

    def __repr__(self) -> str:
        kinds, counts = np.unique(self.defects, return_counts=True)
        return ", ".join(f"{count} {kind}" for kind, count in zip(kinds, counts, strict=True))

    def subset(self, rows: np.ndarray) -> "Masked":
        """Return the pictures in these places."""
        return Masked(self.images[rows], self.masks[rows], self.defects[rows])

    def with_good(self, images: np.ndarray) -> "Masked":
        """Return the pictures after good ones: uint8, M×3×H×W."""
        empty = np.zeros((len(images), *self.masks.shape[1:]), bool)
        names = np.concatenate([np.full(len(images), "good"), self.defects])
        return Masked(
            np.concatenate([images, self.images]), np.concatenate([empty, self.masks]), names
        )


def masked_test(category: Category) -> Masked:
    """Return a category's test pictures with their masks."""
    return Masked(category.test, category.masks, category.defects)


def masked_pool(category: Category, counts: Mapping[str, int], seed: int = 0) -> Masked:
    """Return newly made defective nuts with exact masks, none of them in ``category``.

    A larger count adds pictures without exchanging any.

    Parameters
    ----------
    category
        Generated hazelnuts; decides the size.
    counts
        How many of each defect, such as ``{"crack": 60, "cut": 60, "hole": 60, "print": 60}``.
    seed
        Another seed, defects on other nuts.

    Raises
    ------
    ValueError
        When the category is not generated, or a count is not usable.
    """
    if category.source != "generated":
        raise ValueError(
            f"{category.name} is from {category.source}; nuts can be made for the generated "
            "category only. Set MVTEC_ROOT=generated, or divide the test pictures into folds."
        )
    asked = {"train/good": 1, "test/good": 1} | {f"test/{k}": n for k, n in counts.items()}
    made = masked_test(generate_category(category.test.shape[-1], asked, POOL_SEED + seed))
    return made.subset(np.flatnonzero(made.defects != "good"))


def first_of_each(pool: Masked, counts: Mapping[str, int]) -> Masked:
    """Return the first pictures of each defect, as many as ``counts`` says.

    Raises
    ------
    ValueError
        When there are fewer.
    """
    rows = []
    for name, count in counts.items():
        there = np.flatnonzero(pool.defects == name)
        if not 0 <= count <= len(there):
            raise ValueError(f"there are {len(there)} pictures of {name}; {count} were asked for.")
        rows.append(there[:count])
    return pool.subset(np.sort(np.concatenate(rows)))


def check_masks(images: np.ndarray, masks: np.ndarray) -> None:
    """Raise ValueError unless masks are bool N×H×W, one for each of images N×3×H×W."""
    if masks.dtype != bool or masks.shape != (len(images), *images.shape[2:]):
        raise ValueError(
            f"masks must be bool of shape {(len(images), *images.shape[2:])}, one for each image; "
            f"got {masks.dtype} of shape {masks.shape}."
        )
