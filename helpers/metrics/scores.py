"""Scores of images and pixels, and from a map to the score of its image."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch.nn import functional


@dataclass(frozen=True, eq=False)
class Scores:
    """How anomalous a detector finds images and their pixels; higher is more anomalous.

    Attributes
    ----------
    image
        One score an image: float32, shape N.
    maps
        One score a pixel: float32, shape N×H×W.

    Raises
    ------
    ValueError
        When the shapes disagree or a score is not finite.
    """

    image: np.ndarray
    maps: np.ndarray

    def __post_init__(self) -> None:
        if self.image.ndim != 1 or self.maps.ndim != 3 or len(self.image) != len(self.maps):
            raise ValueError(
                "scores must be one number and one map an image, of shapes N and N×H×W; "
                f"got {self.image.shape} and {self.maps.shape}."
            )
        for name, values in (("image score", self.image), ("map", self.maps)):
            flat = values.reshape(len(values), -1)
            bad = np.flatnonzero(~np.isfinite(flat).all(axis=1))
            if bad.size:
                raise ValueError(
                    f"the {name} of image {bad[0]} is not finite ({bad.size} of {len(flat)} are "
                    "not). Look for a diverged training run or a constant image."
                )

    def __repr__(self) -> str:
        return f"Scores(image={self.image.shape}, maps={self.maps.shape})"


def pool(maps: np.ndarray, top_share: float) -> np.ndarray:
    """Turn maps into image scores: the mean over the highest ``top_share`` of the pixels.

    With 1 it is the mean of the whole map, with a share below one pixel its maximum; between the
    two it asks for a spot of a certain size.

    Parameters
    ----------
    maps
        N×H×W.
    top_share
        Between 0 and 1.

    Returns
    -------
    numpy.ndarray
        float32, shape N.
    """
    if not 0 <= top_share <= 1:
        raise ValueError(f"top_share must be between 0 and 1; got {top_share}.")
    flat = maps.reshape(len(maps), -1)
    count = max(1, round(top_share * flat.shape[1]))
    top = np.partition(flat, flat.shape[1] - count, axis=1)[:, -count:]
    return top.mean(axis=1, dtype=np.float64).astype(np.float32)


def smooth(maps: np.ndarray, sigma: float) -> np.ndarray:
    """Blur each map N×H×W with a Gaussian of ``sigma`` pixels, so that lone pixels weigh less."""
    return gaussian_filter(maps, (0, sigma, sigma)) if sigma else maps


def resize(maps: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Resample maps N×h×w bilinearly to a height and a width; as they are when they have it."""
    if maps.shape[1:] == tuple(size):
        return maps
    small = torch.as_tensor(maps)[:, None]
    return functional.interpolate(small, tuple(size), mode="bilinear")[:, 0].numpy()


def scores_from_maps(
    maps: np.ndarray,
    size: tuple[int, int] | None = None,
    smoothing: float = 0.0,
    top_share: float = 0.0,
    image: np.ndarray | None = None,
) -> Scores:
    """Turn a detector's maps into scores: enlarge them to the images, smooth them, pool them.

    Parameters
    ----------
    maps
        N×h×w.
    size
        Height and width of the images; those of the maps when not given.
    smoothing
        Standard deviation of the Gaussian, as a share of the images' side.
    top_share
        See ``pool``; not used when ``image`` is given.
    image
        N image scores of the detector's own making.
    """
    maps = resize(maps, size or maps.shape[1:])
    smoothed = smooth(maps, smoothing * maps.shape[-1]).astype(np.float32, copy=False)
    image = pool(smoothed, top_share) if image is None else image.astype(np.float32, copy=False)
    return Scores(image, smoothed)
