"""Image AUROC averaged over several seeds of one method, with bootstrap intervals."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from helpers.metrics.image import (
    LEVEL,
    RESAMPLES,
    Interval,
    auroc,
    interval_of,
    resampled_aurocs,
    stratified_draws,
)
from helpers.metrics.inputs import check_both_classes


def mean_auroc(
    labels: ArrayLike, runs: Sequence[ArrayLike], level: float = LEVEL
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
    values, resampled = _aurocs(labels, runs)
    return float(np.mean(values)), interval_of(resampled, level)


def mean_paired_difference(
    labels: ArrayLike,
    runs_a: Sequence[ArrayLike],
    runs_b: Sequence[ArrayLike],
    level: float = LEVEL,
) -> tuple[float, Interval]:
    """Mean image AUROC of ``runs_a`` minus that of ``runs_b``, on the same draws of images.

    Parameters and errors are those of ``mean_auroc``; the numbers of runs may differ.
    """
    values_a, resampled_a = _aurocs(labels, runs_a)
    values_b, resampled_b = _aurocs(labels, runs_b)
    difference = float(np.mean(values_a) - np.mean(values_b))
    return difference, interval_of(resampled_a - resampled_b, level)


def _aurocs(labels: ArrayLike, runs: Sequence[ArrayLike]) -> tuple[list[float], np.ndarray]:
    """Return the AUROC of each run, and of each draw of images their mean."""
    if not len(runs):
        raise ValueError("a mean over seeds needs one run or more; got none.")
    checked = [check_both_classes(labels, run) for run in runs]
    draws = stratified_draws(checked[0][0], RESAMPLES, seed=0)
    return (
        [auroc(*pair) for pair in checked],
        np.mean([resampled_aurocs(*pair, draws) for pair in checked], axis=0),
    )
