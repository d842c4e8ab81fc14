"""How good class probabilities are: recall per class, balanced accuracy, calibration."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import average_precision_score, f1_score

from helpers.data.labels import class_counts
from helpers.metrics.inputs import check_finite


@dataclass(frozen=True, eq=False)
class Reliability:
    """How often predictions of one confidence are right; arrays with one entry for each bin used.

    Attributes
    ----------
    confidence
        Mean probability of the predicted class.
    accuracy
        Share that is right.
    count
        Number of images.
    error
        Expected calibration error: the mean distance of the two, weighted by ``count``.
    """

    confidence: np.ndarray
    accuracy: np.ndarray
    count: np.ndarray
    error: float


def accuracy(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Share of images whose most probable class is the right one.

    Parameters
    ----------
    labels
        N class numbers; every class has at least one image.
    probabilities
        N×K, finite.

    Raises
    ------
    ValueError
        When shapes do not fit, a label is out of range, a class has no image, or a probability is
        not finite. All functions here that take the two raise the same errors.
    """
    labels, probabilities = _checked(labels, probabilities)
    return float(np.mean(probabilities.argmax(1) == labels))


def recall_per_class(labels: ArrayLike, probabilities: ArrayLike) -> np.ndarray:
    """Share of each class's images that are found: K."""
    labels, probabilities = _checked(labels, probabilities)
    right = probabilities.argmax(1) == labels
    return np.array([right[labels == k].mean() for k in range(probabilities.shape[1])])


def balanced_accuracy(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean recall over the classes (Brodersen et al., ICPR 2010)."""
    return float(recall_per_class(labels, probabilities).mean())


def macro_f1(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean over the classes of the harmonic mean of precision and recall."""
    labels, probabilities = _checked(labels, probabilities)
    return float(f1_score(labels, probabilities.argmax(1), average="macro", zero_division=0))


def average_precision_per_class(labels: ArrayLike, probabilities: ArrayLike) -> np.ndarray:
    """Area under the precision-recall curve of each class against the rest: K."""
    labels, probabilities = _checked(labels, probabilities)
    return np.array(
        [
            average_precision_score(labels == k, probabilities[:, k])
            for k in range(probabilities.shape[1])
        ]
    )


def macro_average_precision(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean of ``average_precision_per_class`` over the classes."""
    return float(average_precision_per_class(labels, probabilities).mean())


def confusion_matrix(labels: ArrayLike, probabilities: ArrayLike) -> np.ndarray:
    """Count images by true class (rows) and most probable class (columns): K×K."""
    labels, probabilities = _checked(labels, probabilities)
    counts = np.zeros(2 * probabilities.shape[1:], np.int64)
    np.add.at(counts, (labels, probabilities.argmax(1)), 1)
    return counts


def reliability(labels: ArrayLike, probabilities: ArrayLike, bins: int = 10) -> Reliability:
    """Compare confidence with accuracy in ``bins`` equal ranges of confidence.

    Guo et al., "On Calibration of Modern Neural Networks" (ICML 2017, Section 2).
    """
    labels, probabilities = _checked(labels, probabilities)
    if bins < 1:
        raise ValueError(f"bins must be at least 1; got {bins}.")
    confidence = probabilities.max(1)
    right = probabilities.argmax(1) == labels
    return _in_bins(confidence, right, np.ones(len(labels), np.int64), bins)


def pool_reliability(curves: Sequence[Reliability], bins: int = 10) -> Reliability:
    """Return the curve of several models' answers together, from curves with as many bins.

    Raises
    ------
    ValueError
        When there is no curve.
    """
    if not curves:
        raise ValueError("there is no curve to pool.")
    parts = (np.concatenate(part) for part in zip(*map(_points, curves), strict=True))
    return _in_bins(*parts, bins)


def honest_error(
    probabilities: ArrayLike, bins: int = 10, draws: int = 200, seed: int = 0
) -> float:
    """Mean calibration error that these probabilities would show if they were exactly right.

    With few images in a bin, the share that is right strays from the confidence by chance, and the
    error counts every distance as one. So even honest answers have an error above 0: labels are
    drawn from the probabilities themselves, and their errors averaged.

    Parameters
    ----------
    probabilities
        N×K, finite; each row sums to 1.
    bins
        As for :func:`reliability`.
    draws
        How often labels are drawn.
    seed
        Of the draws.

    Raises
    ------
    ValueError
        When a probability is not finite or the shape is another, or ``bins`` or ``draws`` is below
        1.
    """
    probabilities = check_finite(probabilities, "probabilities")
    if probabilities.ndim != 2 or min(bins, draws) < 1:
        raise ValueError(
            f"probabilities must be N×K, bins and draws at least 1; got shape "
            f"{probabilities.shape}, {bins} and {draws}."
        )
    rng = np.random.default_rng(seed)
    confidence, weight = probabilities.max(1), np.ones(len(probabilities), np.int64)
    # Whether the most probable class is the right one: with just its probability.
    hits = rng.random((draws, len(confidence))) < confidence
    return float(np.mean([_in_bins(confidence, right, weight, bins).error for right in hits]))


def _points(curve: Reliability) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return curve.confidence, curve.accuracy, curve.count


def _in_bins(
    confidence: np.ndarray, right: np.ndarray, weight: np.ndarray, bins: int
) -> Reliability:
    bin_of = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    _, bin_of = np.unique(bin_of, return_inverse=True)
    count = np.bincount(bin_of, weight)
    means = np.bincount(bin_of, weight * confidence) / count
    hits = np.bincount(bin_of, weight * right) / count
    error = float((count * np.abs(means - hits)).sum() / count.sum())
    return Reliability(means, hits, count.astype(np.int64), error)


def _checked(labels: ArrayLike, probabilities: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    probabilities = check_finite(probabilities, "probabilities")
    if probabilities.ndim != 2 or len(probabilities) != len(np.asarray(labels)):
        raise ValueError(
            f"probabilities must be N×K for N labels; got shape {probabilities.shape} for "
            f"{len(np.asarray(labels))} labels."
        )
    class_counts(labels, probabilities.shape[1])
    return np.asarray(labels), probabilities
