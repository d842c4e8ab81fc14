"""Out-of-fold predictions, where the only labelled defects are those of the test images."""

from collections.abc import Callable

import numpy as np

from helpers.data.labelled import Labelled
from helpers.data.labels import stratified_folds
from helpers.long_tail.classifier import DefectClassifier

Fit = Callable[[Labelled], DefectClassifier]


def out_of_fold(
    labelled: Labelled, good: np.ndarray, folds: int, fit: Fit, seed: int = 0
) -> np.ndarray:
    """Predict each labelled image by a classifier that has learned from all other folds.

    Parts seen in one session resemble each other, so figures from such folds are an upper bound of
    what new parts will give.

    Parameters
    ----------
    labelled
        Good and defective test images.
    good
        Further good images to learn from, in every fold: uint8, M×3×H×W.
    folds
        How many; every class needs as many images.
    fit
        Trains a classifier.
    seed
        Of the folds.

    Returns
    -------
    np.ndarray
        Probabilities: float32, N×K.

    Raises
    ------
    ValueError
        When a class has fewer images than there are folds.
    """
    fold = stratified_folds(labelled.labels, folds, seed)
    probabilities = np.empty((len(labelled.labels), len(labelled.names)), np.float32)
    for number in range(folds):
        inside = fold == number
        known = labelled.subset(np.flatnonzero(~inside)).with_good(good)
        probabilities[inside] = fit(known).predict(labelled.images[inside])
    return probabilities
