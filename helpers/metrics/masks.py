"""How well a predicted mask agrees with the true one: IoU, Dice, boundary F."""

import math

import numpy as np
import pandas as pd
from scipy.ndimage import distance_transform_edt

# DAVIS lets outlines differ by 0.8 % of the picture's diagonal, rounded up.
TOLERANCE_SHARE = 0.008


def iou(mask: np.ndarray, truth: np.ndarray) -> float:
    """Intersection over union of two masks H×W (bool); 1 when both are empty.

    Raises
    ------
    ValueError
        When they are not bool of one shape H×W. The other functions raise the same.
    """
    _check(mask, truth)
    union = np.count_nonzero(mask | truth)
    return np.count_nonzero(mask & truth) / union if union else 1.0


def dice(mask: np.ndarray, truth: np.ndarray) -> float:
    """Twice the shared area over the sum of both (Dice, 1945); 1 when both masks are empty."""
    _check(mask, truth)
    sizes = np.count_nonzero(mask) + np.count_nonzero(truth)
    return 2 * np.count_nonzero(mask & truth) / sizes if sizes else 1.0


def boundary(mask: np.ndarray) -> np.ndarray:
    """Return the pixels of a mask that have a neighbour outside it, across an edge: bool, H×W.

    What lies beyond the picture's border counts as outside, so a mask that touches the border has
    its boundary there. Holes have a boundary too.
    """
    _check(mask, mask)
    padded = np.pad(mask, 1)
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~inside


def boundary_f(mask: np.ndarray, truth: np.ndarray, tolerance: float | None = None) -> float:
    """Return how well two outlines agree.

    Precision is the share of the mask's boundary pixels that lie within ``tolerance`` of the true
    boundary, recall the share of the true boundary's that lie that near the mask's; the result is
    their harmonic mean (Martin et al., PAMI 2004; as a measure of masks: Perazzi et al., CVPR 2016,
    Section 4). DAVIS thickens the boundaries by a disk of the tolerance, which is the same as
    these distances; a boundary pixel there may lie beside the mask, here it is one of the mask's.

    Parameters
    ----------
    mask, truth
        bool, H×W.
    tolerance
        In pixels; by default DAVIS' choice, 0.8 % of the diagonal, rounded up.

    Returns
    -------
    float
        Between 0 and 1. 1 when both masks are empty, 0 when one of them is.

    Raises
    ------
    ValueError
        When they are not bool of one shape, or the tolerance is negative.
    """
    _check(mask, truth)
    if tolerance is None:
        tolerance = default_tolerance(mask.shape)
    if not tolerance >= 0:
        raise ValueError(f"tolerance must be a number of pixels, at least 0; got {tolerance}.")
    edge, true_edge = boundary(mask), boundary(truth)
    if not edge.any() or not true_edge.any():
        return float(edge.any() == true_edge.any())
    precision = (distance_transform_edt(~true_edge)[edge] <= tolerance).mean()
    recall = (distance_transform_edt(~edge)[true_edge] <= tolerance).mean()
    total = precision + recall
    return float(2 * precision * recall / total) if total else 0.0


def default_tolerance(shape: tuple[int, ...]) -> int:
    """Return by how many pixels outlines in pictures of H×W may differ: DAVIS' choice."""
    return math.ceil(TOLERANCE_SHARE * math.hypot(*shape))


def mask_table(masks: np.ndarray, truths: np.ndarray, defects: np.ndarray) -> pd.DataFrame:
    """Measure each mask: one row a picture.

    Parameters
    ----------
    masks, truths
        bool, N×H×W.
    defects
        N names; ``"good"`` for pictures without a defect.

    Returns
    -------
    pandas.DataFrame
        Columns defect, IoU, Dice, boundary F, and false pixels: those marked that should not be.
    """
    if not len(masks) == len(truths) == len(defects):
        raise ValueError(
            f"there are {len(masks)} masks, {len(truths)} true ones and {len(defects)} names; "
            "give one of each for every picture."
        )
    return pd.DataFrame(
        {
            "defect": defects,
            "IoU": [iou(*pair) for pair in zip(masks, truths, strict=True)],
            "Dice": [dice(*pair) for pair in zip(masks, truths, strict=True)],
            "boundary F": [boundary_f(*pair) for pair in zip(masks, truths, strict=True)],
            "false pixels": (masks & ~truths).sum((1, 2)),
        }
    )


def mask_summary(table: pd.DataFrame) -> pd.DataFrame:
    """Average a ``mask_table`` over the pictures of each defect, and over all defective ones.

    Good pictures have no defect to find, and an empty mask on one of them would count as perfect.
    So they are left out here; ``false_pictures`` counts what is marked on them.
    """
    defective = table[table["defect"] != "good"]
    measures = ["IoU", "Dice", "boundary F"]
    means = defective.groupby("defect")[measures].mean()
    return pd.concat([means, defective[measures].mean().to_frame("all defective").T])


def false_pictures(table: pd.DataFrame) -> int:
    """Count the good pictures on which a pixel is marked."""
    return int(((table["defect"] == "good") & (table["false pixels"] > 0)).sum())


def _check(mask: np.ndarray, truth: np.ndarray) -> None:
    for array in (mask, truth):
        if array.dtype != bool or array.ndim != 2 or not array.size:
            raise ValueError(
                f"a mask is bool of shape H×W; got {array.dtype} of shape {array.shape}. Compare "
                "with a threshold first, and take one picture at a time."
            )
    if mask.shape != truth.shape:
        raise ValueError(
            f"the masks have shapes {mask.shape} and {truth.shape}; resize the predicted one first."
        )
