"""Strategies that see good images only, on a real category, with any backbone.

    MVTEC_ROOT=… .venv/bin/python -m benchmarks.strategies_real PatchCore "Contrastive memory" \\
        --category grid --size 256 --other squeezenet1_1=FILE --layers fire5,fire7

Prints a table in Markdown: image AUROC with its 95 % interval, pixel AUROC, AUPRO, the
seconds of fitting and of predicting all test images; the last column is the paired difference to
the first method named. Without --other the backbone is the ResNet18 with formula weights. A
category with very few good test images can use some of its training images: --move-to-test 12 moves
the last twelve to the test set.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.common import (
    Result,
    category_of,
    category_options,
    command_line,
    gain,
    measure,
    network_options,
)
from helpers.data.category import Category
from helpers.detectors import catalogue
from helpers.detectors.base import Detector
from helpers.detectors.density.fastflow import FastFlowDetector
from helpers.detectors.memory.contrastive_memory import ContrastiveMemoryDetector
from helpers.detectors.memory.patchcore import PatchCoreDetector
from helpers.detectors.student_teacher import StudentTeacherDetector
from helpers.machine import this_machine
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


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("methods", nargs="+", choices=METHODS, metavar="METHOD")
    parser.add_argument("--category", default="grid")
    category_options(parser, size=256)
    parser.add_argument("--seeds", type=int, default=1, help="runs of each method")
    network_options(parser, layers="layer2,layer3")
    arguments = parser.parse_args()

    category = category_of(arguments)
    architecture, weights = (arguments.other or "resnet18=formula").split("=", 1)
    network = Network(architecture, weights, tuple(arguments.layers.split(",")))
    results = [
        measure(
            f"{method}, seed {seed}", METHODS[method](network, len(category.train), seed), category
        )
        for method in arguments.methods
        for seed in range(arguments.seeds)
    ]
    name = f"{architecture}, {Path(weights).stem}, layers {', '.join(network.layers)}"
    print(f"\n{category!r}\n{name}; {this_machine().describe()}\n\n{table(category, results)}")


def table(category: Category, results: list[Result]) -> str:
    first = results[0]
    lines = [
        "| method | image AUROC (95 %) | pixel AUROC | AUPRO | fit, s | predict, s "
        "| minus the first, image AUROC |",
        "|---|---|---|---|---|---|---|",
    ]
    for r in results:
        difference = "" if r is first else gain(category, r.image, first.image)
        lines.append(f"{r.cells()} {r.fit:.0f} | {r.predict:.0f} | {difference} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
