"""Probability of detection: how likely a defect of a given size is found.

The curve of MIL-HDBK-1823A (2009, appendix G): the logit of the probability is a straight line over
the logarithm of the size.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.special import expit, logit

ROUNDS = 200
CLOSE = 1e-9
LONGEST = 2.0  # of a step, in units of the standardised line


@dataclass(frozen=True, eq=False)
class DetectionCurve:
    """A fitted curve of the probability of detection over the size.

    Attributes
    ----------
    line
        Intercept and slope: logit of the probability = intercept + slope · log(size).
    covariance
        2×2, of the two.
    smallest, largest
        Size of the defects it was fitted to; beyond them it is a guess.
    """

    line: np.ndarray
    covariance: np.ndarray
    smallest: float
    largest: float

    def probability(self, sizes: ArrayLike) -> np.ndarray:
        """Return the probability that a defect of each size is found."""
        return expit(self._logit(sizes))

    def bounds(self, sizes: ArrayLike, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends of the interval of each probability (Wald's, on the logit)."""
        reach = stats.norm.ppf((1 + level) / 2) * self._deviation(sizes)
        return expit(self._logit(sizes) - reach), expit(self._logit(sizes) + reach)

    def size_found(self, probability: float = 0.9, confidence: float = 0.5) -> float | None:
        """Return the size from which on defects are found with at least this probability.

        With a confidence of 0.5 it is read off the curve (the handbook's a90), with 0.95 off its
        lower bound on one side (a90/95). Larger defects than those fitted to tell nothing: then
        there is no such size.
        """
        sizes = np.geomspace(self.smallest, self.largest, 2000)
        low = self._logit(sizes) - stats.norm.ppf(confidence) * self._deviation(sizes)
        below = np.flatnonzero(low < logit(probability))
        if not below.size:
            return float(sizes[0])
        return None if below[-1] == len(sizes) - 1 else float(sizes[below[-1] + 1])

    def _logit(self, sizes: ArrayLike) -> np.ndarray:
        return self.line[0] + self.line[1] * np.log(np.asarray(sizes, float))

    def _deviation(self, sizes: ArrayLike) -> np.ndarray:
        design = _design(np.log(np.asarray(sizes, float)))
        return np.sqrt(np.einsum("...i,ij,...j->...", design, self.covariance, design))


def detection_curve(sizes: ArrayLike, found: ArrayLike) -> DetectionCurve:
    """Fit the curve to defects of which some were found.

    The fit is Firth's penalised likelihood (Biometrika 80, 1993; Heinze and Schemper, Statistics in
    Medicine 21, 2002): the plain one has no maximum where all defects above some size are found and
    none below, as is common with few defects.

    Parameters
    ----------
    sizes
        N sizes above 0, of any unit.
    found
        N, whether each was found.

    Raises
    ------
    ValueError
        When there are fewer than two sizes, one is not above 0, or the lengths differ.
    """
    sizes, found = np.asarray(sizes, float), np.asarray(found, float)
    if sizes.ndim != 1 or sizes.shape != found.shape or not np.isfinite(sizes).all():
        raise ValueError(f"give a size and a 0 or 1 a defect; got {sizes.shape}, {found.shape}.")
    if (sizes <= 0).any() or len(np.unique(sizes)) < 2 or not np.isin(found, (0, 1)).all():
        raise ValueError("sizes must be above 0 and two at least; found must be 0 or 1.")
    logs = np.log(sizes)
    middle, spread = logs.mean(), logs.std()
    design = _design((logs - middle) / spread)
    line = np.zeros(2)
    for _ in range(ROUNDS):
        chance = expit(design @ line)
        weight = chance * (1 - chance)
        inverse = np.linalg.inv(design.T @ (weight[:, None] * design))
        leverage = weight * np.einsum("ni,ij,nj->n", design, inverse, design)
        step = inverse @ design.T @ (found - chance + leverage * (0.5 - chance))
        line = line + step * min(1, LONGEST / np.abs(step).max())
        if np.abs(step).max() < CLOSE:
            break
    # Back from standardised logarithms.
    back = np.array([[1, -middle / spread], [0, 1 / spread]])
    return DetectionCurve(
        back @ line, back @ inverse @ back.T, float(sizes.min()), float(sizes.max())
    )


def _design(logs: np.ndarray) -> np.ndarray:
    return np.stack([np.ones_like(logs), logs], -1)
