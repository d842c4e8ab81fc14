"""Comparing methods: the difference with its interval, the verdict, and the verdict in words.

A comparison has four ends: better, worse, as good, or not shown. That two methods are not shown to
differ does not make them equal: *as good* needs an interval that lies within a margin stated
beforehand. Where several comparisons are made at once, their intervals are widened together, so
the verdicts read from them are right together.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from helpers.metrics.seeds import Runs, by_seed
from helpers.metrics.uncertainty import (
    LEVEL,
    Interval,
    difference_interval,
    pictures_interval,
    values_interval,
)

BETTER, WORSE, AS_GOOD, NOT_SHOWN = "better", "worse", "as good", "not shown"
# About two images of forty. A hundred test images cannot show equality much closer than this.
MARGIN = 0.05


@dataclass(frozen=True)
class Comparison:
    """One method against another.

    Attributes
    ----------
    name, reference
        Of the two methods.
    difference
        Of ``name`` minus ``reference``, the mean over the seeds.
    interval
        Of the difference, already corrected for the number of comparisons: together all of them
        hold their true values in a share ``level`` of all experiments.
    seeds
        Trainings of each. With one, the interval speaks of other images for these two models only.
    comparisons
        How many were made at once.
    margin
        Differences up to this size count for nothing.
    level
        Of all comparisons together; ``interval.level`` is that of this one alone.
    measure
        What was compared, such as ``"image AUROC"``; higher is better.
    """

    name: str
    reference: str
    difference: float
    interval: Interval
    seeds: int
    comparisons: int = 1
    margin: float = MARGIN
    level: float = LEVEL
    measure: str = "image AUROC"

    @property
    def within_margin(self) -> bool:
        """Whether the whole interval lies within the margin, whatever its sign."""
        return -self.margin <= self.interval.low and self.interval.high <= self.margin

    @property
    def verdict(self) -> str:
        """``"better"``, ``"worse"``, ``"as good"`` or ``"not shown"``.

        *Better* and *worse* when the interval leaves out 0; else *as good* when all of it lies
        within the margin.
        """
        if self.interval.low > 0:
            return BETTER
        if self.interval.high < 0:
            return WORSE
        return AS_GOOD if self.within_margin else NOT_SHOWN

    def sentence(self) -> str:
        """Say the verdict in one plain sentence, with its numbers."""
        name = self.name[0].upper() + self.name[1:]
        size, sign = f"{abs(self.difference):.3f} {self.measure}", signed(self.difference)
        margin, found = f"{self.margin:g} {self.measure}", self._found()
        if self.verdict in (BETTER, WORSE):
            small = f"; that is within the margin of {self.margin:g}" if self.within_margin else ""
            return f"{name} is {self.verdict} than {self.reference} by {size} ({found}){small}."
        if self.verdict == AS_GOOD:
            return f"{name} is as good as {self.reference} within {margin}: {sign} ({found})."
        return (
            f"{name} is not shown to differ from {self.reference}: {sign} {self.measure} ({found})."
        )

    def _found(self) -> str:
        low, high = signed(self.interval.low), signed(self.interval.high)
        parts = [f"{self.level:.0%} interval {low} to {high}".replace("%", " %")]
        parts += ["one training each"] if self.seeds == 1 else [f"{self.seeds} seeds"]
        if self.comparisons > 1:
            parts.append(f"corrected for {self.comparisons} comparisons")
        return ", ".join(parts)


def compare(
    labels: ArrayLike,
    one: Runs,
    other: Runs,
    name: str,
    reference: str,
    *,
    comparisons: int = 1,
    margin: float = MARGIN,
    level: float = LEVEL,
) -> Comparison:
    """Compare the image AUROC of two methods on the same images, image by image.

    The interval holds the uncertainty of the images and, from two seeds on, that of training
    again; see ``uncertainty.difference_interval``.

    Parameters
    ----------
    labels
        N, 0 for good and 1 for defective.
    one, other
        N scores of a single run, or a mapping from each seed to the N scores of its run.
    name, reference
        What to call the two in a sentence.
    comparisons
        How many such comparisons are looked at together. The interval of each is taken at
        1 - (1 - level) / comparisons (Bonferroni), whatever they have in common.
    margin
        See :class:`Comparison`. State it before you look.
    level
        Of all comparisons together.

    Raises
    ------
    ValueError
        When the seeds of the two differ, a run does not fit the labels, or there is none.

    Examples
    --------
    >>> compare([0, 0, 1, 1], [1, 2, 3, 4], [1, 3, 2, 4], "A", "B").verdict
    'not shown'
    """
    runs_one, runs_other = by_seed(labels, one, name), by_seed(labels, other, reference)
    _check_seeds(runs_one, runs_other, name, reference)
    parts = list(runs_one.values()), list(runs_other.values())
    found = [float(np.mean([part.auroc for part in runs])) for runs in parts]
    return Comparison(
        name=name,
        reference=reference,
        difference=found[0] - found[1],
        interval=difference_interval(*parts, _each(level, comparisons)),
        seeds=len(runs_one),
        comparisons=comparisons,
        margin=margin,
        level=level,
    )


def compare_all(
    labels: ArrayLike,
    runs: Mapping[str, Runs],
    reference: str,
    *,
    margin: float = MARGIN,
    level: float = LEVEL,
) -> dict[str, Comparison]:
    """Compare every other method with the reference, corrected for their number.

    Parameters
    ----------
    runs
        Of each method, the reference among them; as for :func:`compare`, which says the rest.

    Examples
    --------
    >>> scores = {"A": [1, 2, 3, 4], "B": [1, 3, 2, 4], "C": [4, 3, 2, 1]}
    >>> sorted(compare_all([0, 0, 1, 1], scores, "B"))
    ['A', 'C']
    """
    others = [name for name in runs if name != reference]
    return {
        name: compare(
            labels,
            runs[name],
            runs[reference],
            name,
            reference,
            comparisons=len(others),
            margin=margin,
            level=level,
        )
        for name in others
    }


def compare_values(
    one: Mapping[int, float],
    other: Mapping[int, float],
    name: str,
    reference: str,
    measure: str,
    *,
    comparisons: int = 1,
    margin: float = MARGIN,
    level: float = LEVEL,
) -> Comparison:
    """Compare any figure that each seed has one of, such as AUPRO or balanced accuracy.

    Student's paired t interval: each seed gives one difference. It holds the uncertainty of
    training again; the test images are those there are.

    Parameters
    ----------
    one, other
        The figure of each seed; higher is better.
    measure
        Its name.

    The rest is as for :func:`compare`.

    Raises
    ------
    ValueError
        When the seeds of the two differ, or there are fewer than two.
    """
    _check_seeds(one, other, name, reference)
    if len(one) < 2:
        raise ValueError(f"{name} and {reference} need two seeds or more; got {len(one)}.")
    differences = [one[seed] - other[seed] for seed in one]
    return Comparison(
        name=name,
        reference=reference,
        difference=float(np.mean(differences)),
        interval=values_interval(differences, _each(level, comparisons)),
        seeds=len(one),
        comparisons=comparisons,
        margin=margin,
        level=level,
        measure=measure,
    )


def compare_pictures(
    one: Mapping[int, ArrayLike],
    other: Mapping[int, ArrayLike],
    name: str,
    reference: str,
    measure: str,
    *,
    comparisons: int = 1,
    margin: float = MARGIN,
    level: float = LEVEL,
) -> Comparison:
    """Compare the mean of a figure that each test picture has, such as its IoU, over several seeds.

    The interval holds the uncertainty of the pictures and, from two seeds on, that of training
    again; see ``uncertainty.pictures_interval``.

    Parameters
    ----------
    one, other
        For each seed the figures of N pictures, the same for all; higher is better.
    measure
        Its name.

    The rest is as for :func:`compare`.

    Raises
    ------
    ValueError
        When the seeds of the two differ, there is none, the runs have other numbers of pictures, or
        fewer than two.
    """
    _check_seeds(one, other, name, reference)
    runs = [[np.asarray(each, float) for each in method.values()] for method in (one, other)]
    shapes = {run.shape for method in runs for run in method}
    if len(shapes) != 1 or any(len(shape) != 1 or shape[0] < 2 for shape in shapes):
        raise ValueError(
            f"{name} and {reference} need a figure of each of the same two or more pictures in "
            f"every run; got shapes {sorted(shapes)}."
        )
    return Comparison(
        name=name,
        reference=reference,
        difference=float(np.mean(runs[0]) - np.mean(runs[1])),
        interval=pictures_interval(*runs, _each(level, comparisons)),
        seeds=len(one),
        comparisons=comparisons,
        margin=margin,
        level=level,
        measure=measure,
    )


def compare_all_values(
    values: Mapping[str, Mapping[int, float]],
    reference: str,
    measure: str,
    *,
    margin: float = MARGIN,
    level: float = LEVEL,
) -> dict[str, Comparison]:
    """Compare every other method's figure with the reference's, over the seeds that all have.

    Further seeds of some count for nothing: a method that was tried more often than the others
    would have a shorter interval, not a larger gain. Corrected for the number of methods.

    Parameters
    ----------
    values
        Of each method, the reference among them, the figure of each seed.

    The rest is as for :func:`compare_values`.

    Examples
    --------
    >>> scores = {"A": {0: 0.5, 1: 0.6, 2: 0.7}, "B": {0: 0.6, 1: 0.6}, "C": {0: 0.4, 1: 0.5}}
    >>> [found.seeds for found in compare_all_values(scores, "A", "AUPRO").values()]
    [2, 2]
    """
    shared = sorted(set.intersection(*map(set, values.values())))
    equal = {name: {seed: found[seed] for seed in shared} for name, found in values.items()}
    others = [name for name in values if name != reference]
    return {
        name: compare_values(
            equal[name],
            equal[reference],
            name,
            reference,
            measure,
            comparisons=len(others),
            margin=margin,
            level=level,
        )
        for name in others
    }


def verdicts(comparisons: Iterable[Comparison]) -> str:
    """Return the sentences as a list in Markdown, in the order given."""
    return "\n".join(f"- {comparison.sentence()}" for comparison in comparisons)


def comparison_table(comparisons: Iterable[Comparison]) -> pd.DataFrame:
    """Return a row for each comparison: the difference, its corrected interval, the verdict."""
    rows = [
        {
            "": one.name,
            "against": one.reference,
            "difference": signed(one.difference),
            f"{one.level:.0%} interval".replace("%", " %"): (
                f"{signed(one.interval.low)} to {signed(one.interval.high)}"
            ),
            "verdict": one.verdict,
        }
        for one in comparisons
    ]
    return pd.DataFrame(rows).set_index("")


def signed(value: float) -> str:
    """Write a difference with its sign and three decimals: "+0.013", "−0.200"."""
    rounded = round(value, 3) + 0.0  # minus zero is zero
    return f"{rounded:+.3f}".replace("-", "−")


def _each(level: float, comparisons: int) -> float:
    if comparisons < 1:
        raise ValueError(f"comparisons must be 1 or more, got {comparisons}")
    return 1 - (1 - level) / comparisons


def _check_seeds(
    one: Mapping[int, object], other: Mapping[int, object], name: str, reference: str
) -> None:
    if set(one) != set(other):
        raise ValueError(
            f"{name} has seeds {sorted(one)} and {reference} {sorted(other)}: compare equal seeds."
        )
