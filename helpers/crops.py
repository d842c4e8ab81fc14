"""Squares cut out of pictures."""

import torch


def squares(images: torch.Tensor, corners: torch.Tensor, side: int) -> torch.Tensor:
    """Cut a square out of each picture: B×3×side×side, channels-last.

    Parameters
    ----------
    images
        B×3×H×W.
    corners
        B×2: row and column of each square's upper left pixel.
    side
        In pixels.
    """
    cut = [
        image[:, y : y + side, x : x + side]
        for image, (y, x) in zip(images, corners.tolist(), strict=True)
    ]
    return torch.stack(cut).contiguous(memory_format=torch.channels_last)
