"""Losses for classes of very different sizes; targets may be mixtures."""

from collections.abc import Callable

import torch
from numpy.typing import ArrayLike
from torch.nn import functional

ImbalanceLoss = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


def cross_entropy(
    logits: torch.Tensor, targets: torch.Tensor, counts: torch.Tensor
) -> torch.Tensor:
    """Mean cross-entropy of logits B×K and targets B×K; the class counts K are not used."""
    return functional.cross_entropy(logits, targets)


def weighted_cross_entropy(
    logits: torch.Tensor, targets: torch.Tensor, counts: torch.Tensor
) -> torch.Tensor:
    """Cross-entropy whose terms are weighted by class (``class_weights``), divided by the weights.

    Parameters
    ----------
    logits, targets
        B×K.
    counts
        Training images of each class, K.
    """
    weights = targets * class_weights(counts).to(logits)
    return -(weights * functional.log_softmax(logits, 1)).sum() / weights.sum()


def focal_loss(logits: torch.Tensor, targets: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """Cross-entropy whose terms fade as they are learned: (1 - p)² · -log p.

    Lin et al., "Focal Loss for Dense Object Detection" (ICCV 2017, Section 3.2), γ = 2. The class
    counts are not used.
    """
    log_p = functional.log_softmax(logits, 1)
    return -(targets * (1 - log_p.exp()) ** 2 * log_p).sum(1).mean()


def logit_adjusted(
    logits: torch.Tensor, targets: torch.Tensor, counts: torch.Tensor
) -> torch.Tensor:
    """Cross-entropy of logits to which the log of each class's share is added, in training only.

    Menon et al., "Long-tail learning via logit adjustment" (ICLR 2021, Section 5.2), τ = 1: the
    bare logits, used afterwards, then minimise the balanced error.
    """
    return functional.cross_entropy(logits + (counts / counts.sum()).log().to(logits), targets)


def class_weights(counts: ArrayLike, beta: float = 0.999) -> torch.Tensor:
    """Return a weight for each class, with mean 1: float32, K.

    1 over the effective number of images, (1 - βⁿ) / (1 - β) (Cui et al., "Class-Balanced Loss
    Based on Effective Number of Samples", CVPR 2019, Section 3). β = 0 weighs all alike; β → 1
    weighs by 1/n.

    Raises
    ------
    ValueError
        When a count is below 1 or β is not in [0, 1).
    """
    counts = torch.as_tensor(counts).cpu().double()  # not every device has 64 bits
    if counts.ndim != 1 or not len(counts) or not bool((counts >= 1).all()):
        raise ValueError(
            f"counts must be one number for each class, at least 1; got {counts.tolist()}."
        )
    if not 0 <= beta < 1:
        raise ValueError(f"beta must lie in [0, 1); got {beta}.")
    weights = (1 - beta) / (1 - beta**counts)
    return (weights / weights.mean()).float()


LOSSES: dict[str, ImbalanceLoss] = {
    "cross-entropy": cross_entropy,
    "class weights": weighted_cross_entropy,
    "focal": focal_loss,
    "logit adjustment": logit_adjusted,
}
