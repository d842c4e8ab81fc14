"""Diffuse a picture part of the way and back; what does not come back is anomalous."""

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import torch
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from helpers.detectors.reconstruction.denoiser import Denoiser
from helpers.detectors.reconstruction.diffusion_steps import (
    denoise,
    diffuse,
    diffusion_loss,
    normal,
)
from helpers.detectors.reconstruction.low_resolution import (
    downsampled,
    to_bytes,
)
from helpers.errors import check_least
from helpers.machine import this_machine
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
class DiffusionSettings:
    """Settings of the diffusion model and of the detector that reconstructs with it.

    Attributes
    ----------
    side
        Of the pictures the model sees; larger ones are averaged down to it.
    width, patch
        Of the network; see ``helpers.detectors.reconstruction.denoiser.Denoiser``.
    ema_decay
        How much of the averaged weights is kept in a step of training.
    start
        How far a test picture is diffused: 0 not at all, 1 to pure noise.
    steps, draws
        DDIM steps on the way back, and reconstructions from different noise that are averaged.
    smoothing
        Standard deviation of the Gaussian that smooths the maps, as a share of the image's side.
    top_share
        Share of the pixels, the highest ones, whose mean is the image score.
    training
        How the network is trained; the learning rate is the highest of its cycle.
    """

    side: int = 64
    width: int = 32
    patch: int = 4
    ema_decay: float = 0.98
    start: float = 0.25
    steps: int = 4
    draws: int = 2
    smoothing: float = 1 / 128
    top_share: float = 0.002
    training: TrainingSettings = field(
        default_factory=lambda: TrainingSettings(epochs=20, batch_size=8, learning_rate=5e-3)
    )

    def __post_init__(self) -> None:
        if self.width < 8 or self.width % 8:
            raise ValueError(f"width must be a multiple of 8; got {self.width}.")
        if self.side < 1 or self.side % (4 * self.patch):
            raise ValueError(
                f"the network halves a grid of {self.patch}×{self.patch} squares twice, so side "
                f"must be a multiple of {4 * self.patch}; got {self.side}."
            )
        if not 0 < self.start <= 1:
            raise ValueError(f"start must be above 0 and at most 1; got {self.start}.")
        check_least(self, steps=1, draws=1)


class DiffusionDetector(Learner):
    """Score pixels by how much they change on the way to a noisy picture and back.

    The idea is that of AnoDDPM (Wyatt et al., CVPR Workshops 2022): a diffusion model of good
    pictures takes away what it has not learned. What differs: there the noise is simplex noise,
    which is coarse and fine at once, here it is Gaussian; and the way back is DDIM's, which needs
    few steps. The squared difference is averaged over the colours.

    Attributes
    ----------
    model
        The network with averaged weights, after ``fit``.
    losses
        Mean loss of each epoch.
    """

    revision = 1
    settings_class = DiffusionSettings
    why_not_exported = "it scores with noise from PyTorch's generator, which no other runtime has"

    def fit(self, images: np.ndarray) -> Self:
        """Train on good images: uint8, N×3×H×W.

        Raises
        ------
        ValueError
            When there are fewer images than a batch, or their side is no multiple of the model's.
        DivergedError
            When the loss is not finite.
        """
        s, t, machine = self.settings, self.settings.training, this_machine()
        data = machine.stage(downsampled(images, s.side))
        check_batch(len(images), t)
        with seeded(t.seed):
            network = machine.place(Denoiser(s.width, s.patch)).train()
        average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(s.ema_decay))
        self.model = average.module
        optimiser = torch.optim.Adam(
            network.parameters(), t.learning_rate, betas=(0.9, 0.95), fused=True
        )
        batches = len(images) // t.batch_size
        # Large steps in the middle, small ones at the end: as good as twice the constant ones.
        cycle = OneCycleLR(optimiser, t.learning_rate, total_steps=t.epochs * batches + 1)
        self.losses: list[float] = []
        for epoch in range(t.epochs):
            total = torch.zeros((), device=data.device)
            with seeded(epoch_seed(t.seed, epoch)):
                for batch in full_batches(data, t, epoch):
                    with machine.autocast():
                        loss = diffusion_loss(network, batch)
                    optimise(loss, optimiser, cycle)
                    average.update_parameters(network)
                    total += loss.detach()
            self.losses.append(finite_loss(float(total) / batches, t, "diffusion"))
        self.model.eval()
        return self

    def generate(self, count: int, seed: int = 0, steps: int = 20) -> np.ndarray:
        """Generate new pictures from noise: uint8, count×3×side×side."""
        return self.denoising_steps(count, seed, steps)[-1]

    def denoising_steps(self, count: int, seed: int = 0, steps: int = 20) -> np.ndarray:
        """Generate pictures and keep each step's estimate: uint8, (steps + 1)×count×3×side×side."""
        check_fitted(self)
        machine, side = this_machine(), self.settings.side
        with seeded(seed):
            noise = normal((count, 3, side, side)).to(machine.device)
        with inference(machine):
            estimates = denoise(self.model, noise, np.linspace(1, 0, steps + 1).tolist())
        return np.stack([to_bytes((estimate + 1) / 2) for estimate in estimates])

    def reconstruct(self, images: np.ndarray, start: float | None = None) -> np.ndarray:
        """Diffuse images part of the way and back: float32, N×3×side×side in [0, 1].

        Parameters
        ----------
        images
            uint8, N×3×H×W.
        start
            How far, if not as far as the settings say.
        """
        return self._reconstructed(images, self.settings.start if start is None else start)[1]

    def _learned(self) -> dict[str, Any]:
        return {"model": self.model.state_dict()}

    def _recall(self, state: dict[str, Any]) -> None:
        s = self.settings
        self.model = with_numbers(Denoiser(s.width, s.patch), state["model"])

    def predict(self, images: np.ndarray) -> Scores:
        """Score uint8 images N×3×H×W."""
        seen, reconstructed = self._reconstructed(images, self.settings.start)
        errors = ((reconstructed - seen) ** 2).mean(axis=1)
        s = self.settings
        return scores_from_maps(errors, images.shape[2:], s.smoothing, s.top_share)

    def _reconstructed(self, images: np.ndarray, start: float) -> tuple[np.ndarray, np.ndarray]:
        check_fitted(self)
        seen = downsampled(images, self.settings.side)
        times = np.linspace(start, 0, self.settings.steps + 1).tolist()
        found = infer(lambda batch: self._mean_reconstruction(2 * batch - 1, times), seen)
        return seen.astype(np.float32) / 255, (np.ascontiguousarray(found) + 1) / 2

    def _mean_reconstruction(self, batch: torch.Tensor, times: list[float]) -> torch.Tensor:
        time = torch.full((len(batch),), times[0], device=batch.device)
        total = torch.zeros_like(batch)
        for draw in range(self.settings.draws):
            # Every picture gets the same noise, so that its score is its own affair.
            with seeded(draw):
                noise = normal((1, *batch.shape[1:])).to(batch.device).expand_as(batch)
            total += denoise(self.model, diffuse(batch, time, noise), times)[-1]
        return total / self.settings.draws
