"""A detector from a GAN: reconstruct the test picture with the generator, and compare."""

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import torch
from torch.nn import functional
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from helpers.detectors.reconstruction.gan_networks import (
    FIRST,
    Discriminator,
    Encoder,
    Generator,
    discriminator_loss,
    generator_loss,
)
from helpers.detectors.reconstruction.low_resolution import (
    downsampled,
    to_bytes,
)
from helpers.machine import Machine, this_machine
from helpers.metrics.scores import Scores, scores_from_maps
from helpers.networks.inference import check_fitted, infer, inference, with_numbers
from helpers.networks.learner import Learner
from helpers.networks.seeding import epoch_seed, seeded
from helpers.networks.training import (
    TrainingSettings,
    check_batch,
    finite_loss,
    full_batches,
    optimise,
)


@dataclass(frozen=True)
class GanSettings:
    """Settings of the GAN and of the detector that reconstructs with it.

    Attributes
    ----------
    side
        Of the pictures the networks see; larger ones are averaged down to it.
    width
        Channels of the finest grid; each coarser one has twice as many, up to 8 times.
    code
        Random numbers that a picture is generated from.
    ema_decay
        How much of the generator's averaged weights is kept in a step.
    feature_weight
        What a difference of the discriminator's features counts beside one of the pixels, when the
        encoder is trained.
    encoder_share
        Epochs of the encoder, as a share of the GAN's.
    smoothing, top_share
        Of the maps and the image score; see ``DiffusionSettings``.
    training
        How the two players are trained.
    """

    side: int = 64
    width: int = 16
    code: int = 64
    ema_decay: float = 0.98
    feature_weight: float = 0.1
    encoder_share: float = 0.4
    smoothing: float = 1 / 64
    top_share: float = 0.01
    training: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(epochs=16, batch_size=16, learning_rate=5e-4)
    )

    def __post_init__(self) -> None:
        doublings = round(np.log2(max(self.side, 1) / FIRST))
        if doublings < 2 or FIRST * 2**doublings != self.side:
            raise ValueError(f"side must be 16, 32, 64, 128 …; got {self.side}.")

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of each grid, from 4×4 on."""
        doublings = round(np.log2(self.side / FIRST))
        return tuple(self.width * min(2**level, 8) for level in reversed(range(doublings)))


class GanDetector(Learner):
    """Score images by what a generator of good pictures cannot reconstruct.

    After f-AnoGAN (Schlegl et al., Medical Image Analysis 2019): train a GAN on good pictures,
    freeze it, and train an encoder that finds the code from which the generator makes a given
    picture. The squared difference of picture and reconstruction is the map. What differs: there it
    is a Wasserstein GAN with a gradient penalty, and the score also holds the difference of the
    discriminator's features.

    Attributes
    ----------
    generator, encoder
        The networks, after ``fit``.
    losses
        Mean loss of each epoch, for ``"generator"`` and ``"discriminator"``.
    """

    revision = 1
    settings_class = GanSettings

    def fit(self, images: np.ndarray) -> Self:
        """Train on good images: uint8, N×3×H×W.

        Raises
        ------
        ValueError
            When there are fewer images than a batch, or their side is no multiple of the model's.
        DivergedError
            When a loss is not finite.
        """
        s, t, machine = self.settings, self.settings.training, this_machine()
        data = machine.stage(downsampled(images, s.side))
        check_batch(len(images), t)
        with seeded(t.seed):
            generator = machine.place(Generator(s.code, s.widths))
            discriminator = machine.place(Discriminator(s.widths))
            self.encoder = machine.place(Encoder(s.code, s.widths))
        self._train_players(generator, discriminator, data, machine)
        for network in (self.generator, discriminator):
            network.eval().requires_grad_(False)
        self._train_encoder(discriminator, data, machine)
        self.encoder.eval()
        return self

    def _train_players(
        self,
        generator: Generator,
        discriminator: Discriminator,
        data: torch.Tensor,
        machine: Machine,
    ) -> None:
        s, t = self.settings, self.settings.training
        average = AveragedModel(
            generator, multi_avg_fn=get_ema_multi_avg_fn(s.ema_decay), use_buffers=True
        )
        self.generator = average.module
        optimisers = [
            torch.optim.Adam(n.parameters(), t.learning_rate, betas=(0.5, 0.99), fused=True)
            for n in (generator, discriminator)
        ]
        self.losses: dict[str, list[float]] = {"generator": [], "discriminator": []}
        for epoch in range(t.epochs):
            totals = []
            with seeded(epoch_seed(t.seed, epoch)):
                for batch in full_batches(data, t, epoch):
                    totals.append(_round(generator, discriminator, optimisers, batch, machine))
                    average.update_parameters(generator)
            for name, value in zip(self.losses, np.mean(totals, axis=0), strict=True):
                self.losses[name].append(finite_loss(float(value), t, name))

    def _train_encoder(
        self, discriminator: Discriminator, data: torch.Tensor, machine: Machine
    ) -> None:
        s, t = self.settings, self.settings.training
        epochs = max(1, round(s.encoder_share * t.epochs))
        steps = epochs * (len(data) // t.batch_size)
        optimiser = torch.optim.Adam(self.encoder.parameters(), betas=(0.9, 0.95), fused=True)
        cycle = OneCycleLR(optimiser, 6 * t.learning_rate, total_steps=steps + 1)
        for epoch in range(epochs):
            for batch in full_batches(data, t, t.epochs + epoch):
                with machine.autocast():
                    loss = self._difference(discriminator, batch)
                optimise(loss, optimiser, cycle)
            finite_loss(float(loss.detach()), t, "encoder")

    def _difference(self, discriminator: Discriminator, batch: torch.Tensor) -> torch.Tensor:
        reconstruction = self.generator(self.encoder(batch)).float()
        features = [discriminator.features(x).float() for x in (reconstruction, batch)]
        return functional.mse_loss(reconstruction, batch) + self.settings.feature_weight * (
            functional.mse_loss(*features)
        )

    def generate(self, count: int, seed: int = 0) -> np.ndarray:
        """Generate new pictures from random codes: uint8, count×3×side×side."""
        check_fitted(self, "generator")
        machine = this_machine()
        with seeded(seed):
            codes = torch.randn(count, self.settings.code).to(machine.device)
        self.generator.eval()
        with inference(machine):
            return to_bytes(self.generator(codes).float())

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """Reconstruct uint8 images: float32, N×3×side×side in [0, 1]."""
        check_fitted(self, "encoder")
        small = downsampled(images, self.settings.side)
        found = infer(lambda batch: self.generator(self.encoder(batch)), small)
        return np.ascontiguousarray(found)

    def _learned(self) -> dict[str, Any]:
        return {"generator": self.generator.state_dict(), "encoder": self.encoder.state_dict()}

    def _recall(self, state: dict[str, Any]) -> None:
        s = self.settings
        self.generator = with_numbers(Generator(s.code, s.widths), state["generator"])
        self.encoder = with_numbers(Encoder(s.code, s.widths), state["encoder"])

    def tensor_maps(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the squared error of the reconstruction, see ``Learner``."""
        bytes_ = functional.avg_pool2d(255 * batch, batch.shape[-1] // self.settings.side)
        small = bytes_.round() / 255
        return (self.generator(self.encoder(small)) - small).square().mean(1), None

    def predict(self, images: np.ndarray) -> Scores:
        """Score uint8 images N×3×H×W."""
        s = self.settings
        seen = downsampled(images, s.side).astype(np.float32) / 255
        errors = ((self.reconstruct(images) - seen) ** 2).mean(axis=1)
        return scores_from_maps(errors, images.shape[2:], s.smoothing, s.top_share)


def _round(
    generator: Generator,
    discriminator: Discriminator,
    optimisers: list[torch.optim.Optimizer],
    batch: torch.Tensor,
    machine: Machine,
) -> tuple[float, float]:
    """Let each player make one step; return the losses of generator and discriminator."""
    with machine.autocast():
        generated = generator(torch.randn(len(batch), generator.enter.in_features).to(batch.device))
        both = torch.cat([batch, generated.detach().float()])
        telling = discriminator_loss(*discriminator(both).float().chunk(2))
    optimise(telling, optimisers[1])
    discriminator.requires_grad_(False)  # the generator's step needs no gradients of its weights
    with machine.autocast():
        deceiving = generator_loss(discriminator(generated).float())
    optimise(deceiving, optimisers[0])
    discriminator.requires_grad_(True)
    return float(deceiving.detach()), float(telling.detach())
