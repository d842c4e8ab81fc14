"""Structural similarity, pixel by pixel, in its three parts."""

from dataclasses import dataclass

import torch
from torch.nn import functional

# Wang et al., IEEE TIP 13 (2004), Section III.C: an 11×11 Gaussian window of 1.5 pixels.
WINDOW, SIGMA, K1, K2 = 11, 1.5, 0.01, 0.03


@dataclass(frozen=True, eq=False)
class Similarity:
    """How alike two pictures are about each pixel: 1 where they are the same.

    Attributes
    ----------
    luminance, contrast, structure
        B×C×H×W each: of the means, of the spreads, and the correlation.
    ssim
        Their product.
    """

    luminance: torch.Tensor
    contrast: torch.Tensor
    structure: torch.Tensor
    ssim: torch.Tensor


def similarity(one: torch.Tensor, other: torch.Tensor) -> Similarity:
    """Compare two pictures B×C×H×W in [0, 1] in the window about each pixel.

    Wang, Bovik, Sheikh and Simoncelli, "Image Quality Assessment: From Error Visibility to
    Structural Similarity" (IEEE Transactions on Image Processing 13, 2004), Equations 6 to 13.
    At the border the pictures are mirrored; five pixels inside it the map is that of
    pytorch-msssim, which has no border.

    Raises
    ------
    ValueError
        When the shapes differ, or the pictures are smaller than the window.
    """
    check_window(one.shape[-2:])
    if one.shape != other.shape:
        raise ValueError(
            f"two pictures of one shape are compared; got {tuple(one.shape)} and "
            f"{tuple(other.shape)}."
        )
    one, other = one.float(), other.float()
    c1, c2 = K1**2, K2**2
    mean1, mean2 = blur(one), blur(other)
    # Rounding can leave a variance a hair below zero.
    var1 = (blur(one * one) - mean1**2).clamp_min(0)
    var2 = (blur(other * other) - mean2**2).clamp_min(0)
    both = blur(one * other) - mean1 * mean2
    spread = (var1 * var2).sqrt()
    luminance = (2 * mean1 * mean2 + c1) / (mean1**2 + mean2**2 + c1)
    contrast = (2 * spread + c2) / (var1 + var2 + c2)
    structure = (both + c2 / 2) / (spread + c2 / 2)
    # Their product in this form has no square root, whose slope at 0 is infinite.
    ssim = luminance * (2 * both + c2) / (var1 + var2 + c2)
    return Similarity(luminance, contrast, structure, ssim)


def check_window(size: tuple[int, ...]) -> None:
    """Raise ``ValueError`` when a picture of ``size`` pixels is smaller than the window."""
    if min(size) < WINDOW:
        raise ValueError(
            f"SSIM looks through a window of {WINDOW} × {WINDOW} pixels; a picture of "
            f"{' × '.join(map(str, size))} is too small. Load larger images, or use fewer scales."
        )


def blur(pictures: torch.Tensor) -> torch.Tensor:
    """Average B×C×H×W in the window about each pixel, mirrored at the border."""
    offset = torch.arange(WINDOW, device=pictures.device) - WINDOW // 2
    bell = torch.exp(-(offset**2) / (2 * SIGMA**2))
    bell = bell / bell.sum()
    channels = int(pictures.shape[1])  # a plain number for the export to ONNX too
    padded = functional.pad(pictures, [WINDOW // 2] * 4, mode="reflect")
    rows = functional.conv2d(
        padded, bell.view(1, 1, 1, -1).repeat(channels, 1, 1, 1), groups=channels
    )
    return functional.conv2d(
        rows, bell.view(1, 1, -1, 1).repeat(channels, 1, 1, 1), groups=channels
    )
