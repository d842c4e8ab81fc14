"""Mixtures of pictures and of their labels: mixup and Balanced-MixUp."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

Batch = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True, eq=False)
class Mixture:
    """A batch of mixed pictures.

    Attributes
    ----------
    images
        B×3×H×W, float.
    targets
        B×K: the share of each class; each row sums to 1.
    share
        λ, the share of the second batch.
    """

    images: torch.Tensor
    targets: torch.Tensor
    share: float


def one_hot(labels: torch.Tensor, classes: int) -> torch.Tensor:
    """Return labels B as targets B×K: float32.

    Raises
    ------
    ValueError
        When a label lies outside 0 … K-1.
    """
    if len(labels) and (int(labels.min()) < 0 or int(labels.max()) >= classes):
        raise ValueError(
            f"labels must lie between 0 and {classes - 1}; got {int(labels.min())} to "
            f"{int(labels.max())}."
        )
    return torch.nn.functional.one_hot(labels.long(), classes).float()


def mix(first: Batch, second: Batch, share: float) -> Mixture:
    """Return (1 - λ) · first + λ · second, pictures and targets alike.

    Parameters
    ----------
    first, second
        Pictures B×3×H×W, float, and targets B×K.
    share
        λ, from 0 to 1.

    Raises
    ------
    ValueError
        When pictures or targets are not of one shape, or the share is out of range.
    """
    for name, a, b in zip(("images", "targets"), first, second, strict=True):
        if a.shape != b.shape:
            raise ValueError(
                f"the two batches' {name} have shapes {tuple(a.shape)} and {tuple(b.shape)}; only "
                "equal ones can be mixed. Resize the images, or drop a last, smaller batch."
            )
    if not 0 <= share <= 1:
        raise ValueError(f"share must lie between 0 and 1; got {share}.")
    images, targets = (torch.lerp(a, b, share) for a, b in zip(first, second, strict=True))
    return Mixture(images, targets, share)


def balanced_share(alpha: float, rng: np.random.Generator) -> float:
    """Draw λ from Beta(α, 1), whose mean is α / (α + 1).

    Raises
    ------
    ValueError
        When α is not a positive finite number: the Beta distribution has none other.
    """
    _check_alpha(alpha)
    return float(rng.beta(alpha, 1))


def balanced_mixup(
    instance: Batch, balanced: Batch, alpha: float, rng: np.random.Generator
) -> Mixture:
    """Mix an instance-balanced batch with a class-balanced one.

    Galdran, Carneiro and González Ballester, "Balanced-MixUp for Highly Imbalanced Medical Image
    Classification" (MICCAI 2021, Section 2.2): one λ ~ Beta(α, 1) for the batch, so that the
    instance-balanced pictures dominate and the class-balanced ones are added. α → 0 is training on
    the first batch alone, α → ∞ on the second.

    Parameters
    ----------
    instance, balanced
        Pictures B×3×H×W, float, and targets B×K.
    alpha
        Of the Beta distribution; the paper tries 0.1, 0.2 and 0.3.
    rng
        Draws λ.

    Raises
    ------
    ValueError
        When α is not positive and finite, or the batches are of different shapes.
    """
    return mix(instance, balanced, balanced_share(alpha, rng))


def mixup(batch: Batch, alpha: float, rng: np.random.Generator) -> Mixture:
    """Mix a batch with itself in another order, λ ~ Beta(α, α) (Zhang et al., ICLR 2018).

    Raises
    ------
    ValueError
        When α is not positive and finite, or the batch has only one picture: it has no partner.
    """
    _check_alpha(alpha)
    images, targets = batch
    if len(images) < 2:
        raise ValueError("mixup needs a batch of at least 2 pictures; got 1.")
    order = torch.tensor(rng.permutation(len(images)))
    return mix(batch, (images[order], targets[order]), float(rng.beta(alpha, alpha)))


class BalancedMixup:
    """Two loaders side by side, their batches mixed: iterate it as one loader of mixtures.

    Parameters
    ----------
    instance, balanced
        Loaders of (pictures B×3×H×W, labels B) over the same data set; the first shuffles, the
        second has a ``sampling.PowerSampler``. Pictures may be bytes or floats.
    classes
        K.
    alpha
        As for ``balanced_mixup``.
    seed
        Of λ; each pass draws other ones.

    Raises
    ------
    ValueError
        When α is not positive and finite; while iterating, when the batches do not fit.
    """

    def __init__(
        self,
        instance: Iterable[Batch],
        balanced: Iterable[Batch],
        classes: int,
        alpha: float = 0.2,
        seed: int = 0,
    ) -> None:
        _check_alpha(alpha)
        self.instance, self.balanced = instance, balanced
        self.classes, self.alpha = classes, alpha
        self.rng = np.random.default_rng(seed)

    def __len__(self) -> int:
        return min(len(self.instance), len(self.balanced))

    def __iter__(self) -> Iterator[Mixture]:
        # The longer loader's rest is left out, as it is when a data set ends.
        for first, second in zip(self.instance, self.balanced, strict=False):
            yield balanced_mixup(self._ready(first), self._ready(second), self.alpha, self.rng)

    def _ready(self, batch: Batch) -> Batch:
        images, labels = batch
        if images.dtype == torch.uint8:
            images = images.float() / 255
        return images, one_hot(labels, self.classes)


def _check_alpha(alpha: float) -> None:
    if not 0 < alpha < math.inf:
        raise ValueError(
            f"alpha must be positive and finite; got {alpha}. A Beta distribution has no other. "
            "For its limits use the instance-balanced or the class-balanced batch alone."
        )
