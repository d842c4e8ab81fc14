"""What PatchCore's fit costs as the work grows: images, and size of the memory.

    .venv/bin/python benchmarks/cost.py [--size 128] [--images 100,250,500,1000,2000]

Generated hazelnuts; each fit in a process of its own, so that its peak memory (resident set) is its
own. The first table keeps the memory at 1,000 entries and adds images, the second keeps 500 images
and lets the memory grow. Under each time stands the slope of a straight line through the
logarithms: 1 means that twice the work takes twice as long.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from itertools import pairwise
from typing import Any

import numpy as np

from helpers.data.load import generate_category
from helpers.detectors.memory import patchcore
from helpers.detectors.memory.patchcore import PatchCoreDetector, PatchCoreSettings
from helpers.networks.backbone import backbone
from helpers.networks.features import patch_features

STEPS = {"features": "patch_features", "projection": "random_projection", "coreset": "k_centre"}
ENTRIES, IMAGES = 1000, 500
SHARES = (0.005, 0.01, 0.02, 0.05, 0.1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
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
    command = [sys.executable, __file__, "--size", size, "--fit", *fitting]
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
    seconds = dict.fromkeys(STEPS, 0.0)
    for name, function in STEPS.items():
        setattr(patchcore, function, timed(getattr(patchcore, function), name, seconds))
    settings = PatchCoreSettings(coreset_share=1, largest_memory=entries)
    start = time.perf_counter()
    PatchCoreDetector(settings, network).fit(images)
    total = time.perf_counter() - start
    record = {f"{name}, s": value for name, value in seconds.items()}
    print(json.dumps(record | {"fit, s": total, "peak memory, GiB": peak()}))


def timed(function: Any, name: str, seconds: dict[str, float]) -> Any:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        result = function(*args, **kwargs)
        seconds[name] += time.perf_counter() - start
        return result

    return wrapper


def peak() -> float:
    """Return the largest resident set of this process so far, in GiB."""
    unit = 2**30 if sys.platform == "darwin" else 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


if __name__ == "__main__":
    main()
