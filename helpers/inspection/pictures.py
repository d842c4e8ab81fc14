"""A verdict as a picture: the photo with what is odd outlined, and its map on a fixed scale."""

import matplotlib as mpl
import numpy as np
from scipy.ndimage import binary_dilation

ORANGE, DARK = (230, 159, 0), (0, 0, 0)  # as in helpers.plots: Okabe and Ito's
COLOURS = "cividis"
GAP = 4  # pixels between photo and map


def map_colours(found: np.ndarray, threshold: float) -> np.ndarray:
    """Colour a map, float h×w, on a scale from 0 to twice the threshold: uint8, h×w×3.

    The threshold is the middle of the scale on every map, so good photos never glow.
    """
    share = np.clip(found / (2 * max(threshold, 1e-12)), 0, 1)
    return (mpl.colormaps[COLOURS](share)[..., :3] * 255).round().astype(np.uint8)


def outlined(photo: np.ndarray, odd: np.ndarray) -> np.ndarray:
    """Draw a line around the pixels that are odd, beside them and not over them.

    Parameters
    ----------
    photo
        uint8, h×w×3.
    odd
        bool, h×w.
    """
    if not odd.any():
        return photo
    width = max(1, round(max(odd.shape) / 256))
    near = binary_dilation(odd, iterations=width)
    line = binary_dilation(near, iterations=2 * width) & ~near
    edge = binary_dilation(line, iterations=width) & ~near & ~line
    drawn = photo.copy()
    drawn[edge], drawn[line] = DARK, ORANGE
    return drawn


def side_by_side(photo: np.ndarray, found: np.ndarray, threshold: float) -> np.ndarray:
    """Return the outlined photo, and beside it its map: uint8, h×(2w + gap)×3."""
    gap = np.full((photo.shape[0], GAP, 3), 255, np.uint8)
    parts = [outlined(photo, found > threshold), gap, map_colours(found, threshold)]
    return np.concatenate(parts, axis=1)
