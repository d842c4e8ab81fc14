"""Photos that belong together, such as five of one part: named by a pattern, never torn apart."""

import re
from collections.abc import Iterable, Sequence

import numpy as np

from helpers.errors import DataError


def groups_of(files: Iterable[str], pattern: str) -> tuple[str, ...]:
    r"""Return the group that each file's name tells.

    Parameters
    ----------
    files
        Names of files.
    pattern
        A regular expression that is found somewhere in each name. What its first bracket holds is
        the group; without a bracket, all that it finds: ``r"part(\d+)"`` puts ``part7_a.jpg`` and
        ``part7_b.jpg`` together.

    Raises
    ------
    DataError
        When the pattern is no regular expression, or is not found in a name.
    """
    try:
        wanted = re.compile(pattern)
    except re.error as error:
        raise DataError(f"{pattern!r} is no regular expression ({error}).") from error
    groups = []
    for file in files:
        if not (found := wanted.search(file)) or found.group(min(1, wanted.groups)) is None:
            raise DataError(
                f"{file} tells no group: {pattern!r} is not found in its name. Rename it, or give "
                "a pattern that every name has."
            )
        groups.append(found.group(min(1, wanted.groups)))
    return tuple(groups)


def group_folds(groups: Sequence[str], folds: int, seed: int = 0) -> np.ndarray:
    """Give each photo a fold, 0 to ``folds`` - 1, a group's photos the same one.

    The largest groups are dealt first, each to the fold that has the fewest photos.

    Returns
    -------
    numpy.ndarray
        int64, one a photo.

    Raises
    ------
    ValueError
        When there are fewer groups than folds, or fewer than two folds.
    """
    names, member, counts = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    if not 2 <= folds <= len(names):
        raise ValueError(
            f"folds must be from 2 to the number of groups, {len(names)}; got {folds}."
        )
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(-counts[order], kind="stable")]
    fold, filled = np.empty(len(names), np.int64), np.zeros(folds, np.int64)
    for group in order:
        fold[group] = filled.argmin()
        filled[fold[group]] += counts[group]
    return fold[member]


def one_of_each(groups: Sequence[str], seed: int = 0) -> np.ndarray:
    """Choose one photo of each group at random: their positions, ascending.

    Photos of one part are no independent evidence; one of each part is.
    """
    order = np.random.default_rng(seed).permutation(len(groups))
    _, first = np.unique(np.asarray(groups)[order], return_index=True)
    return np.sort(order[first])


def held_out_groups(groups: Sequence[str], fraction: float, seed: int = 0) -> np.ndarray:
    """Choose whole groups at random until they hold about ``fraction`` of the photos.

    Returns
    -------
    numpy.ndarray
        bool, one a photo: True where it is held out; some are, and some are not.

    Raises
    ------
    ValueError
        When the fraction is not between 0 and 1, or there are fewer than two groups.
    """
    if not 0 < fraction < 1:
        raise ValueError(f"fraction must lie between 0 and 1; got {fraction}.")
    names, member, counts = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    if len(names) < 2:
        raise ValueError(
            f"photos of {len(names)} group cannot be split in two; give those of 2 groups at least."
        )
    order = np.random.default_rng(seed).permutation(len(names))
    share = counts[order].cumsum() / len(member)
    count = int(np.clip(np.abs(share - fraction).argmin() + 1, 1, len(names) - 1))
    return np.isin(member, order[:count])
