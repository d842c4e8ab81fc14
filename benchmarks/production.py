"""What a detector costs outside the chapters: milliseconds an image, in several arithmetics.

    .venv/bin/python -m benchmarks.production [--root generated] [--good 120] [--rounds 9]

For each detector that can be exported: PyTorch in float32 and bfloat16, ONNX Runtime in float32 and
in 8-bit whole numbers, one image at a time, the median of the rounds, in alternation; beside it the
image AUROC of each, the largest difference of the exported scores from PyTorch's float32 as a share
of their spread, and the file's size. Last, what tiling costs: a picture as 1, 4 and 9 tiles.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.common import command_line
from helpers.data.category import Category
from helpers.data.load import load_category
from helpers.detectors.base import Detector
from helpers.detectors.catalogue import all_attempts, all_strategies
from helpers.export import OnnxDetector, export_detector, exportable, quantise
from helpers.machine import this_machine
from helpers.metrics.image import image_auroc
from helpers.metrics.scores import Scores
from helpers.profiles import PROFILES

NAMES = (
    "Baseline autoencoder",
    "SSIM, multi-scale, skips",
    "Feature reconstruction",
    "PatchCore",
    "FastFlow",
    "Student–teacher",
)


@contextmanager
def precision(name: str) -> Iterator[None]:
    before = os.environ.get("ONE_BAD_NUT_PRECISION")
    os.environ["ONE_BAD_NUT_PRECISION"] = name
    try:
        yield
    finally:
        if before is None:
            del os.environ["ONE_BAD_NUT_PRECISION"]
        else:
            os.environ["ONE_BAD_NUT_PRECISION"] = before


def milliseconds(judges: dict[str, Callable], image: np.ndarray, rounds: int) -> dict[str, float]:
    spent = {name: [] for name in judges}
    for number in range(rounds + 1):
        for name, judge in judges.items():
            start = time.perf_counter()
            judge(image)
            if number:  # the first one of each warms up
                spent[name].append(1000 * (time.perf_counter() - start))
    return {name: float(np.median(values)) for name, values in spent.items()}


def main() -> None:
    """Print the tables."""
    parser = command_line(__doc__)
    parser.add_argument("--root", default="generated")
    parser.add_argument("--good", type=int, default=120, help="good pictures that are learned from")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--detectors", nargs="*", default=NAMES)
    arguments = parser.parse_args()
    profile = PROFILES["quick"]
    specs = all_attempts(profile, arguments.good) + all_strategies(profile, arguments.good)
    print(this_machine().describe())
    for spec in specs:
        if spec.name in arguments.detectors:
            category = load_category("hazelnut", spec.size, arguments.root)
            print(f"\n{spec.name}, {spec.size} × {spec.size} pixels")
            measure(spec.detector(), category, arguments.good, arguments.rounds)
    for name, why in exportable().items():
        if why:
            print(f"not exported: {name}, for {why}")


def measure(detector: Detector, category: Category, good: int, rounds: int) -> None:
    """Print the table of one detector, and what tiles cost it."""
    train, test = category.train[:good], category.test
    with precision("float32"), tempfile.TemporaryDirectory() as folder:
        reference = detector.fit(train).predict(test).image
        path = export_detector(detector, Path(folder) / "nut.onnx", float(np.median(reference)))
        small = quantise(path, Path(folder) / "int8.onnx", train[:32])
        runtime, coarse = OnnxDetector(path), OnnxDetector(small)
        megabytes = {"ONNX float32": path.stat().st_size, "ONNX int8": small.stat().st_size}

    def in_pytorch(numbers: str, images: np.ndarray) -> Scores:
        with precision(numbers):
            return detector.predict(images)

    judges = {
        "PyTorch float32": partial(in_pytorch, "float32"),
        "PyTorch bfloat16": partial(in_pytorch, "bfloat16"),
        "ONNX float32": lambda images: runtime.judge(images)[0],
        "ONNX int8": lambda images: coarse.judge(images)[0],
    }
    spent, rows = milliseconds(judges, test[:1], rounds), []
    for name, judge in judges.items():
        found = judge(test).image
        rows.append(
            {
                "arithmetic": name,
                "ms an image": spent[name],
                "image AUROC": image_auroc(category.labels, found),
                "largest difference": abs(found - reference).max() / np.ptp(reference),
                "MB": megabytes.get(name, np.nan) / 1e6,
            }
        )
    print(pd.DataFrame(rows).to_string(index=False, float_format="{:.4g}".format))
    for tiles in (4, 9):
        several = np.repeat(test[:1], tiles, 0)
        (cost,) = milliseconds({"": judges["ONNX float32"]}, several, rounds).values()
        print(f"{tiles} tiles in ONNX Runtime, float32: {cost:.0f} ms", flush=True)


if __name__ == "__main__":
    main()
