"""One training loop for every network of the book: seeded, resumable, and fast on a laptop."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler
from tqdm import tqdm

from helpers.errors import check_least
from helpers.machine import Machine, this_machine, to_unit_range
from helpers.networks.checkpoint import (
    describe_function,
    describe_settings,
    fingerprint,
    load_checkpoint,
    save_checkpoint,
)
from helpers.networks.seeding import epoch_order, epoch_seed, seeded

Loss = Callable[[nn.Module, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained; the defaults are the coursework's.

    Attributes
    ----------
    epochs
        Passes over the images.
    batch_size
        Images in a step.
    learning_rate
        Of the Adam optimiser.
    seed
        Of the initial weights, of the order of the images and of every augmentation.
    seconds
        Stop after the epoch in which this budget is spent, or never (``None``). More than 0: no
        budget leaves a network untrained. A run that ends by the clock cannot be repeated to the
        last digit; the book's own runs have no budget.
    """

    epochs: int = 50
    batch_size: int = 16
    learning_rate: float = 1e-4
    seed: int = 0
    seconds: float | None = None

    def __post_init__(self) -> None:
        check_least(self, epochs=1, batch_size=1, seed=0)
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate must be positive; got {self.learning_rate}.")
        if self.seconds is not None and not self.seconds > 0:
            raise ValueError(
                f"seconds must be more than 0, or None for no budget; got {self.seconds}."
            )


@dataclass(frozen=True)
class History:
    """What a training run did.

    Attributes
    ----------
    losses
        Mean loss of each epoch.
    seconds
        Wall-clock time of this call (epochs before a resume not counted).
    ended_by
        ``"epochs"`` or ``"budget"``.
    """

    losses: tuple[float, ...]
    seconds: float
    ended_by: str


class DivergedError(RuntimeError):
    """Loss or weights became infinite or not a number; the model holds the last good weights."""


def check_batch(count: int, settings: TrainingSettings, what: str = "training images") -> None:
    """Raise ``ValueError`` when a batch is larger than what there is to train on."""
    if count < settings.batch_size:
        raise ValueError(
            f"a batch of {settings.batch_size} is larger than the {count} {what}; choose a "
            f"batch_size of at most {count}."
        )


def finite_loss(loss: float, settings: TrainingSettings, name: str = "") -> float:
    """Return ``loss``; raise ``DivergedError`` when it is not a finite number."""
    if not math.isfinite(loss):
        raise DivergedError(
            f"the {name + ' ' if name else ''}loss became {loss}: training diverged. Choose a "
            f"learning rate below {settings.learning_rate:g}."
        )
    return loss


def optimise(
    loss: torch.Tensor,
    optimiser: torch.optim.Optimizer,
    schedule: LRScheduler | None = None,
    *,
    clipped: Iterable[nn.Parameter] = (),
    longest: float = math.inf,
) -> None:
    """Make one training step: gradients of the loss, then the optimiser, then its schedule.

    Parameters
    ----------
    loss
        A scalar.
    optimiser, schedule
        Each makes one step.
    clipped, longest
        The gradient of these weights is shortened to this length where it is longer.
    """
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    if longest < math.inf:
        nn.utils.clip_grad_norm_(clipped, longest)
    optimiser.step()
    if schedule:
        schedule.step()


def full_batches(
    data: torch.Tensor, settings: TrainingSettings, epoch: int
) -> Iterator[torch.Tensor]:
    """Yield an epoch's batches of staged images, floats in [0, 1], the short last one left out."""
    for rows in epoch_order(settings.seed, epoch, len(data)).split(settings.batch_size):
        if len(rows) == settings.batch_size:
            yield to_unit_range(data[rows.to(data.device)])


def train(
    model: nn.Module,
    images: np.ndarray,
    loss: Loss,
    settings: TrainingSettings,
    *,
    machine: Machine | None = None,
    checkpoint: Path | None = None,
    method: object = None,
    title: str = "training",
) -> History:
    """Train ``model`` in place, and leave it in evaluation mode.

    Each epoch draws its random numbers from a seed made of ``settings.seed`` and the epoch's
    number. So a run that was killed and continues from its checkpoint ends with the very weights
    of a run that was not.

    Parameters
    ----------
    model
        Any network; it is moved to the machine's device.
    images
        uint8, N×3×H×W. They stay bytes in memory; a batch becomes float32 in [0, 1] when used.
    loss
        Called as ``loss(model, batch)`` with a batch B×3×H×W; returns a scalar tensor.
    settings
        Epochs, batch size, learning rate, seed, budget.
    machine
        Device and number format; found by itself when not given.
    checkpoint
        File to write after each epoch and to continue from when it is there.
    method
        What else the run rests on, such as a detector's settings: a checkpoint knows its images,
        model, loss, settings and this, and is refused where one of them is another.
    title
        What the progress bar says.

    Raises
    ------
    ValueError
        When there are fewer images than a batch holds, they are not uint8 N×3×H×W, or a weight of
        the model is not finite to begin with.
    DataError
        When the checkpoint cannot be read or written, belongs to another run, or is further than
        the epochs asked for.
    DivergedError
        When the loss or a weight is not finite; no checkpoint is then written.
    """
    machine = machine or this_machine()
    data = machine.stage(images)
    check_batch(len(images), settings)
    if not all_finite(model):
        raise ValueError("the model's weights hold NaN or infinite numbers; make it anew.")
    model = machine.place(model)
    optimiser = torch.optim.Adam(model.parameters(), lr=settings.learning_rate, fused=True)
    identity, losses = {}, []
    if checkpoint:
        checkpoint = Path(checkpoint)
        identity = _identity(model, images, loss, settings, method)
        losses, _ = load_checkpoint(checkpoint, model, optimiser, identity, settings.epochs)

    start, ended_by = time.perf_counter(), "epochs"
    steps = math.ceil(len(data) / settings.batch_size)
    with tqdm(
        total=settings.epochs * steps, initial=len(losses) * steps, desc=title, leave=False
    ) as bar:
        first = len(losses)
        for epoch in range(first, settings.epochs):
            spent = time.perf_counter() - start
            if settings.seconds is not None and epoch > first and spent > settings.seconds:
                ended_by = "budget"
                break
            order = epoch_order(settings.seed, epoch, len(data)).split(settings.batch_size)
            with seeded(epoch_seed(settings.seed, epoch)):
                mean = _epoch(model, data, loss, optimiser, order, machine, bar)
            losses.append(mean)
            if checkpoint:
                save_checkpoint(checkpoint, model, optimiser, identity, losses)
    model.eval()
    return History(tuple(losses), time.perf_counter() - start, ended_by)


def train_on_features(
    model: nn.Module,
    values: torch.Tensor,
    loss: Callable[[nn.Module, torch.Tensor, float], torch.Tensor],
    settings: TrainingSettings,
    machine: Machine,
    name: str,
) -> list[float]:
    """Train a small network in place on features that are known; return the loss of each step.

    Parameters
    ----------
    model
        It is moved to the machine's device and left in evaluation mode.
    values
        float32, N×C×H×W.
    loss
        Called as ``loss(model, batch, done)``, the last the share of the steps that are done.
    settings
        Epochs, batch size, learning rate and seed; the time budget is not used.
    machine
        Device and number format of the convolutions.
    name
        Whose loss it is, for an error: "flow's".

    Raises
    ------
    ValueError
        When there are fewer values than a batch holds.
    DivergedError
        When the loss is not finite.
    """
    check_batch(len(values), settings, "training examples")
    machine.place(model).train()
    optimiser = torch.optim.Adam(model.parameters(), lr=settings.learning_rate, fused=True)
    steps = settings.epochs * math.ceil(len(values) / settings.batch_size)
    losses: list[float] = []
    for epoch in range(settings.epochs):
        order = epoch_order(settings.seed, epoch, len(values)).split(settings.batch_size)
        with seeded(epoch_seed(settings.seed, epoch)):
            for rows in order:
                batch = values[rows.to(values.device)].to(machine.device)
                with machine.autocast():
                    value = loss(model, batch, len(losses) / steps)
                losses.append(finite_loss(float(value.detach()), settings, name))
                optimise(value, optimiser)
    model.eval()
    return losses


def train_steps(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    loss: Callable[[int], torch.Tensor],
    rate: Callable[[int], float],
    steps: int,
    identity: Mapping[str, str],
    checkpoint: Path | None = None,
    *,
    clipped: Iterable[nn.Parameter],
    save_every: int = 100,
    report: Callable[[int, float, float], None] | None = None,
) -> tuple[tuple[float, ...], float]:
    """Train a model in place for a number of steps; a killed run goes on from its checkpoint.

    Parameters
    ----------
    model, optimiser
        In training mode, and what changes its weights.
    loss, rate
        Called with a step's number, from 0: its loss, a scalar, and its learning rate. If they
        depend on nothing else, a run that was killed ends with the weights of one that was not.
    steps
        How many in all.
    identity
        What the run is, see ``save_checkpoint``.
    checkpoint
        File to write every ``save_every`` steps, and to continue from when it is there.
    clipped
        Weights whose gradient is shortened to length 1 where it is longer.
    report
        Called every ``save_every`` steps with the step, the mean loss since the last call, and the
        seconds spent.

    Returns
    -------
    tuple
        The loss of every step, and the seconds spent, those before a resume included.

    Raises
    ------
    DataError
        When the checkpoint cannot be read or belongs to another run.
    DivergedError
        When the loss is not finite.
    """
    clipped = list(clipped)
    losses, before = load_checkpoint(checkpoint, model, optimiser, identity)
    start = time.perf_counter() - before
    for step in tqdm(range(len(losses), steps), desc="pretraining", leave=False):
        for group in optimiser.param_groups:
            group["lr"] = rate(step)
        value = loss(step)
        optimise(value, optimiser, clipped=clipped, longest=1.0)
        losses.append(float(value.detach()))
        if not math.isfinite(losses[-1]):
            raise DivergedError(
                f"the loss became {losses[-1]} at step {step}. The checkpoint keeps the last good "
                f"weights; try a learning rate below {optimiser.defaults['lr']:g}."
            )
        if (step + 1) % save_every == 0 or step + 1 == steps:
            seconds = time.perf_counter() - start
            if checkpoint and all_finite(model):
                save_checkpoint(checkpoint, model, optimiser, identity, losses, seconds)
            if report:
                recent = losses[-save_every:]
                report(step + 1, sum(recent) / len(recent), seconds)
    return tuple(losses), time.perf_counter() - start


def _epoch(
    model: nn.Module,
    data: torch.Tensor,
    loss: Loss,
    optimiser: torch.optim.Optimizer,
    order: Sequence[torch.Tensor],
    machine: Machine,
    bar: tqdm,
) -> float:
    good = _copy(model)
    model.train()
    total = torch.zeros((), device=data.device)
    for rows in order:
        batch = to_unit_range(data[rows.to(data.device)])
        with machine.autocast():
            value = loss(model, batch)
        optimise(value, optimiser)
        total += value.detach() * len(rows)
        bar.update()
    mean = float(total) / len(data)
    # The last step's weights have not been in any loss yet.
    if not math.isfinite(mean) or not all_finite(model):
        model.load_state_dict(good)
        model.eval()
        what = (
            "a weight became NaN or infinite" if math.isfinite(mean) else f"the loss became {mean}"
        )
        raise DivergedError(
            f"{what}: training diverged. The model keeps the weights from before this epoch. "
            f"Try a learning rate below {optimiser.param_groups[0]['lr']:g}."
        )
    bar.set_postfix(loss=f"{mean:.4g}")
    return mean


def _copy(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def all_finite(model: nn.Module) -> bool:
    """Return whether all weights and statistics of a model are finite numbers."""
    values = [v for v in model.state_dict().values() if v.is_floating_point()]
    return not values or bool(torch.stack([v.isfinite().all() for v in values]).all())


def _identity(
    model: nn.Module, images: np.ndarray, loss: Loss, settings: TrainingSettings, method: object
) -> dict[str, str]:
    return {
        "images": fingerprint(images),
        "model": str(model),
        "loss": describe_function(loss),
        "settings": describe_settings((settings, method)),
    }
