"""Random changes of brightness, contrast, saturation and hue, for a whole batch at once."""

import math

import torch

# Rec. 601: how much each primary adds to what the eye sees as brightness.
LUMA = (0.299, 0.587, 0.114)


def colour_jitter(images: torch.Tensor, strength: float) -> torch.Tensor:
    """Change the colours of each image a little: B×3×H×W in [0, 1] to the same.

    Brightness, contrast and saturation are multiplied by factors drawn from 1 ± ``strength``; the
    hue turns by up to ``strength`` of a full turn. Grey stays grey: the turn is about the grey axis
    of the colour cube.

    Raises
    ------
    ValueError
        When ``strength`` is not between 0 and 0.5.
    """
    if not 0 <= strength <= 0.5:
        raise ValueError(f"strength must be between 0 and 0.5; got {strength}.")
    draws = torch.rand(4, len(images), 1, 1, 1, device=images.device) * 2 - 1
    brightness, contrast, saturation = 1 + strength * draws[:3]
    weights = torch.tensor(LUMA, device=images.device).view(1, 3, 1, 1)
    values = images * brightness
    middle = (values * weights).sum(1, keepdim=True).mean((2, 3), keepdim=True)
    values = (values - middle) * contrast + middle
    grey = (values * weights).sum(1, keepdim=True)
    values = (values - grey) * saturation + grey
    turn = hue_turns(strength * 2 * math.pi * draws[3].flatten())
    return torch.einsum("bij,bjhw->bihw", turn, values).clamp(0, 1)


def hue_turns(angles: torch.Tensor) -> torch.Tensor:
    """Return the rotations of RGB space about its grey axis, by B angles in radians: B×3×3.

    Rodrigues' formula with the axis (1, 1, 1)/√3.
    """
    cross = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]], device=angles.device) / 3**0.5
    cos, sin = angles.cos().view(-1, 1, 1), angles.sin().view(-1, 1, 1)
    identity = torch.eye(3, device=angles.device)
    return cos * identity + sin * cross + (1 - cos) / 3
