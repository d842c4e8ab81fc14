"""Loading and one epoch of the baseline: this book against the usual loop, in one run.

The usual loop: a Dataset that decodes every file in every epoch (ImageFolder style), a DataLoader
with its defaults, float32, the default memory format. Both train the same network from the same
weights on the same images in the same order, so that their loss curves can be held beside each
other. The files have MVTec AD's own size, 1024 × 1024 pixels (generated hazelnuts, enlarged), or
with ``--files 256`` the size the network sees. *First* means that our cache is empty, *again* that
it is filled; the usual loop knows no difference.

Run: ``.venv/bin/python -m benchmarks.loading_and_training [--files 256] [--epochs 3]``
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from benchmarks.common import peak_memory
from helpers.data.load import list_images, load_category
from helpers.detectors.reconstruction.autoencoder import (
    Autoencoder,
    AutoencoderSettings,
    reconstruction_loss,
)
from helpers.files import make_folder_once
from helpers.machine import this_machine
from helpers.networks.seeding import epoch_order, seeded
from helpers.networks.training import TrainingSettings, train
from helpers.paths import data_folder

SIZE = 256


class Files(Dataset):
    """Decode, resize and scale a file whenever it is asked for, as ImageFolder does."""

    def __init__(self, paths: list[Path], size: int) -> None:
        self.paths = paths
        self.transform = v2.Compose(
            [
                v2.Resize((size, size)),
                v2.ToImage(),
                v2.ToDtype(torch.float32, scale=True),
            ]
        )

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> torch.Tensor:
        with Image.open(self.paths[index]) as image:
            return self.transform(image.convert("RGB"))


def network(size: int, settings: AutoencoderSettings) -> Autoencoder:
    with seeded(settings.training.seed):
        return Autoencoder(settings.widths(size), settings.code_channels)


def usual(root: Path, settings: AutoencoderSettings) -> list[float]:
    """Train with the usual loop; return the loss of each epoch."""
    data = Files(sorted((root / "hazelnut" / "train" / "good").iterdir()), SIZE)
    model = network(SIZE, settings).train()
    optimiser = torch.optim.Adam(model.parameters(), lr=settings.training.learning_rate)
    losses = []
    for epoch in range(settings.training.epochs):
        order = epoch_order(settings.training.seed, epoch, len(data)).tolist()
        total = 0.0
        for batch in DataLoader(data, settings.training.batch_size, sampler=order):
            loss = torch.nn.functional.mse_loss(model(batch), batch)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item() * len(batch)
        losses.append(total / len(data))
    return losses


def ours(root: Path, settings: AutoencoderSettings) -> list[float]:
    """Load and train as the book does; return the loss of each epoch."""
    images = load_category("hazelnut", SIZE, root).train
    model = network(SIZE, settings)
    return list(train(model, images, reconstruction_loss, settings.training).losses)


def measure(name: str, root: Path, epochs: int) -> None:
    """Run one of the two, and print its time, peak memory and losses."""
    training = TrainingSettings(epochs, batch_size=16, learning_rate=1e-3)
    settings = AutoencoderSettings(training=training)
    start = time.perf_counter()
    losses = {"usual": usual, "ours": ours}[name](root, settings)
    seconds = time.perf_counter() - start
    print(f"{seconds:.2f} {peak_memory():.2f} {' '.join(f'{loss:.6f}' for loss in losses)}")


def enlarged(side: int) -> Path:
    """Write the generated hazelnuts at another size, once; return the root."""
    source = Path(list_images("hazelnut", "generated").attrs["folder"])

    def fill(work: Path) -> None:
        for path in sorted(source.rglob("*.png")):
            target = work / "hazelnut" / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            with Image.open(path) as image:
                way = Image.Resampling.NEAREST if "mask" in path.name else Image.Resampling.BICUBIC
                image.resize((side, side), way).save(target, compress_level=3)

    return make_folder_once(data_folder() / "benchmark" / f"{source.parent.name}-{side}", fill)


def in_a_fresh_process(name: str, root: Path, epochs: int, cache: Path) -> float:
    """Measure in a process that inherits neither memory nor warm caches; return the seconds."""
    arguments = ["--only", name, "--root", str(root), "--epochs", str(epochs)]
    output = subprocess.run(
        [sys.executable, "-m", "benchmarks.loading_and_training", *arguments],
        env=os.environ | {"ONE_BAD_NUT_DATA": str(cache)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    seconds, memory, *losses = output.splitlines()[-1].split()
    print(
        f"{name:>6}: {seconds} s, peak memory {memory} GiB, losses {' '.join(losses)}", flush=True
    )
    return float(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=1024, help="side of the files in pixels")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=["usual", "ours"], help=argparse.SUPPRESS)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        measure(options.only, options.root, options.epochs)
        return
    root = enlarged(options.files)
    seconds: dict[str, list[float]] = {"usual": [], "ours, first": [], "ours, again": []}
    for _ in range(options.repeats):
        with tempfile.TemporaryDirectory() as cache:
            for name, taken in seconds.items():
                run = name.split(",")[0]
                taken.append(in_a_fresh_process(run, root, options.epochs, Path(cache)))
    print(f"machine: {this_machine().describe()}; {options.files} px files, {SIZE} px images")
    for name in ("ours, first", "ours, again"):
        ratios = np.array(seconds["usual"]) / seconds[name]
        print(f"usual : {name} = {np.median(ratios):.2f} (each run: {np.round(ratios, 2)})")


if __name__ == "__main__":
    main()
