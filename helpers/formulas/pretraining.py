"""Train ResNet18 on formula-made pictures alone, so that the book can ship a backbone."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torchvision.models import resnet18

from helpers.formulas.episodes import BEND, Episodes, draw_episodes
from helpers.formulas.images import draw_formula, render_formulas
from helpers.machine import Machine, this_machine
from helpers.networks.architectures import MEAN, STD
from helpers.networks.checkpoint import fingerprint
from helpers.networks.seeding import seeded
from helpers.networks.training import train_steps


@dataclass(frozen=True)
class PretrainingSettings:
    """How the backbone is trained.

    Attributes
    ----------
    formulas, variants, pool_side
        The pictures: how many formulas, pictures of each, and their side in pixels.
    steps
        Optimiser steps.
    episodes, views, side
        Formulas in a step, pictures of each, and the side they are cut to.
    learning_rate, weight_decay
        Of AdamW (Loshchilov and Hutter, ICLR 2019). The rate rises over the first 100 steps and
        falls to nothing with half a cosine.
    hardest
        Weight of the intact patches most wrongly taken for broken.
    naming
        Weight of the second task: to say which formula a picture comes from.
    seed
        Of the formulas, the pictures, the initial weights and every episode.
    """

    formulas: int = 2400
    variants: int = 4
    pool_side: int = 160
    steps: int = 4800
    episodes: int = 32
    views: int = 3
    side: int = 96
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    hardest: float = 0.5
    naming: float = 0.2
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Pretrained:
    """The outcome of pretraining.

    Attributes
    ----------
    state
        The trunk's weights under TorchVision's names, float32.
    losses
        Loss of every step.
    seconds
        Time spent on the steps, those before a resume included.
    """

    state: dict[str, torch.Tensor]
    losses: tuple[float, ...]
    seconds: float


class PretextNetwork(nn.Module):
    """ResNet18 up to its third stage, with what the two tasks need besides.

    The last normalisation of every residual block starts at zero, so that the untrained network is
    nearly its shortcuts alone (Goyal et al., arXiv 1706.02677, Section 5.1).
    """

    def __init__(self, formulas: int) -> None:
        super().__init__()
        self.trunk = resnet18(zero_init_residual=True)
        del self.trunk.layer4, self.trunk.fc
        self.name = nn.Linear(256, formulas)
        self.scale = nn.Parameter(torch.tensor(8.5))
        self.offset = nn.Parameter(torch.tensor(-3.0))
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the maps of stages 2 and 3 for float pictures B×3×H×W in [0, 1]."""
        trunk = self.trunk
        x = trunk.relu(trunk.bn1(trunk.conv1((pictures - self.mean) / self.std)))
        second = trunk.layer2(trunk.layer1(trunk.maxpool(x)))
        return second, trunk.layer3(second)


def nearest_elsewhere(labels: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
    """Return the distance of each patch to the nearest intact one of the episode's other views.

    Parameters
    ----------
    labels
        int64, E×V×h×w: 0 where intact.
    features
        float32, E×V×h×w×C.

    Returns
    -------
    torch.Tensor
        float32, E×V×h×w; differentiable.
    """
    episodes, views, height, width, channels = features.shape
    vectors = features.reshape(episodes, -1, channels)
    with torch.no_grad():
        squares = vectors.square().sum(-1)
        distance = torch.baddbmm(squares[:, None], vectors, vectors.transpose(1, 2), alpha=-2)
        own = distance.view(episodes, views, height * width, views, height * width)
        own.diagonal(dim1=1, dim2=3).fill_(math.inf)
        distance.masked_fill_((labels.flatten(1) != 0)[:, None], math.inf)
        nearest = distance.argmin(-1)
    there = vectors.gather(1, nearest[..., None].expand(-1, -1, channels))
    return (vectors - there).square().sum(-1).clamp_min(1e-6).sqrt().view(labels.shape)


def anomaly_loss(
    logits: torch.Tensor, labels: torch.Tensor, bent: torch.Tensor, hardest: float
) -> torch.Tensor:
    """Return the loss of telling broken patches (1) from intact ones (0).

    Broken and intact patches weigh the same however many they are; of a bent picture only the
    farther half of the patches counts; and the two per cent of a picture's intact patches that
    look most broken count once more, since an image's score is its highest patch's.

    Parameters
    ----------
    logits, labels
        E×V×h×w.
    bent
        E×V.
    hardest
        Weight of the last term.
    """
    intact, broken = labels == 0, labels == 1
    doubtful = broken & bent[:, :, None, None]
    if doubtful.any():
        broken = broken & ~(doubtful & (logits < logits[doubtful].median()))
    missed, alarm = functional.softplus(-logits), functional.softplus(logits)
    worst = alarm.masked_fill(~intact, 0).flatten(2)
    worst = worst.topk(max(1, worst.shape[-1] // 50), dim=-1).values[..., 0]
    return (
        (missed * broken).sum() / broken.sum().clamp_min(1)
        + (alarm * intact).sum() / intact.sum().clamp_min(1)
        + hardest * worst.mean()
    )


def pretext_loss(
    network: PretextNetwork, batch: Episodes, settings: PretrainingSettings, machine: Machine
) -> torch.Tensor:
    """Return the loss of a batch: find what is broken, and name the formula."""
    with machine.autocast():
        second, third = network(batch.pictures)
    # The same neighbourhoods and the same distance as PatchCore's.
    second = functional.avg_pool2d(second.float(), 3, 1, 1)
    third = third.float()
    coarse = functional.interpolate(
        functional.avg_pool2d(third, 3, 1, 1), second.shape[-2:], mode="bilinear"
    )
    features = torch.cat([second, coarse], 1).permute(0, 2, 3, 1)
    features = features.unflatten(0, batch.labels.shape[:2]) / features.shape[-1] ** 0.5
    distance = nearest_elsewhere(batch.labels, features)
    logits = functional.softplus(network.scale) * distance + network.offset
    anomaly = anomaly_loss(logits, batch.labels, batch.ways == BEND, settings.hardest)
    names = network.name(third.mean((2, 3)))
    return anomaly + settings.naming * functional.cross_entropy(names, batch.formulas)


def make_pool(settings: PretrainingSettings) -> torch.Tensor:
    """Draw the formulas and render their pictures: uint8, K×N×3×S×S."""
    rng = np.random.default_rng(settings.seed)
    formulas = [draw_formula(rng) for _ in range(settings.formulas)]
    pictures = render_formulas(formulas, settings.variants, settings.seed, settings.pool_side)
    return torch.from_numpy(pictures)


def pretrain(
    settings: PretrainingSettings,
    pool: torch.Tensor,
    checkpoint: Path | None = None,
    *,
    machine: Machine | None = None,
    save_every: int = 100,
    report: Callable[[int, float, float], None] | None = None,
) -> Pretrained:
    """Train the backbone.

    The random numbers of a step come from the seed and the step's number alone. So a run that was
    killed and continues from its checkpoint ends with the very weights of a run that was not.

    Parameters
    ----------
    settings
        What to do.
    pool
        From ``make_pool``.
    checkpoint
        File to write every ``save_every`` steps, and to continue from when it is there.
    machine
        Device and number format; found by itself when not given.
    report
        Called every ``save_every`` steps with the step, the mean loss since the last call, and the
        seconds spent.

    Raises
    ------
    DataError
        When the checkpoint cannot be read or belongs to other settings.
    DivergedError
        When the loss is not finite.
    """
    machine = machine or this_machine()
    with seeded(settings.seed):
        network = machine.place(PretextNetwork(settings.formulas)).train()
    free = [network.scale, network.offset]
    rest = [value for value in network.parameters() if not any(value is other for other in free)]
    optimiser = torch.optim.AdamW(
        [
            {"params": rest, "weight_decay": settings.weight_decay},
            {"params": free, "weight_decay": 0.0},
        ],
        lr=settings.learning_rate,
        fused=True,
    )
    identity = {"settings": repr(sorted(asdict(settings).items()))}
    if checkpoint:
        identity["pictures"] = fingerprint(pool)

    def loss(step: int) -> torch.Tensor:
        return pretext_loss(network, _batch(pool, step, settings, machine), settings, machine)

    losses, seconds = train_steps(
        network,
        optimiser,
        loss,
        lambda step: learning_rate_at(step, settings),
        settings.steps,
        identity,
        checkpoint,
        clipped=rest,
        save_every=save_every,
        report=report,
    )
    state = {name: value.cpu() for name, value in network.trunk.state_dict().items()}
    return Pretrained(state, losses, seconds)


def learning_rate_at(step: int, settings: PretrainingSettings) -> float:
    """Return the learning rate of a step, counted from 0."""
    warm = min(1.0, (step + 1) / 100)
    return settings.learning_rate * warm * (1 + math.cos(math.pi * step / settings.steps)) / 2


def _batch(
    pool: torch.Tensor, step: int, settings: PretrainingSettings, machine: Machine
) -> Episodes:
    seed = int(np.random.SeedSequence((settings.seed, step)).generate_state(1)[0])
    generator = torch.Generator().manual_seed(seed)
    batch = draw_episodes(pool, settings.episodes, settings.views, settings.side, generator)
    return Episodes(*(getattr(batch, name).to(machine.device) for name in vars(batch)))
