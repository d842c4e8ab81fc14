"""Pictures with masks: good ones, and labelled defects on nuts that nothing is judged on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from helpers.datasets import Category, generate_category
from helpers.labelled import POOL_SEED
from helpers.segmentation import check_masks

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
