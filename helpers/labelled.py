"""Pictures with class labels, for what needs labelled defects: good first, then the defects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from helpers.datasets import Category, generate_category
from helpers.long_tail import class_counts

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
