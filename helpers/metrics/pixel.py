"""How well anomaly maps find the defective pixels and regions.

Everything here is exact: every distinct score is a threshold, pixels of equal score change sides
together, and nothing is binned or sampled. What makes that quick is that a curve can only bend
where the score of a *defective* pixel is passed, and those are few. The good pixels are sorted
once and then only counted.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import trapezoid
from scipy.ndimage import label

from helpers.metrics.inputs import check_finite

# Pixels of one image that touch, also at a corner, form one region; images never join.
NEIGHBOURS = np.zeros((3, 3, 3), dtype=bool)
NEIGHBOURS[1] = True
NEIGHBOURS.setflags(write=False)


@dataclass(frozen=True, eq=False)
class ProCurve:
    """The per-region overlap (PRO) curve's corners; it runs straight between them.

    Attributes
    ----------
    fpr
        False-positive rate over all good pixels, rising from 0 to 1.
    pro
        Mean covered share of the defect regions, rising from 0 to 1.
    """

    fpr: np.ndarray
    pro: np.ndarray


@dataclass(frozen=True)
class PixelReport:
    """The three pixel metrics of one set of maps, each between 0 and 1."""

    auroc: float
    average_precision: float
    aupro: float


def pixel_report(masks: ArrayLike, maps: ArrayLike, fpr_limit: float = 0.3) -> PixelReport:
    """Pixel AUROC, pixel average precision and AUPRO from one sort of the pixels.

    Parameters
    ----------
    masks
        N×H×W, True (or 1) where a pixel is defective; all False for a good image.
    maps
        N×H×W finite anomaly scores, higher where more anomalous.
    fpr_limit
        As for :func:`aupro`.

    Raises
    ------
    ValueError
        Masks and maps of different shape or not N×H×W, masks with values other than 0 and 1, no
        defective or no good pixel, a score that is not finite, or one and the same score in
        every pixel of every map. The other functions of this module raise the same errors.
    """
    steps = _steps(masks, maps)
    return PixelReport(
        auroc=_auroc(steps),
        average_precision=_average_precision(steps),
        aupro=_limited_area(_curve(steps), fpr_limit),
    )


def pixel_auroc(masks: ArrayLike, maps: ArrayLike) -> float:
    """AUROC over all pixels of all images, ties counted one half.

    Large defects dominate it and good pixels outnumber the rest, so it is near 1 even for maps
    that miss small defects; AUPRO is the stricter number.
    """
    return _auroc(_steps(masks, maps))


def pro_curve(masks: ArrayLike, maps: ArrayLike) -> ProCurve:
    """Per-region overlap against the false-positive rate, over all thresholds.

    At each threshold the overlap is the covered share of a connected ground-truth region, averaged
    over all regions of all images, so that a small region counts as much as a large one. The
    false-positive rate is over the good pixels of all images, good images included (Bergmann et
    al., IJCV 129, 2021). Regions are 8-connected, at the resolution of ``masks``.
    """
    return _curve(_steps(masks, maps))


def aupro(masks: ArrayLike, maps: ArrayLike, fpr_limit: float = 0.3) -> float:
    """Area under :func:`pro_curve` up to ``fpr_limit``, divided by ``fpr_limit``.

    It lies between 0 and 1; random maps get ``fpr_limit / 2``. The curve is interpolated
    at the limit, so the value is exact.

    Parameters
    ----------
    masks, maps
        As for :func:`pixel_report`.
    fpr_limit
        Highest false-positive rate that counts, above 0 and at most 1. The usual value is 0.3.
    """
    return _limited_area(pro_curve(masks, maps), fpr_limit)


@dataclass(frozen=True, eq=False)
class _Steps:
    """What is at or above each distinct score of a defective pixel, from the highest score down.

    ``good_above`` counts the good pixels strictly above, ``good`` those at or above, ``defective``
    the defective pixels at or above, and ``pro`` is the overlap reached.
    """

    good_above: np.ndarray
    good: np.ndarray
    defective: np.ndarray
    pro: np.ndarray
    all_good: int


def _steps(masks: ArrayLike, maps: ArrayLike) -> _Steps:
    masks, maps = _checked(masks, maps)
    good = np.sort(maps[~masks])
    scores = maps[masks]
    order = np.argsort(scores)[::-1]
    scores = scores[order]
    ends = np.flatnonzero(np.append(scores[1:] != scores[:-1], True))
    pro = np.cumsum(_region_weights(masks)[order])[ends]
    return _Steps(
        good_above=good.size - np.searchsorted(good, scores[ends], side="right"),
        good=good.size - np.searchsorted(good, scores[ends], side="left"),
        defective=ends + 1,
        pro=pro / pro[-1],
        all_good=good.size,
    )


def _region_weights(masks: np.ndarray) -> np.ndarray:
    """One over the area of its region, for every defective pixel."""
    regions = label(masks, structure=NEIGHBOURS)[0][masks]
    return 1 / np.bincount(regions)[regions]


def _auroc(steps: _Steps) -> float:
    below = steps.all_good - (steps.good_above + steps.good) / 2
    pairs = steps.all_good * int(steps.defective[-1])
    return float(below @ np.diff(steps.defective, prepend=0) / pairs)


def _average_precision(steps: _Steps) -> float:
    precision = steps.defective / (steps.defective + steps.good)
    return float(precision @ np.diff(steps.defective, prepend=0) / steps.defective[-1])


def _curve(steps: _Steps) -> ProCurve:
    # Two corners a step: good pixels up to it are passed first, then those of equal score together
    # with the defective ones.
    fpr = np.column_stack([steps.good_above, steps.good]).ravel() / steps.all_good
    pro = np.column_stack([np.append(0, steps.pro[:-1]), steps.pro]).ravel()
    return ProCurve(fpr=np.concatenate([[0], fpr, [1]]), pro=np.concatenate([[0], pro, [1]]))


def _limited_area(curve: ProCurve, fpr_limit: float) -> float:
    if not 0 < fpr_limit <= 1:
        raise ValueError(f"fpr_limit must be above 0 and at most 1, got {fpr_limit}")
    inside = np.searchsorted(curve.fpr, fpr_limit, side="right")
    fpr = np.append(curve.fpr[:inside], fpr_limit)
    pro = np.append(curve.pro[:inside], np.interp(fpr_limit, curve.fpr, curve.pro))
    return min(float(trapezoid(pro, fpr)) / fpr_limit, 1.0)


def _checked(masks: ArrayLike, maps: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    masks, maps = np.asarray(masks), np.asarray(maps)
    if masks.shape != maps.shape or masks.ndim != 3:
        raise ValueError(
            f"masks and maps must both be N×H×W, got shapes {masks.shape} and {maps.shape}; resize "
            "the maps to the masks"
        )
    maps = check_finite(maps, "maps")
    if masks.dtype != bool:
        if not np.isin(masks, (0, 1)).all():
            raise ValueError(
                f"masks must be True or False (or 1 and 0), got values from {masks.min()} to "
                f"{masks.max()}; a mask file's grey values become one with `mask > 0`"
            )
        masks = masks.astype(bool)
    defective = np.count_nonzero(masks)
    if defective == 0:
        raise ValueError(f"no defect region in any of the {len(masks)} masks; were they all good?")
    if defective == masks.size:
        raise ValueError(f"no good pixel in any of the {len(masks)} masks; are they inverted?")
    if maps.min() == maps.max():
        raise ValueError(
            f"every pixel of every map is {maps.flat[0]}; such maps locate nothing, check that the "
            "detector was fitted and not only started"
        )
    return masks, maps
