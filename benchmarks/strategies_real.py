"""Strategies that see good images only, on a real category, with any backbone.

    MVTEC_ROOT=… .venv/bin/python benchmarks/strategies_real.py PatchCore "Contrastive memory" \\
        --category grid --size 256 --other squeezenet1_1=FILE --layers fire5,fire7

Prints a table in Markdown: image AUROC with its 95 % bootstrap interval, pixel AUROC, AUPRO, the
seconds of fitting and of judging all test images; the last column is the paired difference to the
first method named. Without --other the backbone is the ResNet18 with formula weights. A category
with very few good test images can use some of its training images: --move-to-test 12 moves the
last twelve to the test set.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from helpers.data.category import Category, move_to_test
from helpers.data.load import load_category
from helpers.detectors import catalogue
from helpers.detectors.base import Detector
from helpers.detectors.density.fastflow import FastFlowDetector
from helpers.detectors.memory.contrastive_memory import ContrastiveMemoryDetector
from helpers.detectors.memory.patchcore import PatchCoreDetector
from helpers.detectors.student_teacher import StudentTeacherDetector
from helpers.experiments.report import timed
from helpers.machine import this_machine
from helpers.metrics.image import auroc_interval, image_auroc, paired_difference
from helpers.metrics.pixel import pixel_report
from helpers.profiles import PROFILES

PROFILE = PROFILES["medium"]


@dataclass(frozen=True)
class Network:
    """The backbone: its fields are named as in the detectors' settings."""

    architecture: str
    weights: str
    layers: tuple[str, ...]


def patchcore(network: Network, images: int, seed: int) -> Detector:
    return PatchCoreDetector(replace(catalogue.patchcore(PROFILE, seed), **vars(network)))


def contrastive_memory(network: Network, images: int, seed: int) -> Detector:
    settings = catalogue.contrastive_memory(PROFILE, images, seed)
    memory = replace(settings.memory, **vars(network))
    return ContrastiveMemoryDetector(replace(settings, memory=memory))


def student_teacher(network: Network, images: int, seed: int) -> Detector:
    settings = catalogue.student_teacher(PROFILE, images, seed)
    return StudentTeacherDetector(replace(settings, **vars(network)))


def fastflow(network: Network, images: int, seed: int) -> Detector:
    settings = catalogue.fastflow(PROFILE, images, seed)
    return FastFlowDetector(replace(settings, **vars(network)))


METHODS: dict[str, Callable[[Network, int, int], Detector]] = {
    "PatchCore": patchcore,
    "Contrastive memory": contrastive_memory,
    "Student–teacher": student_teacher,
    "FastFlow": fastflow,
}


@dataclass(frozen=True)
class Result:
    name: str
    image: np.ndarray
    pixel_auroc: float
    aupro: float
    fit: float
    predict: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("methods", nargs="+", choices=METHODS, metavar="METHOD")
    parser.add_argument("--category", default="grid")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--move-to-test", type=int, default=0)
    parser.add_argument("--root", type=Path)
    parser.add_argument("--seeds", type=int, default=1, help="runs of each method")
    parser.add_argument("--other", metavar="ARCHITECTURE=FILE")
    parser.add_argument("--layers", default="layer2,layer3", help="of the network, with commas")
    arguments = parser.parse_args()

    category = load_category(arguments.category, arguments.size, arguments.root)
    category = move_to_test(category, arguments.move_to_test)
    architecture, weights = (arguments.other or "resnet18=formula").split("=", 1)
    network = Network(architecture, weights, tuple(arguments.layers.split(",")))
    results = [
        measure(f"{method}, seed {seed}", METHODS[method], network, category, seed)
        for method in arguments.methods
        for seed in range(arguments.seeds)
    ]
    name = f"{architecture}, {Path(weights).stem}, layers {', '.join(network.layers)}"
    print(f"\n{category!r}\n{name}; {this_machine().describe()}\n\n{table(category, results)}")


def measure(
    name: str,
    make: Callable[[Network, int, int], Detector],
    network: Network,
    category: Category,
    seed: int,
) -> Result:
    detector = make(network, len(category.train), seed)
    _, fit = timed(lambda: detector.fit(category.train))
    scores, predict = timed(lambda: detector.predict(category.test))
    pixels = pixel_report(category.masks, scores.maps)
    print(f"{name}: {image_auroc(category.labels, scores.image):.3f}", flush=True)
    return Result(name, scores.image, pixels.auroc, pixels.aupro, fit, predict)


def table(category: Category, results: list[Result]) -> str:
    labels, first = category.labels, results[0]
    lines = [
        "| method | image AUROC (95 %) | pixel AUROC | AUPRO | fit, s | predict, s "
        "| minus the first, image AUROC |",
        "|---|---|---|---|---|---|---|",
    ]
    for r in results:
        interval, difference = auroc_interval(labels, r.image), ""
        if r is not first:
            gap, spread = paired_difference(labels, r.image, first.image)
            difference = f"{gap:+.3f} ({spread.low:+.3f} to {spread.high:+.3f})"
        lines.append(
            f"| {r.name} | {image_auroc(labels, r.image):.3f} ({interval.low:.3f}–"
            f"{interval.high:.3f}) | {r.pixel_auroc:.3f} | {r.aupro:.3f} | {r.fit:.0f} "
            f"| {r.predict:.0f} | {difference} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
