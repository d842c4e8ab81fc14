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
DIRECTIONS, HALVINGS = 120, 30  # of the outline of a likelihood region
FARTHEST = 1e4  # standard deviations


@dataclass(frozen=True, eq=False)
class DetectionCurve:
    """A fitted curve of the probability of detection over the size.

    Attributes
    ----------
    line
        Intercept and slope: logit of the probability = intercept + slope · log(size).
    covariance
        2×2, of the two.
    sizes, found
        Of the defects it was fitted to, N; beyond the smallest and the largest it is a guess.
    """

    line: np.ndarray
    covariance: np.ndarray
    sizes: np.ndarray
    found: np.ndarray

    @property
    def smallest(self) -> float:
        """Size of the smallest defect it was fitted to."""
        return float(self.sizes.min())

    @property
    def largest(self) -> float:
        """Size of the largest defect it was fitted to."""
        return float(self.sizes.max())

    def probability(self, sizes: ArrayLike) -> np.ndarray:
        """Return the probability that a defect of each size is found."""
        return expit(_at(self.line, sizes))

    def bounds(self, sizes: ArrayLike, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends of the interval of each probability, by the ratio of likelihoods.

        Each is the least, and the greatest, that any line gives which explains the defects nearly
        as well as the fitted one (profile likelihood, here penalised as in the fit). A normal
        approximation, Wald's, would be as wide upwards as downwards, which with few defects and a
        flat curve it is not.
        """
        values = _at(self._outline(stats.norm.ppf((1 + level) / 2)), sizes)
        return expit(values.min(0)), expit(values.max(0))

    def size_found(self, probability: float = 0.9, confidence: float = 0.5) -> float | None:
        """Return the size from which on defects are found with at least this probability.

        With a confidence of 0.5 it is read off the curve (the handbook's a90), with 0.95 off its
        lower bound on one side (a90/95). Larger defects than those fitted to tell nothing: then
        there is no such size.
        """
        sizes = np.geomspace(self.smallest, self.largest, 2000)
        low = _at(self._outline(stats.norm.ppf(confidence)), sizes).min(0)
        below = np.flatnonzero(low < logit(probability))
        if not below.size:
            return float(sizes[0])
        return None if below[-1] == len(sizes) - 1 else float(sizes[below[-1] + 1])

    def _outline(self, deviations: float) -> np.ndarray:
        """Return lines, K×2, around all whose likelihood is near the greatest.

        Twice the difference of the logarithms is the square of ``deviations``: for one number
        read off the line, such as its value at one size, it has the χ² distribution with one
        degree of freedom.
        """
        if deviations <= 0:
            return self.line[None]
        logs = np.log(self.sizes)
        # Standardised, so that the unit of the sizes makes no difference.
        there = np.array([[1, logs.mean()], [0, logs.std()]])
        design, middle = _design((logs - logs.mean()) / logs.std()), there @ self.line
        angles = np.linspace(0, 2 * np.pi, DIRECTIONS, endpoint=False)
        root = np.linalg.cholesky(there @ self.covariance @ there.T)
        ways = np.stack([np.cos(angles), np.sin(angles)], 1) @ root.T
        best = _likelihood(middle[None], design, self.found)

        def inside(reach: np.ndarray) -> np.ndarray:
            lines = middle + reach[:, None] * ways
            return 2 * (best - _likelihood(lines, design, self.found)) < deviations**2

        near, far = np.zeros(DIRECTIONS), np.full(DIRECTIONS, deviations)
        while (further := inside(far)).any() and far.max() < FARTHEST:
            near, far = np.where(further, far, near), np.where(further, 2 * far, far)
        for _ in range(HALVINGS):
            half = (near + far) / 2
            within = inside(half)
            near, far = np.where(within, half, near), np.where(within, far, half)
        return (middle + far[:, None] * ways) @ np.linalg.inv(there).T


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
    return DetectionCurve(back @ line, back @ inverse @ back.T, sizes, found)


def _design(logs: np.ndarray) -> np.ndarray:
    return np.stack([np.ones_like(logs), logs], -1)


def _at(lines: np.ndarray, sizes: ArrayLike) -> np.ndarray:
    """Return the logit of the probability that lines …×2 give each of S sizes: …×S."""
    return lines @ _design(np.log(np.asarray(sizes, float))).T


def _likelihood(lines: np.ndarray, design: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Return the logarithm of the penalised likelihood of lines K×2: K."""
    odds = lines @ design.T
    weights = expit(odds) * expit(-odds)
    zero, one, two = (weights @ design[:, 1] ** power for power in range(3))
    information = np.maximum(zero * two - one**2, np.finfo(float).tiny)
    return (found * odds - np.logaddexp(0, odds)).sum(1) + np.log(information) / 2
