"""What PatchCore's fit costs as the work grows: images, and size of the memory.

    .venv/bin/python -m benchmarks.cost [--size 128] [--images 100,250,500,1000,2000]

Generated hazelnuts; each fit in a process of its own, so that its peak memory (resident set) is its
own. The first table keeps the memory at 1,000 entries and adds images, the second keeps 500 images
and lets the memory grow. Under each time stands the slope of a straight line through the
logarithms: 1 means that twice the work takes twice as long.
"""

import argparse
import contextlib
import json
import subprocess
import sys
from itertools import pairwise

import numpy as np

from benchmarks.common import clocked, command_line, peak_memory, timed
from helpers.data.load import generate_category
from helpers.detectors.memory import patchcore
from helpers.detectors.memory.patchcore import PatchCoreDetector, PatchCoreSettings
from helpers.networks.backbone import backbone
from helpers.networks.features import patch_features

STEPS = {"features": "patch_features", "projection": "random_projection", "coreset": "k_centre"}
ENTRIES, IMAGES = 1000, 500
SHARES = (0.005, 0.01, 0.02, 0.05, 0.1)


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--images", default="100,250,500,1000,2000")
    parser.add_argument("--fit", nargs=3, type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    counts = [int(count) for count in arguments.images.split(",")]
    if arguments.fit:
        fit(*arguments.fit, arguments.size)
        return
    most, size = max(IMAGES, *counts), arguments.size
    in_process(counts[0], ENTRIES, most, size)  # generates the images for all that follow
    grow("images", [(count, count, ENTRIES) for count in counts], most, size)
    patches = IMAGES * (size // 8) ** 2
    grow("share kept", [(share, IMAGES, round(share * patches)) for share in SHARES], most, size)


def in_process(*numbers: int) -> dict[str, float]:
    """Run ``fit`` with these numbers in a process of its own."""
    *fitting, size = map(str, numbers)
    command = [sys.executable, "-m", "benchmarks.cost", "--size", size, "--fit", *fitting]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout.splitlines()[-1])


def grow(name: str, runs: list[tuple[float, int, int]], most: int, size: int) -> None:
    rows = [
        {name: value, "entries": entries} | in_process(count, entries, most, size)
        for value, count, entries in runs
    ]
    columns = list(rows[0])
    print(f"\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for row in rows:
        print(f"| {' | '.join(f'{row[column]:.4g}' for column in columns)} |")
    work = np.log([row[name] for row in rows])
    slopes = [
        f"{np.polyfit(work, np.log([row[column] for row in rows]), 1)[0]:.2f}"
        for column in columns[2:-1]
    ]
    print(f"| slope | | {' | '.join(slopes)} | |", flush=True)
    if name == "images":
        # The process itself takes half a GiB: what counts is what each further image adds.
        for one, two in pairwise(rows):
            more = (two[columns[-1]] - one[columns[-1]]) / (two[name] - one[name])
            print(f"{one[name]} to {two[name]}: {more * 2**10:.2f} MiB more per image")


def fit(count: int, entries: int, most: int, size: int) -> None:
    """Fit once on ``count`` of ``most`` images and print what it cost as JSON."""
    counts = {"train/good": most, "test/good": 1, "test/crack": 1}
    images = generate_category(size, counts).train[:count].copy()
    network = backbone("resnet18", "formula")
    patch_features(network, images[:1])  # the first call prepares the kernels
    seconds: dict[str, float] = {}
    settings = PatchCoreSettings(coreset_share=1, largest_memory=entries)
    with contextlib.ExitStack() as stack:
        for function in STEPS.values():
            stack.enter_context(clocked(patchcore, function, seconds))
        _, total = timed(lambda: PatchCoreDetector(settings, network).fit(images))
    record = {f"{name}, s": seconds[function] for name, function in STEPS.items()}
    print(json.dumps(record | {"fit, s": total, "peak memory, GiB": peak_memory()}))


if __name__ == "__main__":
    main()
