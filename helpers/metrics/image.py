"""How well image scores tell defective images from good ones.

Everywhere a higher score means "more defective", labels are 0 (good) and 1 (defective), and an
image is called defective when its score is **above** the threshold.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import average_precision_score, confusion_matrix, roc_auc_score

from helpers.metrics.inputs import (
    check_both_classes,
    check_labels,
    check_same_length,
    check_scores,
)
from helpers.metrics.uncertainty import LEVEL, Interval, mean_interval, placements

# Rates are rounded so that a grid point on a step of the ROC curve is exactly on it.
RATE_DECIMALS = 12
MIN_RESAMPLES = 100
RESAMPLES = 2000  # of a band, where nothing else is asked for


@dataclass(frozen=True)
class Confusion:
    """Counts of images: true negatives, false positives, false negatives, true positives."""

    tn: int
    fp: int
    fn: int
    tp: int

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN), where defective is the positive class.

        Choose the threshold on held-out good images; the best F1 over all thresholds of the test
        set is not a result but a choice made on the test set.

        Raises
        ------
        ZeroDivisionError
            When no image is defective and none is called so.
        """
        return 2 * self.tp / (2 * self.tp + self.fp + self.fn)


@dataclass(frozen=True)
class ImageReport:
    """The image metrics of one set of scores.

    Attributes
    ----------
    auroc, auroc_interval
        See :func:`image_auroc` and :func:`auroc_interval`.
    average_precision
        The precision at each threshold, weighted by the recall it adds: Σ (Rₙ - Rₙ₋₁) Pₙ from the
        highest threshold down, without interpolation (scikit-learn, ``average_precision_score``).
        A random ranking gets about the share of defective images, so values from test sets with
        other shares cannot be compared.
    auroc_per_defect
        See :func:`auroc_per_defect`.
    confusion
        At the threshold; see :func:`confusion_at`.
    """

    auroc: float
    auroc_interval: Interval
    average_precision: float
    auroc_per_defect: dict[str, float]
    confusion: Confusion


@dataclass(frozen=True, eq=False)
class Roc:
    """A ROC curve on a fixed grid with a pointwise bootstrap band; four arrays of one length."""

    fpr: np.ndarray
    tpr: np.ndarray
    low: np.ndarray
    high: np.ndarray


def image_report(defects: ArrayLike, scores: ArrayLike, threshold: float) -> ImageReport:
    """Measure image scores: over all thresholds, and at the one that was chosen.

    Parameters
    ----------
    defects
        N names; good images are named "good".
    scores
        N finite numbers.
    threshold
        Chosen on held-out good images; see ``helpers.metrics.threshold.threshold_from_good``.

    Raises
    ------
    ValueError
        As :func:`auroc_per_defect` does, or when the threshold is not a number.
    """
    defects, labels, scores = _check_defects(defects, scores)
    return ImageReport(
        auroc=auroc(labels, scores),
        auroc_interval=mean_interval([placements(labels, scores)]),
        # A sum of shares: rounded, it can exceed 1 by a unit in the last place.
        average_precision=min(1.0, float(average_precision_score(labels, scores))),
        auroc_per_defect=_per_defect(defects, labels, scores),
        confusion=_confusion(labels, scores, threshold),
    )


def image_auroc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve: how often a defective image scores above a good one.

    This is the Mann–Whitney statistic over all pairs of a good and a defective image, where a
    tie counts one half (Hanley & McNeil, Radiology 143, 1982).

    Parameters
    ----------
    labels
        N values, 0 for good and 1 for defective.
    scores
        N finite numbers.

    Raises
    ------
    ValueError
        Labels other than 0 and 1, a score that is not finite, different lengths, or only one
        class. All functions of this module that take labels and scores raise the same errors.
    """
    return auroc(*check_both_classes(labels, scores))


def auroc_interval(labels: ArrayLike, scores: ArrayLike, level: float = LEVEL) -> Interval:
    """Score interval of :func:`image_auroc` (Newcombe, Statistics in Medicine 25, 2006, method 5).

    It holds every true AUROC that would not make the one found a surprise; the variance is a
    model's, widened where the images show a larger one (``uncertainty.mean_interval``). So it
    keeps its level near 1, where a bootstrap's percentiles are too narrow, and is no point where
    every pair is in order: of 40 good and 70 defective images it then starts at about 0.96. What
    share of experiments it holds the true value in, ``benchmarks/coverage.py`` measures.

    It speaks of other images drawn in the same way, for this one trained model; it says nothing
    about training again with another seed.

    Parameters
    ----------
    labels, scores
        As for :func:`image_auroc`.
    level
        The share of experiments whose interval should hold the true AUROC, between 0 and 1.

    Raises
    ------
    ValueError
        As :func:`image_auroc` does, or when the level is not between 0 and 1.
    """
    return mean_interval([placements(*check_both_classes(labels, scores))], level)


def auroc_per_defect(defects: ArrayLike, scores: ArrayLike) -> dict[str, float]:
    """AUROC of each defect type against all good images.

    Parameters
    ----------
    defects
        N names; good images are named "good".
    scores
        N finite numbers.

    Returns
    -------
    dict
        One AUROC for each defect type, in alphabetical order of the names.

    Raises
    ------
    ValueError
        Different lengths, a score that is not finite, no image named "good" or no other name.
    """
    return _per_defect(*_check_defects(defects, scores))


def roc_curve_with_band(
    labels: ArrayLike,
    scores: ArrayLike,
    points: int = 201,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Roc:
    """ROC curve for plotting, with a band from a stratified bootstrap.

    Good and defective images are drawn with replacement separately, so every resample has the test
    set's own numbers of both, and the band runs between two quantiles of the resampled rates (Efron
    & Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13). It is a picture of the curve's
    spread; near 1 it is too narrow to decide by.

    At each of ``points`` false-positive rates from 0 to 1 it gives the highest true-positive rate
    reached there; scores that tie make a sloped piece. The band is pointwise ("vertical
    averaging"; Fawcett, Pattern Recognition Letters 27, 2006): each grid point alone has
    ``level``, the whole curve has less.
    """
    labels, scores = check_both_classes(labels, scores)
    if points < 2:
        raise ValueError(f"points must be 2 or more, got {points}")
    grid = np.linspace(0, 1, points)
    draws = _stratified_draws(labels, resamples, seed)
    low, high = _tails(_true_positive_rates(labels, scores, draws, grid), level)
    once = np.ones((1, labels.size), dtype=int)
    tpr = _true_positive_rates(labels, scores, once, grid)[0]
    return Roc(fpr=grid, tpr=tpr, low=low, high=high)


def confusion_at(labels: ArrayLike, scores: ArrayLike, threshold: float) -> Confusion:
    """Count right and wrong calls when every score above ``threshold`` is called defective.

    One class alone is allowed, so the false alarms on held-out good images can be counted.
    """
    return _confusion(*check_labels(labels, scores), threshold)


def auroc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Return what :func:`image_auroc` does, of arrays that were checked before."""
    return float(roc_auc_score(labels, scores))


def _confusion(labels: np.ndarray, scores: np.ndarray, threshold: float) -> Confusion:
    if np.isnan(threshold):
        raise ValueError(
            "threshold is nan; choose one with helpers.metrics.threshold.threshold_from_good"
        )
    tn, fp, fn, tp = confusion_matrix(labels, scores > threshold, labels=[0, 1]).ravel().tolist()
    return Confusion(tn=tn, fp=fp, fn=fn, tp=tp)


def _check_defects(
    defects: ArrayLike, scores: ArrayLike
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return N names of defects, N labels 0 or 1 and N scores."""
    defects, scores = np.asarray(defects), check_scores(scores)
    check_same_length("defects", defects, "scores", scores)
    names = sorted(set(defects.tolist()))
    if "good" not in names or len(names) == 1:
        raise ValueError(
            f"defects must name good images 'good' and hold one defect type or more; got {names}"
        )
    return defects, (defects != "good").astype(np.int64), scores


def _per_defect(defects: np.ndarray, labels: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    aurocs = {}
    for name in np.unique(defects[labels == 1]):
        chosen = (labels == 0) | (defects == name)
        aurocs[str(name)] = auroc(labels[chosen], scores[chosen])
    return aurocs


def _stratified_draws(labels: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """How often each image is drawn: resamples × N counts, each class drawn on its own."""
    if resamples < MIN_RESAMPLES:
        raise ValueError(f"resamples must be {MIN_RESAMPLES} or more, got {resamples}")
    rng = np.random.default_rng(seed)
    draws = np.empty((resamples, labels.size), dtype=np.int64)
    for label in (0, 1):
        members = np.flatnonzero(labels == label)
        equal = np.full(members.size, 1 / members.size)
        draws[:, members] = rng.multinomial(members.size, equal, size=resamples)
    return draws


def _roc_counts(
    labels: np.ndarray, scores: np.ndarray, draws: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Good and defective images at or above each distinct score, highest first, from (0, 0)."""
    order = np.argsort(-scores)
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))

    def reached(counts: np.ndarray) -> np.ndarray:
        return np.pad(np.cumsum(counts[:, order], axis=1)[:, ends], ((0, 0), (1, 0)))

    return reached(draws * (1 - labels)), reached(draws * labels)


def _true_positive_rates(
    labels: np.ndarray, scores: np.ndarray, draws: np.ndarray, grid: np.ndarray
) -> np.ndarray:
    good, defective = _roc_counts(labels, scores, draws)
    fpr = np.round(good / good[:, -1:], RATE_DECIMALS)
    tpr = defective / defective[:, -1:]
    grid = np.round(grid, RATE_DECIMALS)
    # On a step np.interp takes the top.
    return np.stack([np.interp(grid, x, y) for x, y in zip(fpr, tpr, strict=True)])


def _tails(values: np.ndarray, level: float) -> np.ndarray:
    """Return the low and the high quantile over the first axis."""
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    return np.quantile(values, [(1 - level) / 2, (1 + level) / 2], axis=0)
