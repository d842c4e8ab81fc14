"""Sampling: instance-balanced, class-balanced, or anything between."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch.utils.data import Sampler

from helpers.data.labels import class_counts


def sampling_probabilities(labels: ArrayLike, power: float) -> np.ndarray:
    """Return each image's probability of being drawn: float64, N, sum 1.

    A class is drawn with p_j ∝ n_j^power, then one of its n_j images (Kang et al., "Decoupling
    Representation and Classifier for Long-Tailed Recognition", ICLR 2020, Section 3). 1 is
    instance-balanced: every image alike. 0 is class-balanced: every class alike.

    Raises
    ------
    ValueError
        When a label is no class number, a class has no image, or the power is not finite.
    """
    counts = class_counts(labels)
    if not np.isfinite(power):
        raise ValueError(f"power must be a finite number; got {power}.")
    weights = counts.astype(float) ** power
    return (weights / weights.sum() / counts)[np.asarray(labels)]


class PowerSampler(Sampler[int]):
    """Draw images with replacement, classes with p_j ∝ n_j^power; for any PyTorch DataLoader.

    Each pass gives other draws; the same seed gives the same passes. A class of one image is drawn
    as often as its class is: the same picture over and over.

    Parameters
    ----------
    labels
        N class numbers.
    power
        See ``sampling_probabilities``; the default is class-balanced.
    draws
        Length of a pass; N when not given.
    seed
        Of the draws.

    Raises
    ------
    ValueError
        As ``sampling_probabilities`` does, or when ``draws`` is below 1.
    """

    def __init__(
        self, labels: ArrayLike, power: float = 0.0, draws: int | None = None, seed: int = 0
    ) -> None:
        self.probabilities = torch.tensor(sampling_probabilities(labels, power))
        self.draws = len(self.probabilities) if draws is None else draws
        if self.draws < 1:
            raise ValueError(f"draws must be at least 1; got {draws}.")
        self.generator = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return self.draws

    def __iter__(self) -> Iterator[int]:
        drawn = torch.multinomial(
            self.probabilities, self.draws, replacement=True, generator=self.generator
        )
        return iter(drawn.tolist())
