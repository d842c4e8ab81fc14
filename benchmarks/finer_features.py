"""PatchCore with EfficientNet-Lite0's features against ResNet18's, which lie on a coarser grid.

    MVTEC_ROOT=… .venv/bin/python -m benchmarks.finer_features grid --size 256 [--rounds 3]
    … --before FOLDER      # ResNet18 as the helpers in another checkout compute it, too

Lite0 gives four times as many feature vectors, of 176 numbers instead of 384. The networks take
turns, each fit and predict in a process of its own, so that its peak memory (resident set) is its
own; before the clock starts, one picture prepares the kernels. Below the medians stand their ratios
to the last line. Processor time is what other programs on the machine disturb least.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch

from benchmarks.common import category_of, category_options, command_line, peak_memory
from helpers.detectors.memory.patchcore import PatchCoreDetector, PatchCoreSettings
from helpers.machine import this_machine
from helpers.networks.backbone import backbone
from helpers.networks.features import patch_features

NETWORKS = {
    "EfficientNet-Lite0, ImageNet": (
        "efficientnet_lite0",
        "imagenet",
        ("stride 4", "stride 8", "stride 16"),
    ),
    "ResNet18, formula": ("resnet18", "formula", ("layer2", "layer3")),
}
HERE = Path(__file__).parents[1]


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("category", nargs="?", default="grid")
    category_options(parser, 256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--network", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.network:
        fit_and_predict(arguments)
        return
    runs = {name: (name, HERE) for name in NETWORKS}
    if arguments.before:
        last = list(NETWORKS)[-1]
        runs[f"{last}, before"] = (last, arguments.before.resolve())
    found: dict[str, list[dict[str, float]]] = {name: [] for name in runs}
    for _ in range(arguments.rounds):
        for name, (network, folder) in runs.items():
            found[name].append(in_process(network, folder))
    print(f"{this_machine().describe()}, {torch.get_num_threads()} threads\n")
    print_table(found)


def in_process(network: str, folder: Path) -> dict[str, float]:
    """Fit and predict with the helpers of this folder, in a process of its own."""
    command = [sys.executable, __file__, *sys.argv[1:], "--network", network]
    paths = os.pathsep.join([str(folder), str(HERE)])
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": paths}
    )
    return json.loads(done.stdout.splitlines()[-1])


def fit_and_predict(arguments: argparse.Namespace) -> None:
    category = category_of(arguments)
    network = backbone(*NETWORKS[arguments.network])
    patch_features(network, category.train[:1])
    detector = PatchCoreDetector(PatchCoreSettings(), network)
    clocks = [(time.perf_counter(), time.process_time())]
    detector.fit(category.train)
    clocks.append((time.perf_counter(), time.process_time()))
    memory = peak_memory()
    detector.predict(category.test)
    clocks.append((time.perf_counter(), time.process_time()))
    (fit, fit_cpu), (predict, predict_cpu) = (
        [after - before for before, after in zip(*pair, strict=True)]
        for pair in (clocks[:2], clocks[1:])
    )
    record = {
        "fit, s": fit,
        "fit, s of processor": fit_cpu,
        "predict, s": predict,
        "predict, s of processor": predict_cpu,
        "peak memory of fit, GiB": memory,
        "of both, GiB": peak_memory(),
    }
    print(json.dumps(record))


def print_table(found: dict[str, list[dict[str, float]]]) -> None:
    medians = {
        name: {column: statistics.median(run[column] for run in runs) for column in runs[0]}
        for name, runs in found.items()
    }
    columns = list(next(iter(medians.values())))
    last = list(medians.values())[-1]
    print(f"| | {' | '.join(columns)} |\n|---|{'--:|' * len(columns)}")
    for name, row in medians.items():
        print(f"| {name} | {' | '.join(f'{row[column]:.2f}' for column in columns)} |")
    for name, row in list(medians.items())[:-1]:
        ratios = (f"{row[column] / last[column]:.2f}" for column in columns)
        print(f"| {name} : the last | {' | '.join(ratios)} |")


if __name__ == "__main__":
    main()
