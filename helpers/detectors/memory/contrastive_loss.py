"""Contrastive learning: pull together what belongs together, push away all else."""

import torch
from torch.nn import functional

from helpers.augmentation.colour_jitter import colour_jitter
from helpers.augmentation.cut_and_paste import squares


def info_nce(positive: torch.Tensor, negative: torch.Tensor, temperature: float) -> torch.Tensor:
    """Return the InfoNCE loss: how hard it is to pick the positive out of all.

    It is the cross-entropy of a classifier among 1 + K keys whose logits are the similarities
    divided by the temperature (van den Oord et al., arXiv 1807.03748, Equation 4; with cosines and
    a temperature: He et al., CVPR 2020, Equation 1). When all keys are equally similar it is
    log(1 + K).

    Parameters
    ----------
    positive
        N, similarity of each query to the key it belongs to.
    negative
        N×K, its similarity to each key it does not belong to.
    temperature
        The lower, the more the most similar negatives count.

    Returns
    -------
    torch.Tensor
        A scalar, in nats.

    Raises
    ------
    ValueError
        When the shapes disagree, there is no negative, or the temperature is not positive.
    """
    if (
        positive.ndim != 1
        or negative.ndim != 2
        or len(positive) != len(negative)
        or not len(positive)
    ):
        raise ValueError(
            "positive and negative must be N and N×K similarities, of one query at least; got "
            f"{tuple(positive.shape)} and {tuple(negative.shape)}."
        )
    if not negative.shape[1]:
        raise ValueError(
            "there is no negative to tell the positive from; use batches of 2 or more, or "
            "other negatives."
        )
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0; got {temperature}.")
    logits = torch.cat([positive[:, None], negative], 1) / temperature
    return functional.cross_entropy(logits, torch.zeros_like(positive, dtype=torch.long))


def off_diagonal(similarities: torch.Tensor) -> torch.Tensor:
    """Return N×N similarities without those of each query to its own key: N×(N−1)."""
    count = len(similarities)
    other = ~torch.eye(count, dtype=torch.bool, device=similarities.device)
    return similarities[other].view(count, count - 1)


def two_views(
    images: torch.Tensor, side: int, shift: int, jitter: float, noise: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Cut a square out of each picture twice, and change what should not matter.

    The second square lies up to ``shift`` pixels beside the first; both are varied by ``varied``.

    Parameters
    ----------
    images
        B×3×H×W in [0, 1].
    side, shift
        In pixels.
    jitter, noise
        See ``varied``.

    Returns
    -------
    tuple
        The two views and the unchanged first square, each B×3×side×side.

    Raises
    ------
    ValueError
        When the squares are larger than the pictures.
    """
    room = min(images.shape[2:]) - side
    if room < 0:
        raise ValueError(f"squares of {side} pixels do not fit {tuple(images.shape[2:])}.")
    corners = torch.randint(room + 1, (len(images), 2))
    moved = (corners + torch.randint(-shift, shift + 1, corners.shape)).clamp(0, room)
    plain = squares(images, corners, side)
    first, second = (
        varied(plain, jitter, noise),
        varied(squares(images, moved, side), jitter, noise),
    )
    return first, second, plain


def varied(images: torch.Tensor, jitter: float, noise: float) -> torch.Tensor:
    """Change the colours of pictures a little and add noise of this standard deviation."""
    coloured = colour_jitter(images, jitter)
    return (coloured + noise * torch.randn_like(coloured)).clamp(0, 1)
