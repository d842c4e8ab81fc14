"""PatchCore with every backbone at hand, on the same images: formula, five random seeds, ImageNet.

    .venv/bin/python benchmarks/backbones.py                                # generated hazelnuts
    MVTEC_ROOT=… .venv/bin/python benchmarks/backbones.py grid --size 256   # a real category
    … --other squeezenet1_1=FILE --layers …      # one more network, its weights from a file
    … --card                                     # keep the figures in the weights' model card

Prints a table in Markdown. A category with very few good test images can use some of its
training images: --move-to-test 12 moves the last twelve to the test set.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from helpers.data.category import Category, move_to_test
from helpers.data.load import load_category
from helpers.detectors.memory.patchcore import PatchCoreDetector, PatchCoreSettings
from helpers.errors import DataError
from helpers.files import whole_file
from helpers.metrics.image import auroc_interval, image_auroc, paired_difference
from helpers.metrics.pixel import pixel_report
from helpers.networks.backbone import Backbone, backbone
from helpers.networks.weights import FORMULA_FOLDER

RANDOM_SEEDS = range(5)


@dataclass(frozen=True)
class Result:
    name: str
    image: np.ndarray
    image_auroc: float
    low: float
    high: float
    pixel_auroc: float
    aupro: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("category", nargs="?", default="hazelnut")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--move-to-test", type=int, default=0)
    parser.add_argument("--root", type=Path)
    parser.add_argument("--other", metavar="ARCHITECTURE=FILE")
    parser.add_argument("--layers", help="of the other network, with commas")
    parser.add_argument("--card", action="store_true")
    arguments = parser.parse_args()

    category = move_to_test(
        load_category(arguments.category, arguments.size, arguments.root), arguments.move_to_test
    )
    results = []
    for name, network in networks(arguments):
        results.append(measure(name, network, category))
        print(f"{name}: {results[-1].image_auroc:.3f}", flush=True)
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


def measure(name: str, network: Backbone, category: Category) -> Result:
    detector = PatchCoreDetector(PatchCoreSettings(), network).fit(category.train)
    scores = detector.predict(category.test)
    interval = auroc_interval(category.labels, scores.image)
    pixels = pixel_report(category.masks, scores.maps)
    return Result(
        name,
        scores.image,
        image_auroc(category.labels, scores.image),
        interval.low,
        interval.high,
        pixels.auroc,
        pixels.aupro,
    )


def table(category: Category, results: list[Result]) -> str:
    formula = results[0]
    lines = [
        "| backbone | image AUROC (95 %) | pixel AUROC | AUPRO | formula minus this, image AUROC |",
        "|---|---|---|---|---|",
    ]
    for r in results:
        difference = ""
        if r is not formula:
            gap, interval = paired_difference(category.labels, formula.image, r.image)
            difference = f"{gap:+.3f} ({interval.low:+.3f} to {interval.high:+.3f})"
        lines.append(
            f"| {r.name} | {r.image_auroc:.3f} ({r.low:.3f}–{r.high:.3f}) | {r.pixel_auroc:.3f} "
            f"| {r.aupro:.3f} | {difference} |"
        )
    return "\n".join(lines)


def keep(category: Category, results: list[Result]) -> None:
    path = FORMULA_FOLDER / "resnet18.json"
    card = json.loads(path.read_text("utf-8"))
    side = category.test.shape[-1]
    key = f"{category.name}, {category.source}, {side} px, {len(category.train)} training images"
    card.setdefault("figures", {})[key] = {
        r.name: {
            "image_auroc": round(r.image_auroc, 3),
            "interval": [round(r.low, 3), round(r.high, 3)],
            "pixel_auroc": round(r.pixel_auroc, 3),
            "aupro": round(r.aupro, 3),
        }
        for r in results
    }
    with whole_file(path) as work:
        work.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
