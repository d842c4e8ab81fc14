"""Parts of a labelled set that have no picture in common, with every defect in each."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike


def stratified_parts(
    defects: ArrayLike, shares: Mapping[str, float], seed: int = 0
) -> dict[str, np.ndarray]:
    """Divide pictures at random, each class in the same shares.

    Parameters
    ----------
    defects
        Name of the class of each of N pictures.
    shares
        Of the parts, such as ``{"train": 0.7, "val": 0.3}``; they add up to 1.
    seed
        Of the random choice.

    Returns
    -------
    dict
        For each part the positions of its pictures, ascending.

    Raises
    ------
    ValueError
        When the shares are not usable, or a class has fewer pictures than there are parts.
    """
    defects = np.asarray(defects)
    values = np.array(list(shares.values()), float)
    if len(values) < 2 or not (values > 0).all() or abs(values.sum() - 1) > 1e-9:
        raise ValueError(f"shares must be two or more, positive and add up to 1; got {shares}.")
    part = np.empty(len(defects), np.int64)
    for number, name in enumerate(sorted(set(defects.tolist()))):
        rows = np.flatnonzero(defects == name)
        if len(rows) < len(values):
            raise ValueError(
                f"'{name}' has {len(rows)} picture(s) for {len(values)} parts. Collect more, make "
                "fewer parts, or leave the class out."
            )
        rows = np.random.default_rng((seed, number)).permutation(rows)
        part[rows] = np.repeat(np.arange(len(values)), _counts(len(rows), values))
    return {name: np.flatnonzero(part == place) for place, name in enumerate(shares)}


def check_disjoint(parts: Mapping[str, Sequence[int]], pictures: np.ndarray) -> None:
    """Raise ValueError when a picture, or an exact copy of it, is in two parts.

    Parameters
    ----------
    parts
        Positions of the pictures of each part.
    pictures
        uint8, N×3×H×W.
    """
    seen: dict[bytes, tuple[str, int]] = {}
    for part, rows in parts.items():
        for row in np.asarray(rows).tolist():
            content = hashlib.blake2b(np.ascontiguousarray(pictures[row]).tobytes()).digest()
            other, place = seen.setdefault(content, (part, row))
            if other != part:
                what = "the same picture" if place == row else "an exact copy of it"
                raise ValueError(
                    f"picture {place} of part '{other}' and picture {row} of part '{part}' are "
                    f"{what}. Keep it in one part only, or the results are too good."
                )


def _counts(count: int, shares: np.ndarray) -> np.ndarray:
    """Divide ``count`` pictures by largest remainders, with one for each part at least."""
    exact = (count - len(shares)) * shares
    whole = np.floor(exact).astype(int)
    missing = count - len(shares) - whole.sum()
    whole[np.argsort(-(exact - whole), kind="stable")[:missing]] += 1
    return whole + 1
