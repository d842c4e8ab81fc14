"""Losses for masks: cross-entropy asks each pixel, Dice asks the object as a whole."""

from dataclasses import dataclass

import torch
from torch.nn import functional


@dataclass(frozen=True)
class MaskLoss:
    """What a segmenter is trained on: a mixture of cross-entropy and soft Dice.

    Attributes
    ----------
    dice_share
        Weight of the Dice part; the rest goes to the cross-entropy.
    defect_weight
        How many times a defective pixel counts in the cross-entropy.
    """

    dice_share: float = 0.5
    defect_weight: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.dice_share <= 1:
            raise ValueError(f"dice_share must be between 0 and 1; got {self.dice_share}.")
        if not 0 < self.defect_weight < float("inf"):
            raise ValueError(f"defect_weight must be positive; got {self.defect_weight}.")

    def __call__(self, logits: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
        """Return the loss of logits B×H×W against masks B×H×W of 0 and 1: a scalar.

        Raises
        ------
        ValueError
            When the shapes differ.
        """
        if logits.shape != masks.shape:
            raise ValueError(
                f"logits and masks must have one shape; got {tuple(logits.shape)} and "
                f"{tuple(masks.shape)}."
            )
        logits, masks = logits.float(), masks.float()
        weight = torch.tensor(self.defect_weight, device=logits.device)
        entropy = functional.binary_cross_entropy_with_logits(logits, masks, pos_weight=weight)
        dice = soft_dice_loss(logits.sigmoid(), masks)
        return self.dice_share * dice + (1 - self.dice_share) * entropy


def soft_dice_loss(
    probabilities: torch.Tensor, masks: torch.Tensor, smooth: float = 1.0
) -> torch.Tensor:
    """Return the mean of ``dice_losses`` over the pictures."""
    return dice_losses(probabilities, masks, smooth).mean()


def dice_losses(
    probabilities: torch.Tensor, masks: torch.Tensor, smooth: float = 1.0
) -> torch.Tensor:
    """Return 1 minus the Dice of probabilities and masks, for each picture.

    Milletari et al. (V-Net, 3DV 2016, Section 3), with the plain sums of Sudre et al. (2017) in
    the denominator: 1 - (2 Σ p g + s) / (Σ p + Σ g + s).

    Parameters
    ----------
    probabilities
        …×H×W, between 0 and 1.
    masks
        …×H×W, of 0 and 1.
    smooth
        The s above, in pixels. It defines the loss of an empty mask: 0 when nothing is predicted,
        the nearer 1 the more is.
    """
    shared = (probabilities * masks).sum((-2, -1))
    sizes = probabilities.sum((-2, -1)) + masks.sum((-2, -1))
    return 1 - (2 * shared + smooth) / (sizes + smooth)
