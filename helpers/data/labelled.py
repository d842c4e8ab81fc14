"""Pictures with class labels and masks, as a classifier or a segmenter learns from them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from helpers.data.category import Category
from helpers.data.load import generate_category

POOL_SEED = 10  # and above: other nuts than those that anything is tested on


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
    masks
        bool, N×H×W, empty on good pictures; or none.

    Raises
    ------
    ValueError
        When these do not fit together, or a mask is empty exactly where it should not be.
    """

    images: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]
    masks: np.ndarray | None = None

    def __post_init__(self) -> None:
        if len(self.images) != len(self.labels):
            raise ValueError(f"{len(self.images)} images and {len(self.labels)} labels do not fit.")
        if not np.isin(self.labels, range(len(self.names))).all():
            raise ValueError(
                f"the {len(self.names)} classes are numbered 0 to {len(self.names) - 1}; got the "
                f"labels {np.unique(self.labels).tolist()}."
            )
        if self.masks is not None:
            check_masks(self.images, self.masks)
            if not np.array_equal(self.masks.any((1, 2)), self.labels > 0):
                raise ValueError("a picture must be good exactly where its mask marks nothing.")

    def __repr__(self) -> str:
        counts = np.bincount(self.labels, minlength=len(self.names))
        return ", ".join(f"{c} {name}" for name, c in zip(self.names, counts, strict=True) if c)

    def subset(self, rows: np.ndarray) -> "Labelled":
        """Return the pictures in these rows."""
        masks = None if self.masks is None else self.masks[rows]
        return Labelled(self.images[rows], self.labels[rows], self.names, masks)

    def first(self, counts: Mapping[str, int]) -> "Labelled":
        """Return the first pictures of each class, as many as ``counts`` says; of others none.

        Raises
        ------
        ValueError
            When there are fewer, or no such class.
        """
        rows = []
        for name, count in counts.items():
            there = np.flatnonzero(self.labels == self.names.index(name))
            if not 0 <= count <= len(there):
                raise ValueError(
                    f"there are {len(there)} pictures of {name}; {count} were asked for."
                )
            rows.append(there[:count])
        return self.subset(np.sort(np.concatenate(rows)))

    def with_good(self, images: np.ndarray) -> "Labelled":
        """Return the pictures after good ones: uint8, M×3×H×W."""
        masks = self.masks
        if masks is not None:
            masks = np.concatenate([np.zeros((len(images), *masks.shape[1:]), bool), masks])
        labels = np.concatenate([np.zeros(len(images), np.int64), self.labels])
        return Labelled(np.concatenate([images, self.images]), labels, self.names, masks)

    def good_or_defect(self) -> "Labelled":
        """Return the same pictures with one class for all defects."""
        labels = (self.labels > 0).astype(np.int64)
        return Labelled(self.images, labels, ("good", "defect"), self.masks)


def labelled_test(category: Category) -> Labelled:
    """Return a category's test images with their defects as classes, in alphabetical order."""
    names = ("good", *sorted(set(category.defects) - {"good"}))
    labels = np.array([names.index(defect) for defect in category.defects])
    return Labelled(category.test, labels, names, category.masks)


def labelled_pool(category: Category, counts: Mapping[str, int], seed: int = 0) -> Labelled:
    """Return newly made defective nuts, none of them in ``category``.

    A larger count adds pictures without exchanging any.

    Parameters
    ----------
    category
        Generated hazelnuts; decides the size and the tier.
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
            "hazelnuts only. Set MVTEC_ROOT=generated, or divide the test pictures into folds."
        )
    asked = {"train/good": 1, "test/good": 1} | {f"test/{k}": n for k, n in counts.items()}
    size, tier = category.test.shape[-1], category.tier
    made = labelled_test(generate_category(size, asked, POOL_SEED + seed, tier))
    return made.subset(np.flatnonzero(made.labels))


def check_masks(images: np.ndarray, masks: np.ndarray) -> None:
    """Raise ValueError unless masks are bool N×H×W, one for each of images N×3×H×W."""
    if masks.dtype != bool or masks.shape != (len(images), *images.shape[2:]):
        raise ValueError(
            f"masks must be bool of shape {(len(images), *images.shape[2:])}, one for each image; "
            f"got {masks.dtype} of shape {masks.shape}."
        )
