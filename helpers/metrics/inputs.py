"""Checks of what metrics are given: each public function checks its arrays once, on entry."""

import numpy as np
from numpy.typing import ArrayLike


def check_finite(values: ArrayLike, name: str) -> np.ndarray:
    """Return ``values`` as an array of finite numbers.

    Parameters
    ----------
    values
        Numbers of any shape.
    name
        What the values are, for the message ("scores", "maps").

    Raises
    ------
    ValueError
        There is no value, the values are not real numbers, or one of them is not finite; the
        message names the first such index.
    """
    array = np.asarray(values)
    if array.size == 0:
        raise ValueError(f"{name} are empty (shape {array.shape}); give at least one value")
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be real numbers, got an array of dtype {array.dtype}")
    good = np.isfinite(array)
    if not good.all():
        bad = np.unravel_index(np.argmin(good), array.shape)
        index = ", ".join(str(position) for position in bad)
        count = np.count_nonzero(~good)
        raise ValueError(
            f"{name}[{index}] is {array[bad]}; {count} of {array.size} values are not finite. "
            "Check the training for a loss that diverged"
        )
    return array


def check_scores(scores: ArrayLike, name: str = "scores") -> np.ndarray:
    """Return ``scores`` as N finite float64 numbers; raise ValueError when they are not."""
    array = check_finite(scores, name)
    if array.ndim != 1:
        raise ValueError(f"{name} must be one number an image, got shape {array.shape}")
    return array.astype(np.float64)


def check_same_length(name: str, values: np.ndarray, scores_name: str, scores: np.ndarray) -> None:
    """Raise ValueError unless the two arrays have one shape."""
    if values.shape != scores.shape:
        raise ValueError(
            f"{name} and {scores_name} must be of one length, got shapes {values.shape} and "
            f"{scores.shape}"
        )


def check_labels(
    labels: ArrayLike, scores: ArrayLike, name: str = "scores"
) -> tuple[np.ndarray, np.ndarray]:
    """Return labels as N integers 0 or 1 and scores as N float64 numbers.

    Raises
    ------
    ValueError
        Labels other than 0 and 1, a score that is not finite, or different lengths.
    """
    labels, scores = np.asarray(labels), check_scores(scores, name)
    check_same_length("labels", labels, name, scores)
    bad = np.flatnonzero((labels != 0) & (labels != 1))
    if bad.size:
        raise ValueError(
            f"labels must be 0 (good) or 1 (defective), but labels[{bad[0]}] is {labels[bad[0]]}"
        )
    return labels.astype(np.int64), scores


def check_both_classes(
    labels: ArrayLike, scores: ArrayLike, name: str = "scores"
) -> tuple[np.ndarray, np.ndarray]:
    """Return what :func:`check_labels` does; raise ValueError also when one class is missing."""
    labels, scores = check_labels(labels, scores, name)
    defective = int(labels.sum())
    if defective in (0, labels.size):
        raise ValueError(
            f"this metric needs good and defective images, got {labels.size - defective} good and "
            f"{defective} defective"
        )
    return labels, scores
