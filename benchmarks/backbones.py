"""PatchCore with every backbone at hand, on the same images: formula, five random seeds, ImageNet.

    .venv/bin/python -m benchmarks.backbones                                # generated hazelnuts
    MVTEC_ROOT=… .venv/bin/python -m benchmarks.backbones grid --size 256   # a real category
    … --other squeezenet1_1=FILE --layers …      # one more network, its weights from a file
    … --card                                     # keep the figures in the weights' model card

Prints a table in Markdown. A category with very few good test images can use some of its
training images: --move-to-test 12 moves the last twelve to the test set.
"""

import argparse
import json
from collections.abc import Iterator
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
from helpers.detectors.memory.patchcore import PatchCoreDetector, PatchCoreSettings
from helpers.errors import DataError
from helpers.files import whole_file
from helpers.networks.backbone import Backbone, backbone
from helpers.networks.weights import FORMULA_FOLDER

RANDOM_SEEDS = range(5)


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("category", nargs="?", default="hazelnut")
    category_options(parser, size=224)
    network_options(parser)
    parser.add_argument("--card", action="store_true")
    arguments = parser.parse_args()

    category = category_of(arguments)
    results = [
        measure(name, PatchCoreDetector(PatchCoreSettings(), network), category)
        for name, network in networks(arguments)
    ]
    print(f"\n{category!r}\n\n{table(category, results)}")
    if arguments.card:
        keep(category, results)


def networks(arguments: argparse.Namespace) -> Iterator[tuple[str, Backbone]]:
    yield "ResNet18, formula", backbone("resnet18", "formula")
    for seed in RANDOM_SEEDS:
        yield f"ResNet18, random, seed {seed}", backbone("resnet18", "random", seed=seed)
    try:
        yield "ResNet18, ImageNet", backbone("resnet18", "imagenet")
    except DataError as error:
        print(f"ImageNet weights of ResNet18 left out: {error}")
    if arguments.other:
        architecture, file = arguments.other.split("=", 1)
        layers = {"layers": tuple(arguments.layers.split(","))} if arguments.layers else {}
        yield f"{architecture}, {Path(file).stem}", backbone(architecture, Path(file), **layers)


def table(category: Category, results: list[Result]) -> str:
    formula = results[0]
    lines = [
        "| backbone | image AUROC (95 %) | pixel AUROC | AUPRO | formula minus this, image AUROC |",
        "|---|---|---|---|---|",
    ]
    for r in results:
        difference = "" if r is formula else gain(category, formula.image, r.image)
        lines.append(f"{r.cells()} {difference} |")
    return "\n".join(lines)


def keep(category: Category, results: list[Result]) -> None:
    path = FORMULA_FOLDER / "resnet18.json"
    card = json.loads(path.read_text("utf-8"))
    side = category.test.shape[-1]
    key = f"{category.name}, {category.source}, {side} px, {len(category.train)} training images"
    card.setdefault("figures", {})[key] = {
        r.name: {
            "image_auroc": round(r.image_auroc, 3),
            "interval": [round(r.interval.low, 3), round(r.interval.high, 3)],
            "pixel_auroc": round(r.pixel_auroc, 3),
            "aupro": round(r.aupro, 3),
        }
        for r in results
    }
    with whole_file(path) as work:
        work.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
