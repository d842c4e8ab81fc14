"""Class counts with a long tail: how long it is, who is in it, and training sets that have one."""

import operator

import numpy as np
from numpy.typing import ArrayLike

MANY, FEW = 100, 20


def imbalance_factor(counts: ArrayLike) -> float:
    """Return the largest class count divided by the smallest (Cui et al., CVPR 2019, Section 5.1).

    Raises
    ------
    ValueError
        When a count is below 1 or there is none.
    """
    counts = _positive(counts)
    return float(counts.max() / counts.min())


def long_tailed_counts(largest: int, classes: int, factor: float) -> tuple[int, ...]:
    """Return class counts that fall off exponentially from ``largest`` to ``largest / factor``.

    The profile of the usual long-tailed test beds (Cui et al., CVPR 2019, Section 5.1).

    Raises
    ------
    ValueError
        When there are fewer than two classes, the factor is below 1, or the last class would be
        left without an image.
    """
    largest = operator.index(largest)
    if classes < 2:
        raise ValueError(f"a tail needs at least 2 classes; got {classes}.")
    if not 1 <= factor <= largest:
        raise ValueError(
            f"the imbalance factor must lie between 1 and the largest count, {largest}, so that "
            f"every class keeps an image; got {factor}."
        )
    share = np.arange(classes) / (classes - 1)
    return tuple(max(1, round(float(largest * factor**-s))) for s in share)


def shot_groups(counts: ArrayLike) -> np.ndarray:
    """Name each class's group: ``"many"`` above 100 images, ``"few"`` below 20, else ``"medium"``.

    The groups of Liu et al., "Large-Scale Long-Tailed Recognition in an Open World" (CVPR 2019,
    Section 4).
    """
    counts = _positive(counts)
    return np.where(counts > MANY, "many", np.where(counts < FEW, "few", "medium"))


def _positive(counts: ArrayLike) -> np.ndarray:
    counts = np.asarray(counts)
    if counts.ndim != 1 or not counts.size or not (counts >= 1).all():
        raise ValueError(f"counts must be one number for each class, at least 1; got {counts}.")
    return counts
