"""A category of images, as every chapter uses it: train, test, labels and masks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from helpers.data.groups import held_out_groups

MASK_SIZE = 256  # pixels a side; MVTec AD's own masks have 700 to 1024


@dataclass(frozen=True, eq=False)
class Category:
    """The images of one product.

    Attributes
    ----------
    name
        Such as ``"hazelnut"``.
    train
        Good images: uint8, N×3×H×W.
    test
        Good and defective images: uint8, M×3×H×W.
    labels
        0 good, 1 defective: int64, shape M.
    defects
        Name of each test image's defect, or ``"good"``: str, shape M.
    masks
        True where the defect is: bool, M×H×W; all false for good images.
    source
        ``"generated"``, ``"MVTec AD"``, or ``"own pictures"`` for a category that MVTec AD has not.
    fingerprint
        Digest of the files and the size; of generated images, of what they were generated from.
    train_files, test_files
        Names relative to the category's folder, such as ``"test/crack/003.png"``.
    fine_masks
        The masks at one size whatever the images' (`MASK_SIZE` pixels a side): bool. Maps are
        measured on them, since shrinking by nearest neighbour breaks thin regions and figures on
        masks of different sizes cannot be compared. ``masks`` themselves where none are given.
    """

    name: str
    train: np.ndarray
    test: np.ndarray
    labels: np.ndarray
    defects: np.ndarray
    masks: np.ndarray
    source: str
    fingerprint: str
    train_files: tuple[str, ...]
    test_files: tuple[str, ...]
    fine_masks: np.ndarray = None  # type: ignore[assignment]
    tier: str = ""

    def __post_init__(self) -> None:
        count = len(self.test_files)
        if self.fine_masks is None:
            object.__setattr__(self, "fine_masks", self.masks)
        side = self.test.shape[2:]
        expected = {
            "train": ((len(self.train_files), 3, *side), np.uint8),
            "test": ((count, 3, *side), np.uint8),
            "labels": ((count,), np.integer),
            "defects": ((count,), np.str_),
            "masks": ((count, *side), np.bool_),
            "fine_masks": ((count, *self.fine_masks.shape[1:]), np.bool_),
        }
        for name, (shape, kind) in expected.items():
            array = getattr(self, name)
            if array.shape != shape:
                raise ValueError(f"{name} has shape {array.shape}, not {shape}.")
            if not np.issubdtype(array.dtype, kind):
                raise ValueError(f"{name} holds {array.dtype}, not {kind.__name__}.")
        if not np.array_equal(self.labels, self.defects != "good"):
            raise ValueError("labels must be 0 where defects says 'good' and 1 elsewhere.")

    def __repr__(self) -> str:
        kinds, counts = np.unique(self.defects, return_counts=True)
        parts = ", ".join(f"{count} {kind}" for kind, count in zip(kinds, counts, strict=True))
        side = self.test.shape[-1]
        return (
            f"Category {self.name!r}, {self.source}, {side} × {side} pixels\n"
            f"  train: {len(self.train)} good\n"
            f"  test:  {parts}"
        )


def split_good(
    images: np.ndarray,
    fraction: float = 0.15,
    seed: int = 0,
    groups: Sequence[str] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Split good images at random into a part to fit on and a part held out for thresholds.

    Parameters
    ----------
    images
        N×3×H×W.
    fraction
        Share to hold out, between 0 and 1.
    seed
        Of the random choice.
    groups
        N names: photos of one part, which stay together. Each image by itself when not given.

    Returns
    -------
    fit, held_out
        Both at least one image; order as in ``images``.

    Raises
    ------
    ValueError
        When the fraction is out of range, there are fewer than two images or groups, or not one
        group an image.
    """
    if groups is not None:
        if len(groups) != len(images):
            raise ValueError(f"{len(groups)} groups do not fit {len(images)} images.")
        chosen = held_out_groups(groups, fraction, seed)
        return images[~chosen], images[chosen]
    if not 0 < fraction < 1:
        raise ValueError(f"fraction must lie between 0 and 1; got {fraction}.")
    if len(images) < 2:
        raise ValueError(f"{len(images)} image cannot be split in two; load at least 2.")
    count = int(np.clip(round(fraction * len(images)), 1, len(images) - 1))
    held_out = np.zeros(len(images), bool)
    held_out[np.random.default_rng(seed).permutation(len(images))[:count]] = True
    return images[~held_out], images[held_out]


def move_to_test(category: Category, count: int) -> Category:
    """Move the last ``count`` training images to the test set, as good ones.

    Raises
    ------
    ValueError
        When ``count`` is negative or would leave no training image.
    """
    if not 0 <= count < len(category.train):
        raise ValueError(
            f"from 0 to {len(category.train) - 1} of the {len(category.train)} training images can "
            f"be moved to the test set; got {count}."
        )
    if not count:
        return category
    side, fine = category.train.shape[2:], category.fine_masks.shape[1:]
    return replace(
        category,
        train=category.train[:-count],
        train_files=category.train_files[:-count],
        test=np.concatenate([category.train[-count:], category.test]),
        test_files=category.train_files[-count:] + category.test_files,
        labels=np.concatenate([np.zeros(count, category.labels.dtype), category.labels]),
        defects=np.concatenate([np.full(count, "good"), category.defects]),
        masks=np.concatenate([np.zeros((count, *side), bool), category.masks]),
        fine_masks=np.concatenate([np.zeros((count, *fine), bool), category.fine_masks]),
        # Committed records hold this word.
        fingerprint=f"{category.fingerprint}, {count} lent",
    )


def crop_centre(category: Category, margin: float = 1 / 8, leave_out: bool = False) -> Category:
    """Cut off a share of each side, where there is only background: fewer pixels to compute.

    Parameters
    ----------
    category
        Any; with square pictures.
    margin
        Share of the side to cut off at each edge; 0 leaves all as it is.
    leave_out
        Whether test pictures whose masks would lose pixels are left out, instead of refused: for a
        set to learn from, never for one to be tested on.

    Raises
    ------
    ValueError
        When the margin is not from 0 to below one half, or a mask would lose pixels.
    """
    if not 0 <= margin < 0.5:
        raise ValueError(f"margin must be at least 0 and below 0.5; got {margin}.")
    side = category.test.shape[-1]
    cut = round(margin * side)
    inner = (..., slice(cut, side - cut), slice(cut, side - cut))
    lost = category.masks.sum((1, 2)) - category.masks[inner].sum((1, 2))
    if lost.any() and not leave_out:
        file = category.test_files[int(np.argmax(lost > 0))]
        raise ValueError(
            f"{file} has a defect in the margin of {cut} pixels ({lost.max()} pixels would be cut "
            "off). Take margin=0 for this category."
        )
    whole = np.flatnonzero(lost == 0)
    fine_side = category.fine_masks.shape[-1]
    fine_cut = round(margin * fine_side)
    fine = (..., slice(fine_cut, fine_side - fine_cut), slice(fine_cut, fine_side - fine_cut))
    return replace(
        category,
        train=np.ascontiguousarray(category.train[inner]),
        test=np.ascontiguousarray(category.test[whole][inner]),
        masks=np.ascontiguousarray(category.masks[whole][inner]),
        fine_masks=np.ascontiguousarray(category.fine_masks[whole][fine]),
        defects=category.defects[whole],
        labels=category.labels[whole],
        test_files=tuple(category.test_files[row] for row in whole),
        fingerprint=f"{category.fingerprint}, middle {side - 2 * cut}",
    )
