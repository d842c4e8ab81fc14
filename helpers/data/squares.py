"""Photos of any shape as square pictures: resized with the shape kept, then padded or tiled."""

from dataclasses import dataclass

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Squares:
    """How photos become the square pictures that detectors look at.

    A photo is resized, its shape kept, until its long side has ``long_side`` pixels. If that is
    ``size``, it is one picture, padded to a square with the median colour of its border. If it is
    more, the photo is cut into overlapping tiles.

    Attributes
    ----------
    size
        Side of the square pictures in pixels.
    long_side
        Of the resized photo in pixels; ``size`` when it is 0.
    overlap
        Least number of pixels that neighbouring tiles share: as wide as what is to be found, so
        that one tile at least shows it whole.

    Raises
    ------
    ValueError
        When a number is out of range.
    """

    size: int = 256
    long_side: int = 0
    overlap: int = 32

    def __post_init__(self) -> None:
        if not self.long_side:
            object.__setattr__(self, "long_side", self.size)
        if self.size < 1 or self.long_side < self.size:
            raise ValueError(
                f"size must be at least 1 and long_side at least size; got {self.size} and "
                f"{self.long_side} pixels."
            )
        if self.tiled and not 0 <= self.overlap < self.size:
            raise ValueError(
                f"overlap must be at least 0 and below the size, {self.size}; got {self.overlap}."
            )

    @property
    def tiled(self) -> bool:
        """Whether photos are cut into tiles."""
        return self.long_side > self.size

    def describe(self) -> str:
        """Say in a sentence what is done to the photos."""
        kept = f"Photos are resized to {self.long_side} pixels on their long side, shape kept"
        if self.tiled:
            return (
                f"{kept}, and cut into tiles of {self.size} × {self.size} pixels that overlap by "
                f"{self.overlap} or more."
            )
        return f"{kept}, and padded to {self.size} × {self.size}."

    def resized(self, width: int, height: int) -> tuple[int, int]:
        """Return the width and height, in pixels, to which a photo is resized."""
        scale = self.long_side / max(width, height)
        return max(1, round(width * scale)), max(1, round(height * scale))

    def corners(self, width: int, height: int) -> list[tuple[int, int]]:
        """Return the upper left corner (row, column) of each tile of a resized photo."""
        rows, columns = (_starts(side, self.size, self.overlap) for side in (height, width))
        return [(row, column) for row in rows for column in columns]

    def resize(self, photo: np.ndarray) -> np.ndarray:
        """Resize a photo, uint8 H×W×3, with anti-aliasing (bilinear)."""
        height, width = photo.shape[:2]
        target = self.resized(width, height)
        if target == (width, height):
            return photo
        return np.asarray(Image.fromarray(photo).resize(target, Image.Resampling.BILINEAR))

    def cut(self, photo: np.ndarray) -> np.ndarray:
        """Turn a photo, uint8 H×W×3, into square pictures: uint8, T×3×size×size."""
        photo = self.resize(photo)
        height, width = photo.shape[:2]
        whole = np.empty((max(height, self.size), max(width, self.size), 3), np.uint8)
        whole[:] = _border_colour(photo)
        whole[:height, :width] = photo
        tiles = [
            whole[row : row + self.size, column : column + self.size]
            for row, column in self.corners(width, height)
        ]
        return np.ascontiguousarray(np.stack(tiles).transpose(0, 3, 1, 2))

    def join(self, maps: np.ndarray, width: int, height: int) -> np.ndarray:
        """Put the maps of a photo's tiles together, where they overlap the larger value.

        Parameters
        ----------
        maps
            float32, T×size×size, in the order of ``cut``.
        width, height
            Of the photo before it was resized, in pixels.

        Returns
        -------
        numpy.ndarray
            float32, of the resized photo's height and width; what lies on padding is left out.
        """
        width, height = self.resized(width, height)
        whole = np.full((max(height, self.size), max(width, self.size)), -np.inf, np.float32)
        for one, (row, column) in zip(maps, self.corners(width, height), strict=True):
            part = whole[row : row + self.size, column : column + self.size]
            np.maximum(part, one, out=part)
        return whole[:height, :width]


def _starts(side: int, size: int, overlap: int) -> list[int]:
    """Spread as few tiles as possible evenly over a side."""
    if side <= size:
        return [0]
    count = -(-(side - overlap) // (size - overlap))
    return [round(start) for start in np.linspace(0, side - size, count)]


def _border_colour(photo: np.ndarray) -> np.ndarray:
    border = [photo[0], photo[-1], photo[:, 0], photo[:, -1]]
    return np.median(np.concatenate(border), axis=0).round().astype(np.uint8)
