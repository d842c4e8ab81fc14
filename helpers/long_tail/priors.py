"""The prior: how common each class is held to be, and what other shares make of probabilities."""

import numpy as np
from numpy.typing import ArrayLike


def with_prior(probabilities: ArrayLike, trained: ArrayLike, wanted: ArrayLike) -> np.ndarray:
    """Return what class probabilities become where the classes are common in other shares.

    By Bayes' rule each is multiplied by the wanted share over the trained one, and each row divided
    by its sum: Saerens, Latinne and Decaestecker, "Adjusting the Outputs of a Classifier to New a
    Priori Probabilities" (Neural Computation 14, 2002, Equation 2.4).

    Parameters
    ----------
    probabilities
        N×K; each row sums to 1.
    trained, wanted
        K positive numbers each, in proportion to the shares in training and where the answers are
        needed; counts will do.

    Returns
    -------
    np.ndarray
        float64, N×K.

    Raises
    ------
    ValueError
        When the shapes do not fit, a share is not a positive number, or a row has no finite,
        positive sum.
    """
    probabilities = np.asarray(probabilities, float)
    if probabilities.ndim != 2:
        raise ValueError(f"probabilities must be N×K; got shape {probabilities.shape}.")
    ratio = np.ones(probabilities.shape[1])
    for name, shares, power in (("trained", trained, -1), ("wanted", wanted, 1)):
        ratio = ratio * _shares(name, shares, len(ratio)) ** power
    raised = probabilities * ratio
    sums = raised.sum(1, keepdims=True)
    if not (np.isfinite(sums) & (sums > 0)).all():
        raise ValueError("every row of probabilities must have a finite sum above 0.")
    return raised / sums


def mixed_prior(counts: ArrayLike, alpha: float) -> np.ndarray:
    """Return the mean label of Balanced-MixUp's batches: K shares that sum to 1.

    With λ ~ Beta(α, 1) the class-balanced batch has the share α / (α + 1) on average, the
    instance-balanced one the rest. α → 0 gives the training set's own shares, α → ∞ equal ones.

    Parameters
    ----------
    counts
        Training images of each class, K.
    alpha
        Of the Beta distribution.

    Raises
    ------
    ValueError
        When a count is not positive, or α is not positive and finite.
    """
    if not 0 < alpha < np.inf:
        raise ValueError(f"alpha must be positive and finite; got {alpha}.")
    own = _shares("counts", counts, np.size(counts))
    balanced = alpha / (alpha + 1)
    return (1 - balanced) * own + balanced / len(own)


def _shares(name: str, values: ArrayLike, classes: int) -> np.ndarray:
    values = np.asarray(values, float)
    if values.shape != (classes,) or not (np.isfinite(values) & (values > 0)).all():
        raise ValueError(f"{name} must be {classes} positive numbers; got {values.tolist()}.")
    return values / values.sum()
