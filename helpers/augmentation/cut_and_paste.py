"""Damage made on purpose: parts of a good picture cut out and pasted elsewhere, and stains."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional

from helpers.augmentation.colour_jitter import colour_jitter

Size = int | tuple[int, int]  # side of a square picture, or height and width


@dataclass(frozen=True, eq=False)
class Cuts:
    """Rectangles to cut out of B pictures, and where to paste them; lengths in pixels.

    Attributes
    ----------
    size
        B×2: width and height.
    source, target
        B×2: the centres (x, y) of where it is cut and of where it is pasted.
    angle
        B: by how much it is turned before it is pasted, in radians.
    """

    size: torch.Tensor
    source: torch.Tensor
    target: torch.Tensor
    angle: torch.Tensor


def random_patches(
    count: int,
    side: Size,
    area: tuple[float, float] = (0.02, 0.15),
    aspect: float = 0.3,
) -> Cuts:
    """Draw the patches of CutPaste: large, upright (Li et al., CVPR 2021, Section 2.2 and App. A).

    Parameters
    ----------
    count
        How many.
    side
        Of square pictures, or height and width of others.
    area
        Range of the patch's share of the picture.
    aspect
        The least ratio of width to height; the greatest is its inverse. Wide and tall patches are
        equally likely.
    """
    extent = _extent(side)
    shares = _uniform(count, *area) * extent.prod()
    ratio = _uniform(count, aspect, 1.0)
    ratio = torch.where(torch.rand(count) < 0.5, ratio, 1 / ratio)
    size = torch.stack([(shares * ratio).sqrt(), (shares / ratio).sqrt()], 1).clamp_min(2)
    size = size.minimum(extent - 1).round()
    # At whole pixels, or every patch would be blurred by the way it is moved.
    source, target = (
        size / 2 + (torch.rand(count, 2) * (extent - size + 1)).floor().minimum(extent - size)
        for _ in range(2)
    )
    return Cuts(size, source, target, torch.zeros(count))


def random_scars(
    count: int,
    side: Size,
    width: tuple[float, float] = (2, 16),
    length: tuple[float, float] = (10, 25),
    turn: float = torch.pi / 4,
) -> Cuts:
    """Draw the scars of CutPaste: long, thin, turned (Li et al., CVPR 2021, Sec. 2.3, App. A).

    Parameters
    ----------
    count, side
        As for ``random_patches``.
    width, length
        Ranges in pixels; the paper's are for pictures of 256 × 256.
    turn
        The largest turn either way, in radians.
    """
    size = torch.stack([_uniform(count, *width), _uniform(count, *length)], 1)
    extent = _extent(side)
    return _placed(size.clamp_min(1).minimum(extent - 1), _uniform(count, -turn, turn), extent)


def paste(
    images: torch.Tensor, cuts: Cuts, jitter: float = 0.1
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cut a rectangle out of each picture and paste it elsewhere, its colours changed a little.

    What is pasted are pixels of the source, the nearest where it is turned. Means of neighbours
    would be a blur, and that would give the paste away.

    Parameters
    ----------
    images
        B×3×H×W in [0, 1].
    cuts
        One for each picture.
    jitter
        See ``colour_jitter.colour_jitter``.

    Returns
    -------
    tuple
        The pictures, and B×H×W, true where something was pasted.
    """
    height, width = images.shape[2:]
    device = images.device
    y = torch.arange(height, device=device).view(1, -1, 1) + 0.5
    x = torch.arange(width, device=device).view(1, 1, -1) + 0.5
    size, source, target, angle = (
        value.to(device).view(len(images), -1, 1, 1)
        for value in (cuts.size, cuts.source, cuts.target, cuts.angle)
    )
    dx, dy = x - target[:, 0], y - target[:, 1]
    cos, sin = angle[:, 0].cos(), angle[:, 0].sin()
    # Turned back into the rectangle's own coordinates.
    u, v = cos * dx + sin * dy, cos * dy - sin * dx
    inside = (u.abs() < size[:, 0] / 2) & (v.abs() < size[:, 1] / 2)
    grid = torch.stack(
        [2 * (source[:, 0] + u) / width - 1, 2 * (source[:, 1] + v) / height - 1], -1
    )
    pasted = functional.grid_sample(
        colour_jitter(images, jitter), grid, "nearest", "border", align_corners=False
    )
    return torch.where(inside[:, None], pasted, images), inside


def stains(
    images: torch.Tensor, radius: tuple[float, float] = (0.01, 0.12)
) -> tuple[torch.Tensor, torch.Tensor]:
    """Put a blot of one random colour on each picture, an ellipse with an irregular edge.

    After Collin and De Vleeschouwer (ICPR 2020, Section III), whose stains are ellipses.

    Parameters
    ----------
    images
        B×3×H×W in [0, 1].
    radius
        Range of the half-axes, as shares of the side.

    Returns
    -------
    tuple
        The pictures, and B×H×W, true where the blot is.
    """
    count, _, height, width = images.shape
    device = images.device
    y = ((torch.arange(height, device=device) + 0.5) / height).view(1, -1, 1)
    x = ((torch.arange(width, device=device) + 0.5) / width).view(1, 1, -1)
    centre = torch.rand(2, count, 1, 1, device=device)
    # Small ones are as frequent as large ones when the logarithm is uniform.
    low, high = torch.tensor(radius, device=device).log()
    radii = (low + (high - low) * torch.rand(2, count, 1, 1, device=device)).exp()
    angle = torch.pi * torch.rand(count, 1, 1, device=device)
    dx, dy = x - centre[0], y - centre[1]
    u, v = angle.cos() * dx + angle.sin() * dy, angle.cos() * dy - angle.sin() * dx
    rough = functional.interpolate(
        torch.randn(count, 1, 12, 12, device=device), (height, width), mode="bicubic"
    )[:, 0]
    inside = (u / radii[0]) ** 2 + (v / radii[1]) ** 2 < (1 + 0.3 * rough).clamp_min(0.1)
    colour = torch.rand(count, 3, 1, 1, device=device)
    return torch.where(inside[:, None], colour, images), inside


def _extent(side: Size) -> torch.Tensor:
    """Return width and height of a picture: float, 2."""
    height, width = (side, side) if isinstance(side, int) else side
    return torch.tensor([width, height], dtype=torch.float32)


def _placed(size: torch.Tensor, angle: torch.Tensor, extent: torch.Tensor) -> Cuts:
    """Draw centres so that the rectangles lie in the picture where they are cut and pasted."""
    cos, sin = angle.cos().abs()[:, None], angle.sin().abs()[:, None]
    turned = (cos * size + sin * size.flip(1)).minimum(extent)
    source = size / 2 + torch.rand(len(size), 2) * (extent - size)
    target = turned / 2 + torch.rand(len(size), 2) * (extent - turned)
    return Cuts(size, source, target, angle)


def _uniform(count: int, low: float, high: float) -> torch.Tensor:
    return low + (high - low) * torch.rand(count)


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


def _patches(count: int, side: Size, whole: int) -> Cuts:
    return random_patches(count, side)


def _scars(count: int, side: Size, whole: int) -> Cuts:
    # The paper's pixels at 256, as large in a crop as in the whole picture.
    pixel = whole / 256
    return random_scars(count, side, (2 * pixel, 16 * pixel), (10 * pixel, 25 * pixel))


CUTS: dict[str, Callable[[int, Size, int], Cuts]] = {
    "patch": _patches,
    "scar": _scars,
}
