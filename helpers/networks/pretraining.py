"""Pretrain a network around a body that stays as it was: what several pretrainings share."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from helpers.networks.checkpoint import fingerprint
from helpers.networks.training import train_steps


def train_what_is_free(
    network: nn.Module,
    loss: Callable[[int], torch.Tensor],
    rate: Callable[[int], float],
    steps: int,
    settings: Any,
    length: Iterable[str],
    scenes: Iterable[np.ndarray],
    checkpoint: Path | None,
    *,
    save_every: int,
    report: Callable[[int, float, float], None] | None,
) -> tuple[tuple[float, ...], float]:
    """Train, by AdamW, the weights of a network that are not frozen; see ``train_steps``.

    Parameters
    ----------
    settings
        A dataclass, with ``learning_rate`` and ``weight_decay`` among its fields. A checkpoint is
        continued only with the same settings,
    length
        these excepted: a longer run continues a shorter one.
    scenes
        What is trained on, for the checkpoint to be known by.
    """
    free = [value for value in network.parameters() if value.requires_grad]
    optimiser = torch.optim.AdamW(
        free, lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    same = {name: value for name, value in asdict(settings).items() if name not in length}
    identity = {"settings": repr(sorted(same.items()))}
    if checkpoint:
        identity["scenes"] = fingerprint(*scenes)
    return train_steps(
        network, optimiser, loss, rate, steps, identity, checkpoint,
        clipped=free, save_every=save_every, report=report,
    )  # fmt: skip


def rise_and_fall(step: int, steps: int, warming: int, cooling: int) -> float:
    """Return the share of the learning rate at a step, counted from 0.

    It rises over the first ``warming`` steps and falls to nothing over the last ``cooling``.
    """
    return min(1.0, (step + 1) / warming, (steps - step) / cooling)
