"""How far an AUROC, a mean of several, or a difference of two may lie from the true one.

Other test images would give another AUROC, and so would another training. Both are variances here,
and an interval is made from their sum.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

LEVEL = 0.95  # of an interval, where nothing else is asked for
# Half an image of each class that one of two methods misses wholly, and half that the other does.
PSEUDO_IMAGES, PSEUDO_DIFFERENCE = 1, 0.5
HALVINGS = 50  # of the range in which an end is sought: to rounding


@dataclass(frozen=True)
class Interval:
    """A range meant to hold the true value in a share ``level`` of all experiments."""

    low: float
    high: float
    level: float


@dataclass(frozen=True, eq=False)
class Placements:
    """Each image's part in an AUROC: the share of the other class that it is in order with.

    Attributes
    ----------
    good
        Of each of M good images, the share of defective ones that score higher; ties count half.
    defective
        Of each of N defective images, the share of good ones that score lower.

    The mean of either is the AUROC (DeLong, DeLong & Clarke-Pearson, Biometrics 44, 1988).
    """

    good: np.ndarray
    defective: np.ndarray

    def __sub__(self, other: "Placements") -> "Placements":
        return Placements(self.good - other.good, self.defective - other.defective)

    @property
    def auroc(self) -> float:
        """Their mean."""
        return float(self.defective.mean())


def placements(labels: np.ndarray, scores: np.ndarray) -> Placements:
    """Compute the placements of N labels 0 or 1 and scores that were checked before."""
    good, defective = scores[labels == 0], scores[labels == 1]
    # A rank among all less that among one's own class counts those of the other class below.
    ranks = stats.rankdata(np.concatenate([good, defective]))
    below = ranks[good.size :] - stats.rankdata(defective)
    above = defective.size - (ranks[: good.size] - stats.rankdata(good))
    return Placements(above / defective.size, below / good.size)


def mean_placements(runs: list[Placements]) -> Placements:
    """Average over runs: the placements of their mean AUROC."""
    return Placements(
        np.mean([run.good for run in runs], axis=0),
        np.mean([run.defective for run in runs], axis=0),
    )


def image_variances(parts: Placements, pseudo: float = 0.0) -> tuple[float, float]:
    """Variance that the choice of good images adds to the AUROC, and that of defective ones.

    DeLong's estimate; their sum is the AUROC's variance over test sets. A class of one image tells
    nothing of a variance and gives 0, except for the pseudo-images.

    Parameters
    ----------
    parts
        Placements, or the difference of those of two methods.
    pseudo
        Number of made-up images added to each class, half of them ``PSEUDO_DIFFERENCE`` up and half
        down; see :func:`difference_interval`.
    """

    def variance(values: np.ndarray) -> float:
        squares = ((values - values.mean()) ** 2).sum() + pseudo * PSEUDO_DIFFERENCE**2
        return float(squares / max(values.size - 1 + pseudo, 1) / values.size)

    return variance(parts.good), variance(parts.defective)


def model_variance(auroc: np.ndarray | float, good: int, defective: int) -> np.ndarray | float:
    """Variance over test sets of an AUROC whose true value is ``auroc``.

    Newcombe's V₂ (Statistics in Medicine 25, 2006, 559–573): Hanley & McNeil's formula for
    exponential scores (Radiology 143, 1982), with both class sizes in the numerator replaced by
    their mean. It needs no scores, so it does not vanish where no pair happened to be swapped.
    """
    others = (good + defective) / 2 - 1
    pairs = 1 + others * ((1 - auroc) / (2 - auroc) + auroc / (1 + auroc))
    return auroc * (1 - auroc) * pairs / (good * defective)


def mean_interval(runs: list[Placements], level: float = LEVEL) -> Interval:
    """Interval of the mean AUROC of one or more runs on the same images.

    Its ends are the true values A for which the mean found is just ``q`` standard deviations away,
    q √(c V(A) + s² / K) (a score interval: Newcombe 2006, method 5). V is
    :func:`model_variance`, s² the variance of the AUROC over the K runs. c is 1, or where DeLong's
    variance is larger than the model's at the AUROC found, their ratio: a few good images that
    look defective spread an AUROC more than the model allows. q is Student's, see
    :func:`quantile`; with one run it is the normal one, and the interval speaks of images alone.

    It neither passes 1 nor is a point where every pair is in order.
    """
    mean = mean_placements(runs)
    good, defective, found = mean.good.size, mean.defective.size, mean.auroc
    seeds = seed_variance([run.auroc for run in runs])
    modelled = float(model_variance(found, good, defective))
    widened = max(modelled, sum(image_variances(mean)))
    ratio = widened / modelled if modelled > 0 else 1.0
    q = quantile([(widened, np.inf), (seeds, len(runs) - 1)], level)

    def end(edge: float) -> float:
        inside, outside = found, edge
        for _ in range(HALVINGS):
            middle = (inside + outside) / 2
            variance = ratio * model_variance(middle, good, defective) + seeds
            near = (middle - found) ** 2 <= q * q * variance
            inside, outside = (middle, outside) if near else (inside, middle)
        return outside

    return Interval(end(0.0), end(1.0), level)


def difference_interval(
    one: list[Placements], other: list[Placements], level: float = LEVEL
) -> Interval:
    """Interval of the mean AUROC of one method minus that of another, on the same images.

    The difference ± q √v. v adds up DeLong's variances of the difference over good and over
    defective images, and those over the runs of each method, divided by their number; q is
    Student's, see :func:`quantile`. What makes an image hard for both methods cancels out. The
    variance over runs on the same images holds a little of that over images, which is so counted
    twice: with few runs the interval is rather too wide than too narrow.

    Where both rank nearly all pairs rightly, few images or none tell how often they differ. So
    each class gets a pseudo-image before its variance is taken: half of it missed by one method
    (a placement of ½, against 1), half by the other. This is Agresti & Min's remedy for
    differences of matched proportions (Statistics in Medicine 24, 2005, 729–740), in the
    placements' terms.
    """
    mean_one, mean_other = mean_placements(one), mean_placements(other)
    by_good, by_defective = image_variances(mean_one - mean_other, PSEUDO_IMAGES)
    parts = [
        (by_good, mean_one.good.size),
        (by_defective, mean_one.defective.size),
        *((seed_variance([run.auroc for run in runs]), len(runs) - 1) for runs in (one, other)),
    ]
    half = quantile(parts, level) * np.sqrt(sum(variance for variance, _ in parts))
    difference = mean_one.auroc - mean_other.auroc
    return Interval(float(difference - half), float(difference + half), level)


def seed_variance(values: ArrayLike) -> float:
    """Variance of the mean of several runs' values, over trainings; 0 of a single run."""
    values = np.asarray(values, dtype=float)
    return float(values.var(ddof=1) / values.size) if values.size > 1 else 0.0


def values_interval(values: ArrayLike, level: float = LEVEL) -> Interval:
    """Student's t interval of the mean of two or more values, one of each training."""
    values = np.asarray(values, dtype=float)
    variance = seed_variance(values)
    half = quantile([(variance, values.size - 1)], level) * variance**0.5
    return Interval(float(values.mean() - half), float(values.mean() + half), level)


def pictures_interval(
    one: list[np.ndarray], other: list[np.ndarray], level: float = LEVEL
) -> Interval:
    """Interval of one method's mean over pictures and runs minus another's, on the same pictures.

    As in :func:`difference_interval` the variances add up: that of the pictures' differences, each
    a mean over the runs, and that over the runs of each method; q is Student's.

    Parameters
    ----------
    one, other
        For each run a value of each of N pictures, such as its IoU.
    """
    differences = np.mean(one, axis=0) - np.mean(other, axis=0)
    parts = [
        (float(differences.var(ddof=1) / differences.size), differences.size - 1),
        *((seed_variance([run.mean() for run in runs]), len(runs) - 1) for runs in (one, other)),
    ]
    half = quantile(parts, level) * np.sqrt(sum(variance for variance, _ in parts))
    return Interval(float(differences.mean() - half), float(differences.mean() + half), level)


def quantile(parts: list[tuple[float, float]], level: float = LEVEL) -> float:
    """How many standard deviations an interval reaches to each side.

    Parameters
    ----------
    parts
        Independent variances whose sum is the interval's, each with its degrees of freedom.
        Student's t takes those of the sum by Welch & Satterthwaite (Biometrics Bulletin 2, 1946).
    level
        The share of experiments whose interval should hold the true value.

    Raises
    ------
    ValueError
        When the level is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    total = sum(variance for variance, _ in parts)
    spread = sum(variance**2 / freedom for variance, freedom in parts if variance > 0)
    freedom = total**2 / spread if spread > 0 else np.inf
    return float(stats.t.ppf((1 + level) / 2, freedom))
