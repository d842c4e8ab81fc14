"""Two networks, one against the other: a generator of pictures, and a discriminator."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

FIRST = 4  # side of the coarsest grid


class Generator(nn.Module):
    """Generate a picture from a code of random numbers: B×3×side×side in [0, 1] from B×code.

    After DCGAN (Radford, Metz and Chintala, ICLR 2016); nearest-neighbour doubling and a
    convolution in place of the transposed convolution, against chequered pictures.

    Parameters
    ----------
    code
        Numbers in a code.
    widths
        Channels of each grid, from 4×4 on; each doubles the side of the one before.
    """

    def __init__(self, code: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.enter = nn.Linear(code, widths[0] * FIRST**2)
        self.grow = nn.Sequential(
            nn.Unflatten(1, (widths[0], FIRST, FIRST)),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(),
            *(_grow(a, b) for a, b in pairwise(widths)),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(widths[-1], 3, 3, padding=1),
            nn.Sigmoid(),
        )

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """Generate a picture for each code."""
        return self.grow(self.enter(codes))


class Discriminator(nn.Module):
    """Say of pictures whether they are real: a positive number for yes, a negative one for no.

    Every layer's largest singular value is held at 1, so that the answer cannot jump from one
    picture to its neighbour (spectral normalisation: Miyato et al., ICLR 2018).

    Parameters
    ----------
    widths
        As for ``Generator``, walked from the last to the first.
    """

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.shrink = nn.Sequential(*(_shrink(a, b) for a, b in pairwise((3, *widths[::-1]))))
        self.head = spectral_norm(nn.Linear(widths[0] * FIRST**2, 1))

    def features(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return what the answer rests on: B×F."""
        return self.shrink(pictures - 0.5).flatten(1)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Answer for pictures B×3×side×side in [0, 1]: B logits."""
        return self.head(self.features(pictures))[:, 0]


class Encoder(nn.Module):
    """Find the code of a picture: B×code from B×3×side×side in [0, 1]; widths as above."""

    def __init__(self, code: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.shrink = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(a, b, 4, stride=2, padding=1), nn.BatchNorm2d(b), nn.LeakyReLU(0.2)
                )
                for a, b in pairwise((3, *widths[::-1]))
            )
        )
        self.leave = nn.Linear(widths[0] * FIRST**2, code)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the codes."""
        return self.leave(self.shrink(pictures - 0.5).flatten(1))


def discriminator_loss(real: torch.Tensor, generated: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of the logits of real and generated pictures (Goodfellow et al., 2014)."""
    return functional.softplus(-real).mean() + functional.softplus(generated).mean()


def generator_loss(generated: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of the logits of generated pictures, had they been real.

    The "non-saturating" loss of Goodfellow et al. (NeurIPS 2014, Section 3): it pulls hardest
    where the discriminator is not deceived.
    """
    return functional.softplus(-generated).mean()


def _grow(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Upsample(scale_factor=2),
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def _shrink(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        spectral_norm(nn.Conv2d(inputs, outputs, 4, stride=2, padding=1)), nn.LeakyReLU(0.2)
    )
