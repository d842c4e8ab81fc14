"""Class counts with a long tail: how long it is, who is in it, and training sets that have one."""

import operator

import numpy as np
from numpy.typing import ArrayLike

MANY, FEW = 100, 20


def class_counts(labels: ArrayLike, classes: int | None = None) -> np.ndarray:
    """Count the images of each class.

    Parameters
    ----------
    labels
        N class numbers from 0.
    classes
        How many classes there are; one more than the largest label when not given.

    Raises
    ------
    ValueError
        When a label is no class number, or a class has no image.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or not labels.size or labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels must be N class numbers, N at least 1; got {labels.dtype} of shape "
            f"{labels.shape}."
        )
    classes = int(labels.max()) + 1 if classes is None else classes
    outside = np.flatnonzero((labels < 0) | (labels >= classes))
    if outside.size:
        raise ValueError(
            f"labels[{outside[0]}] is {labels[outside[0]]}, but the {classes} classes are numbered "
            f"0 to {classes - 1}."
        )
    counts = np.bincount(labels, minlength=classes)
    if not counts.all():
        raise ValueError(
            f"class {np.argmin(counts)} has no image; every class needs at least one. Leave it out "
            "or number the classes anew."
        )
    return counts


def imbalance_factor(counts: ArrayLike) -> float:
    """Return the largest class count divided by the smallest (Cui et al., CVPR 2019, Section 5.1).

    Raises
    ------
    ValueError
        When a count is below 1 or there is none.
    """
    counts = _positive(counts)
    return float(counts.max() / counts.min())


def long_tailed_counts(largest: int, classes: int, factor: float) -> tuple[int, ...]:
    """Return class counts that fall off exponentially from ``largest`` to ``largest / factor``.

    The profile of the usual long-tailed test beds (Cui et al., CVPR 2019, Section 5.1).

    Raises
    ------
    ValueError
        When there are fewer than two classes, the factor is below 1, or the last class would be
        left without an image.
    """
    largest = operator.index(largest)
    if classes < 2:
        raise ValueError(f"a tail needs at least 2 classes; got {classes}.")
    if not 1 <= factor <= largest:
        raise ValueError(
            f"the imbalance factor must lie between 1 and the largest count, {largest}, so that "
            f"every class keeps an image; got {factor}."
        )
    share = np.arange(classes) / (classes - 1)
    return tuple(max(1, round(float(largest * factor**-s))) for s in share)


def shot_groups(counts: ArrayLike) -> np.ndarray:
    """Name each class's group: ``"many"`` above 100 images, ``"few"`` below 20, else ``"medium"``.

    The groups of Liu et al., "Large-Scale Long-Tailed Recognition in an Open World" (CVPR 2019,
    Section 4).
    """
    counts = _positive(counts)
    return np.where(counts > MANY, "many", np.where(counts < FEW, "few", "medium"))


def stratified_folds(labels: ArrayLike, folds: int, seed: int = 0) -> np.ndarray:
    """Give each image a fold, 0 to ``folds`` - 1, every class spread evenly over them: shape N.

    Raises
    ------
    ValueError
        When a class has fewer images than there are folds: some fold could not be tested on it,
        or some training set would lack it.
    """
    counts = class_counts(labels)
    if folds < 2:
        raise ValueError(f"cross-validation needs at least 2 folds; got {folds}.")
    if counts.min() < folds:
        k = int(np.argmin(counts))
        raise ValueError(
            f"class {k} has {counts[k]} image(s), fewer than the {folds} folds; choose at most "
            f"{counts[k]} folds, or leave the class out."
            if counts[k] > 1
            else f"class {k} has one image, which cannot be in the training and the test part."
        )
    labels, fold = np.asarray(labels), np.empty(len(labels), np.int64)
    start = 0
    for k, count in enumerate(counts):
        rows = np.random.default_rng((seed, k)).permutation(np.flatnonzero(labels == k))
        # Each class goes on where the last one ended, which keeps the folds equally large.
        fold[rows] = (start + np.arange(count)) % folds
        start += count
    return fold


def _positive(counts: ArrayLike) -> np.ndarray:
    counts = np.asarray(counts)
    if counts.ndim != 1 or not counts.size or not (counts >= 1).all():
        raise ValueError(f"counts must be one number for each class, at least 1; got {counts}.")
    return counts
