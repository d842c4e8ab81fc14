"""Diffusion: noise a picture step by step, learn to undo it, and generate pictures from noise."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch

Model = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
LEAST = 0.3  # the errors at times with less noise than this weigh alike


def signal_and_noise(
    time: torch.Tensor, offset: float = 0.008
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return how much of the picture and how much noise there is at a time: √ᾱ and √(1 − ᾱ).

    The cosine schedule of Nichol and Dhariwal (ICML 2021, Section 3.2), divided by its value at
    time 0 as there, so that the picture is whole at 0 and gone at 1.

    Parameters
    ----------
    time
        Any shape, from 0 (the picture) to 1 (noise only).
    offset
        Keeps the first steps from being too small to learn from.

    Raises
    ------
    ValueError
        When a time is outside 0…1.
    """
    if not ((time >= 0) & (time <= 1)).all():
        raise ValueError(
            f"times go from 0 (the picture) to 1 (noise only); got {float(time.min()):g} to "
            f"{float(time.max()):g}."
        )
    start = math.cos(offset / (1 + offset) * math.pi / 2)
    # In 64 bits, which not every device has.
    signal = torch.cos((time.cpu().double() + offset) / (1 + offset) * math.pi / 2) / start
    signal = signal.clamp(0, 1)
    spread = (1 - signal**2).sqrt()
    return signal.float().to(time.device), spread.float().to(time.device)


def diffuse(pictures: torch.Tensor, time: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """Take pictures to a time in one step (Ho et al., NeurIPS 2020, Equation 4).

    Parameters
    ----------
    pictures
        B×3×H×W in [-1, 1].
    time
        B, from 0 to 1.
    noise
        Standard normal, of the pictures' shape.
    """
    signal, spread = _broadcast(time)
    return signal * pictures + spread * noise


def diffusion_loss(model: Model, batch: torch.Tensor) -> torch.Tensor:
    """Return the weighted squared error of the network's clean pictures, at random times.

    A network can be asked for the noise (Ho et al., NeurIPS 2020), or for the picture; each follows
    from the other. The picture is the easier answer for a small network, since pictures fill only
    a small part of their space and noise all of it (Li and He, arXiv 2511.13720). The weight, one
    over the variance of the noise, makes the error that of Salimans and Ho's velocity (ICLR 2022).

    Parameters
    ----------
    model
        Called as ``model(noisy, time)``.
    batch
        B×3×H×W in [0, 1].
    """
    pictures = 2 * batch - 1
    # One time from each of B equal parts: the mean of free draws, with less variance.
    time = (torch.arange(len(batch)) + torch.rand(len(batch))) / len(batch)
    time, noise = time.to(batch.device), normal(batch.shape).to(batch.device)
    estimate = model(diffuse(pictures, time, noise), time).float()
    weight = _broadcast(time)[1].clamp_min(LEAST) ** -2
    return (weight * (estimate - pictures) ** 2).mean()


def denoise(model: Model, noisy: torch.Tensor, times: Sequence[float]) -> list[torch.Tensor]:
    """Go from the first of ``times`` to the last without adding noise, as DDIM does.

    Song, Meng and Ermon, "Denoising Diffusion Implicit Models" (ICLR 2021, Equation 12 with σ = 0):
    at each time, tell picture and noise apart, and mix them again for the next time.

    Parameters
    ----------
    model
        Called as ``model(noisy, time)``; returns the clean picture.
    noisy
        B×3×H×W at the first time.
    times
        Falling, in 0…1.

    Returns
    -------
    list of torch.Tensor
        The network's estimate of the clean picture at every time but the last, then what is reached
        at the last: each B×3×H×W.

    Raises
    ------
    ValueError
        When there are fewer than two times, or they do not fall.
    """
    if len(times) < 2 or any(a <= b for a, b in pairwise(times)):
        raise ValueError(f"times must fall, from one to another at least; got {list(times)}.")
    estimates = []
    for now, later in pairwise(times):
        here, there = (torch.full((len(noisy),), t, device=noisy.device) for t in (now, later))
        estimates.append(model(noisy, here).float().clamp(-1, 1))
        signal, spread = _broadcast(here)
        noise = (noisy - signal * estimates[-1]) / spread
        noisy = diffuse(estimates[-1], there, noise)
    return [*estimates, noisy]


def normal(shape: Sequence[int]) -> torch.Tensor:
    """Draw standard normal numbers B×C×H×W, laid out channels-last."""
    # Drawn in the plain layout, which PyTorch fills several times as fast, and laid out then.
    return torch.randn(tuple(shape)).contiguous(memory_format=torch.channels_last)


def _broadcast(time: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    signal, spread = signal_and_noise(time)
    return signal.view(-1, 1, 1, 1), spread.view(-1, 1, 1, 1)
