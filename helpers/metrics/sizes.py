"""How large a defect is, in pixels across: what a camera's resolution is chosen by."""

import numpy as np
from scipy.ndimage import distance_transform_edt


def pixels_across(masks: np.ndarray, side: int | None = None) -> np.ndarray:
    """Return the diameter of the largest disc that fits into each mask: how wide its defect is.

    A scratch a hundred pixels long and three wide is three across; its length does not make it
    easier to see, its width does.

    Parameters
    ----------
    masks
        bool, N×H×H.
    side
        Of the picture that the pixels are to be counted in; that of the masks by default.

    Returns
    -------
    numpy.ndarray
        N float numbers; 0 where a mask is empty.

    Raises
    ------
    ValueError
        When the masks are not bool of shape N×H×H.
    """
    if masks.dtype != bool or masks.ndim != 3 or masks.shape[1] != masks.shape[2]:
        raise ValueError(f"masks are bool, N×H×H; got {masks.dtype} of shape {masks.shape}.")
    scale = 1.0 if side is None else side / masks.shape[-1]
    return np.array([_across(mask) for mask in masks]) * scale


def _across(mask: np.ndarray) -> float:
    if not mask.any():
        return 0.0
    # The border of the picture is a border of the defect; a single pixel is 1 from the next one.
    return 2 * float(distance_transform_edt(np.pad(mask, 1)).max()) - 1
