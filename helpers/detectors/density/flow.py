"""Normalising flows: invertible networks that transform data into a standard normal latent."""

import math
from collections.abc import Callable

import torch
from torch import nn

from helpers.machine import Machine
from helpers.networks.seeding import seeded
from helpers.networks.training import TrainingSettings, train_on_features

CLAMP = 2.0  # a coupling stretches by at most e² and shrinks by at most e⁻²


class Coupling(nn.Module):
    """One step of a flow: half of the channels is stretched and shifted, as the other half says.

    A small network reads the half that is kept; since that half stays as it is, the step can be
    undone exactly, and its log-determinant is the sum of the logarithms of the stretches (Dinh et
    al., "Density estimation using Real NVP", ICLR 2017, Sections 3.2 to 3.4).

    Parameters
    ----------
    channels
        At least 2.
    kernel
        Side of the network's convolutions: 1 looks at a patch alone, 3 at its neighbours too.
    hidden
        Width of the network.
    order
        The channels; the first half of this order is kept, the others are changed.
    seed
        Of the network's weights. Its last layer begins with zeros, the step as the identity.
    """

    def __init__(
        self, channels: int, kernel: int, hidden: int, order: torch.Tensor, seed: int
    ) -> None:
        super().__init__()
        if channels < 2:
            raise ValueError(f"a coupling needs at least 2 channels to part; got {channels}.")
        if kernel < 1 or kernel % 2 == 0:
            raise ValueError(f"kernel must be odd, so that maps keep their size; got {kernel}.")
        kept = channels // 2
        self.sizes = [kept, channels - kept]
        self.register_buffer("order", order)
        self.register_buffer("back", torch.argsort(order))
        with seeded(seed):
            self.net = nn.Sequential(
                nn.Conv2d(kept, hidden, kernel, padding=kernel // 2),
                nn.ReLU(),
                nn.Conv2d(hidden, 2 * (channels - kept), kernel, padding=kernel // 2),
            )
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)

    def forward(self, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what comes out, B×C×H×W, and each patch's log-determinant, B×H×W."""
        kept, changed = values[:, self.order].split(self.sizes, dim=1)
        stretch, shift = self._read(kept)
        out = torch.cat([kept, changed * stretch.exp() + shift], 1)
        return out[:, self.back], stretch.sum(1)

    def inverse(self, values: torch.Tensor) -> torch.Tensor:
        """Undo ``forward``: B×C×H×W to the same."""
        kept, changed = values[:, self.order].split(self.sizes, dim=1)
        stretch, shift = self._read(kept)
        return torch.cat([kept, (changed - shift) * (-stretch).exp()], 1)[:, self.back]

    def _read(self, kept: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        stretch, shift = self.net(kept).to(kept.dtype).chunk(2, dim=1)
        # An unbounded stretch explodes in the first steps of training.
        return CLAMP * torch.tanh(stretch / CLAMP), shift


class Flow(nn.Module):
    """Couplings one after another; the density of what goes in is known exactly.

    Parameters
    ----------
    channels
        Of the maps, or of the points as B×C×1×1.
    kernels
        One for each step. The steps come in pairs: one keeps half of the channels, drawn anew for
        each pair, the other keeps the others.
    hidden
        Width of the couplings' networks.
    seed
        Of the weights and of the halves.

    Raises
    ------
    ValueError
        When there is no step, fewer than 2 channels, or an even kernel.
    """

    def __init__(self, channels: int, kernels: tuple[int, ...], hidden: int, seed: int = 0) -> None:
        super().__init__()
        if not kernels:
            raise ValueError("a flow needs at least one step; kernels is empty.")
        self.steps = nn.ModuleList(
            Coupling(channels, kernel, hidden, halves(channels, step, seed), 1000 * seed + step)
            for step, kernel in enumerate(kernels)
        )

    def forward(self, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the latent, B×C×H×W, and each patch's part of the log-determinant, B×H×W.

        Summed over an image, it is the logarithm of the Jacobian's determinant.
        """
        total = values.new_zeros(values.shape[0], *values.shape[2:])
        for step in self.steps:
            values, stretch = step(values)
            total = total + stretch
        return values, total

    def inverse(self, values: torch.Tensor) -> torch.Tensor:
        """Transform a latent back into data: B×C×H×W to the same."""
        for step in reversed(self.steps):
            values = step.inverse(values)
        return values

    def log_density(self, values: torch.Tensor) -> torch.Tensor:
        """Return the logarithm of the density, shared out over the patches: B×H×W.

        Change of variables: log p(x) = log N(z; 0, 1) + log |det dz/dx|. Summed over the patches
        it is the image's log-likelihood; with kernels of 1 each patch's own is exact.
        """
        latent, stretch = self(values)
        return log_normal(latent) + stretch

    def sample(self, shape: tuple[int, ...], seed: int = 0) -> torch.Tensor:
        """Draw values of shape B×C×H×W from the learned density."""
        generator = torch.Generator().manual_seed(seed)
        latent = torch.randn(shape, generator=generator).to(next(self.parameters()).device)
        with torch.inference_mode():
            return self.inverse(latent)


def halves(channels: int, step: int, seed: int = 0) -> torch.Tensor:
    """Return the channels in the order in which a flow's step of this number parts them.

    Steps 2k and 2k + 1 have a random order and its reverse, so that together they change every
    channel. The even ones keep channel 0: two channels simply take turns.
    """
    generator = torch.Generator().manual_seed(1000 * seed + step // 2)
    others = 1 + torch.randperm(max(channels - 1, 0), generator=generator)
    order = torch.cat([torch.zeros(1, dtype=torch.long), others])
    return order.flip(0) if step % 2 else order


def log_normal(values: torch.Tensor) -> torch.Tensor:
    """Return the log-density of each patch under independent standard normals: B×C×… to B×…."""
    return -0.5 * (values**2 + math.log(2 * math.pi)).sum(1)


def negative_log_likelihood(flow: Flow, values: torch.Tensor) -> torch.Tensor:
    """Return the mean negative log-likelihood of a value, in nats: the loss of a flow."""
    return -flow.log_density(values).mean() / values.shape[1]


def fit_flow(
    flow: Flow,
    values: torch.Tensor,
    settings: TrainingSettings,
    machine: Machine,
    loss: Callable[[Flow, torch.Tensor], torch.Tensor] = negative_log_likelihood,
) -> list[float]:
    """Train a flow in place; return the loss of each step.

    Parameters
    ----------
    flow
        It is moved to the machine's device and left in evaluation mode.
    values
        float32, N×C×H×W.
    settings
        Epochs, batch size, learning rate and seed; the time budget is not used.
    machine
        Device and number format of the convolutions.
    loss
        Called as ``loss(flow, batch)``.

    Raises
    ------
    ValueError
        When there are fewer values than a batch holds.
    DivergedError
        When the loss is not finite.
    """
    return train_on_features(
        flow, values, lambda flow, batch, _: loss(flow, batch), settings, machine, "flow's"
    )
