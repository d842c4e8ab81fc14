"""One Gaussian over embeddings: what is far from the mean is anomalous."""

from dataclasses import dataclass

import numpy as np
from sklearn.covariance import LedoitWolf


@dataclass(frozen=True, eq=False)
class Gaussian:
    """A Gaussian density in D dimensions.

    Attributes
    ----------
    mean
        D numbers.
    precision
        D×D, the inverse of the covariance.
    """

    mean: np.ndarray
    precision: np.ndarray

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Return the squared Mahalanobis distance of N×D points from the mean: N numbers.

        It is −2 times the logarithm of the density, but for a constant.
        """
        difference = points - self.mean
        return np.einsum("nd,de,ne->n", difference, self.precision, difference, optimize=True)


def fit_gaussian(points: np.ndarray) -> Gaussian:
    """Fit a Gaussian to N×D points, its covariance shrunk as Ledoit and Wolf (2004) advise.

    With fewer points than dimensions the plain covariance has no inverse; shrinking it towards a
    multiple of the identity gives the expected error its minimum.

    Raises
    ------
    ValueError
        When there are fewer than two points, or a number is not finite.
    """
    if points.ndim != 2 or len(points) < 2 or not np.isfinite(points).all():
        raise ValueError(
            "a Gaussian needs two points or more, of finite numbers, as an array N×D; got shape "
            f"{points.shape}."
        )
    fitted = LedoitWolf().fit(points.astype(np.float64))
    return Gaussian(fitted.location_, fitted.get_precision())
