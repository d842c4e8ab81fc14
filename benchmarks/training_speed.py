"""How fast each attempt trains, against the plain PyTorch loop of the same model.

The plain loop is the one of the tutorials: float32, default memory layout, a DataLoader of float
images, the default Adam. Both train the same network for the same epochs in the same run; beside
the speed stands the image AUROC of both, with the interval of their paired difference.

    MVTEC_ROOT=generated .venv/bin/python -m benchmarks.training_speed
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.common import gain
from helpers.data.category import split_good
from helpers.data.load import load_category
from helpers.detectors.catalogue import all_attempts
from helpers.detectors.reconstruction import autoencoder, pretrained_autoencoder, skip_autoencoder
from helpers.detectors.self_supervision import cutpaste
from helpers.metrics.image import image_auroc
from helpers.networks.seeding import seeded
from helpers.networks.training import History, Loss, TrainingSettings
from helpers.profiles import current_profile

MODULES = (autoencoder, pretrained_autoencoder, cutpaste, skip_autoencoder)


def plain_train(
    model: torch.nn.Module,
    images: np.ndarray,
    loss: Loss,
    settings: TrainingSettings,
    *,
    checkpoint: Path | None = None,
    method: object = None,
    title: str = "",
) -> History:
    """Train as the tutorials do."""
    data = TensorDataset(torch.tensor(images).float() / 255)
    optimiser = torch.optim.Adam(model.parameters(), lr=settings.learning_rate)
    start, losses = time.perf_counter(), []
    model.train()
    with seeded(settings.seed):
        loader = DataLoader(data, batch_size=settings.batch_size, shuffle=True)
        for _ in range(settings.epochs):
            total = 0.0
            for (batch,) in loader:
                optimiser.zero_grad()
                value = loss(model, batch)
                value.backward()
                optimiser.step()
                total += value.item() * len(batch)
            losses.append(total / len(data))
    model.eval()
    return History(tuple(losses), time.perf_counter() - start, "epochs")


@contextmanager
def plain() -> Iterator[None]:
    """Train every attempt with the plain loop inside the block."""
    kept = [module.train for module in MODULES]
    before = os.environ.get("ONE_BAD_NUT_PRECISION")
    os.environ["ONE_BAD_NUT_PRECISION"] = "float32"
    for module in MODULES:
        module.train = plain_train
    try:
        yield
    finally:
        for module, train in zip(MODULES, kept, strict=True):
            module.train = train
        os.environ.pop("ONE_BAD_NUT_PRECISION")
        if before is not None:
            os.environ["ONE_BAD_NUT_PRECISION"] = before


def main() -> None:
    """Print a table in Markdown."""
    profile = current_profile()
    print("| attempt | images/s, plain | ours | ratio | AUROC, plain | ours | ours − plain |")
    print("|---|---|---|---|---|---|---|")
    category = load_category(profile.category, size=profile.image_size)
    images, _ = split_good(category.train)
    for attempt in all_attempts(profile, len(images)):
        ours = attempt.detector()
        if not hasattr(ours.settings, "training"):
            continue  # nothing is trained
        ours.fit(images)
        scores = ours.predict(category.test).image
        with plain():
            theirs = attempt.detector().fit(images)
            plain_scores = theirs.predict(category.test).image
        shown = len(images) * ours.settings.training.epochs
        speeds = [shown / d.history.seconds for d in (theirs, ours)]
        aurocs = [image_auroc(category.labels, s) for s in (plain_scores, scores)]
        print(
            f"| {attempt.name} | {speeds[0]:.0f} | {speeds[1]:.0f} | "
            f"{speeds[1] / speeds[0]:.1f} | {aurocs[0]:.3f} | {aurocs[1]:.3f} | "
            f"{gain(category, scores, plain_scores)} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
