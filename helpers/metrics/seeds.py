"""Image AUROC averaged over several seeds of one method, with bootstrap intervals."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from helpers.metrics.image import (
    Interval,
    both_classes,
    image_auroc,
    interval_of,
    resampled_aurocs,
    stratified_draws,
)


def mean_auroc(
    labels: ArrayLike, runs: Sequence[ArrayLike], level: float = 0.95
) -> tuple[float, Interval]:
    """Mean image AUROC of several runs on the same images, with its interval.

    Every run is resampled with the same draws of images. So the interval speaks of other images
    for these trained models; how much they differ among themselves, the standard deviation over
    seeds says.

    Parameters
    ----------
    labels
        N, 0 for good and 1 for defective.
    runs
        N image scores for each seed.
    level
        As for ``image.auroc_interval``.

    Raises
    ------
    ValueError
        When there is no run, or one does not fit the labels.
    """
    value = float(np.mean([image_auroc(labels, run) for run in _some(runs)]))
    return value, interval_of(_resampled(labels, runs), level)


def mean_paired_difference(
    labels: ArrayLike,
    runs_a: Sequence[ArrayLike],
    runs_b: Sequence[ArrayLike],
    level: float = 0.95,
) -> tuple[float, Interval]:
    """Mean image AUROC of ``runs_a`` minus that of ``runs_b``, on the same draws of images.

    Parameters and errors are those of ``mean_auroc``; the numbers of runs may differ.
    """
    apart = _resampled(labels, runs_a) - _resampled(labels, runs_b)
    values = [np.mean([image_auroc(labels, r) for r in runs]) for runs in (runs_a, runs_b)]
    return float(values[0] - values[1]), interval_of(apart, level)


def _resampled(labels: ArrayLike, runs: Sequence[ArrayLike]) -> np.ndarray:
    rows = []
    for run in _some(runs):
        checked, scores = both_classes(labels, run)
        rows.append(resampled_aurocs(checked, scores, stratified_draws(checked, 2000, 0)))
    return np.mean(rows, axis=0)


def _some(runs: Sequence[ArrayLike]) -> Sequence[ArrayLike]:
    if not len(runs):
        raise ValueError("a mean over seeds needs one run or more; got none.")
    return runs
