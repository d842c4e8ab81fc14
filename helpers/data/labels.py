"""Class labels: how many of each, and folds that hold every class."""

import numpy as np
from numpy.typing import ArrayLike


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
