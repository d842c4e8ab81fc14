"""The network of the diffusion model: a small U-Net that is given the time."""

import math

import torch
from torch import nn
from torch.nn import functional

GROUPS = 8


class Denoiser(nn.Module):
    """Look at a noisy picture, know the time, and say what the clean picture looks like.

    A U-Net (Ronneberger et al., MICCAI 2015) as Ho et al. use it (NeurIPS 2020, Appendix B), made
    small: squares of ``patch`` × ``patch`` pixels become channels first, so that the network works
    on a coarser grid (Luhman and Luhman, arXiv 2207.04316). This grid is halved twice and doubled
    twice, and each level hands its features across.

    Parameters
    ----------
    width
        Channels of the finest level, a multiple of 8; the coarser have twice as many.
    patch
        Side of the squares.
    """

    def __init__(self, width: int = 32, patch: int = 4) -> None:
        super().__init__()
        self.patch = patch
        wide = 2 * width  # also the length of the time's embedding
        self.time = nn.Sequential(
            nn.Linear(width, wide), nn.SiLU(), nn.Linear(wide, wide), nn.SiLU()
        )
        self.enter = nn.Conv2d(3 * patch**2, width, 3, padding=1)
        self.down = nn.ModuleList(
            [Block(width, width, wide), Block(width, wide, wide), Block(wide, wide, wide)]
        )
        self.middle = Block(wide, wide, wide)
        self.up = nn.ModuleList(
            [
                Block(2 * wide, wide, wide),
                Block(2 * wide, wide, wide),
                Block(wide + width, width, wide),
            ]
        )
        self.leave = nn.Sequential(
            nn.GroupNorm(GROUPS, width), nn.SiLU(), nn.Conv2d(width, 3 * patch**2, 3, padding=1)
        )
        nn.init.zeros_(self.leave[-1].weight)

    def forward(self, noisy: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        """Return the clean pictures B×3×H×W in [-1, 1] of noisy ones at times B."""
        embedding = self.time(time_embedding(time, self.time[0].in_features))
        x = self.enter(functional.pixel_unshuffle(noisy, self.patch))
        kept = []
        for level, block in enumerate(self.down):
            x = block(functional.avg_pool2d(x, 2) if level else x, embedding)
            kept.append(x)
        x = self.middle(x, embedding)
        for level, block in enumerate(self.up):
            x = functional.interpolate(x, scale_factor=2.0) if level else x
            x = block(torch.cat([x, kept.pop()], 1), embedding)
        return functional.pixel_shuffle(self.leave(x), self.patch)


class Block(nn.Module):
    """Two convolutions beside a shortcut; the time scales and shifts what is between them."""

    def __init__(self, inputs: int, outputs: int, embedding: int) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.GroupNorm(GROUPS, inputs), nn.SiLU(), nn.Conv2d(inputs, outputs, 3, padding=1)
        )
        self.modulate = nn.Linear(embedding, 2 * outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        nn.init.zeros_(self.second.weight)

    def forward(self, x: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        """Return B×outputs×h×w."""
        scale, shift = self.modulate(embedding)[:, :, None, None].chunk(2, 1)
        inside = self.first(x) * (1 + scale) + shift
        return self.shortcut(x) + self.second(functional.silu(inside))


def time_embedding(time: torch.Tensor, count: int) -> torch.Tensor:
    """Embed times in 0…1 by sines and cosines of ``count`` / 2 frequencies: B×count."""
    rates = torch.exp(torch.linspace(0, math.log(1000), count // 2, device=time.device))
    phases = time[:, None] * rates
    return torch.cat([phases.sin(), phases.cos()], 1)
