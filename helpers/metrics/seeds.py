"""Image AUROC averaged over several seeds of one method."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from helpers.metrics.inputs import check_both_classes
from helpers.metrics.uncertainty import LEVEL, Interval, Placements, mean_interval, placements

Runs = ArrayLike | Mapping[int, ArrayLike]  # N scores of a single run, or N of each seed


def mean_auroc(
    labels: ArrayLike, runs: Sequence[ArrayLike], level: float = LEVEL
) -> tuple[float, Interval]:
    """Mean image AUROC of several runs on the same images, with its interval.

    The interval holds both uncertainties, that of the images and that of training again; see
    ``uncertainty.mean_interval``. Of a single run it is ``image.auroc_interval``.

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
    if not len(runs):
        raise ValueError("a mean over seeds needs one run or more; got none.")
    parts = [placements(*check_both_classes(labels, run)) for run in runs]
    return float(np.mean([part.auroc for part in parts])), mean_interval(parts, level)


def by_seed(labels: ArrayLike, runs: Runs, name: str) -> dict[int, Placements]:
    """Return each seed's placements; a single run, given as an array, is one of seed 0."""
    runs = runs if isinstance(runs, Mapping) else {0: runs}
    if not runs:
        raise ValueError(f"{name} has no run.")
    return {
        seed: placements(*check_both_classes(labels, scores, f"scores of {name}"))
        for seed, scores in sorted(runs.items())
    }
