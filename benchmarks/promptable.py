"""The promptable segmenter without any fine-tuning: formula scenes, generated nuts, real parts.

python -m benchmarks.promptable --root FOLDER

asks for every object by the box and by one point of its true mask; every connected region of a
defect's mask is an object. Beside the pretrained weights stand random ones, and the box itself,
filled. ``--keep`` writes the mean IoUs into the model card.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.data.load import generate_category, load_category
from helpers.files import whole_file
from helpers.formulas.scenes import draw_scenes, draw_textures
from helpers.segmentation.promptable_model import FOLDER, WEIGHTS, file_of, load_promptable
from helpers.segmentation.promptable_scores import (
    Questions,
    filled_box_ious,
    object_ious,
    questions_of,
    questions_of_scenes,
)

UNSEEN = 4242  # a seed that no training has
SIZE = 256
TYPES = ("box", "point")


def unseen_scenes(count: int = 150, patterns: int = 40) -> dict[str, Questions]:
    scenes = draw_scenes(count, UNSEEN, draw_textures(patterns, UNSEEN))
    return {kind: questions_of_scenes(scenes, kind) for kind in TYPES}


def of_category(images: np.ndarray, masks: np.ndarray) -> dict[str, Questions]:
    there = masks.any((1, 2))
    return {kind: questions_of(images[there], masks[there], kind) for kind in TYPES}


def sets(root: Path | None) -> Iterator[tuple[str, dict[str, Questions]]]:
    yield "formula scenes, unseen", unseen_scenes()
    nuts = generate_category(SIZE)
    yield "hazelnut, generated", of_category(nuts.test, nuts.masks)
    for name in ("grid", "bottle", "hazelnut") if root else ():
        real = load_category(name, SIZE, root)
        yield f"{name}, MVTec AD", of_category(real.test, real.masks)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, help="folder of MVTec AD's categories")
    parser.add_argument("--side", type=int, help="side in pixels that the network sees")
    parser.add_argument("--keep", action="store_true", help="write the figures into the card")
    arguments = parser.parse_args()
    chosen = {"side": arguments.side} if arguments.side else {}
    models = {kind: load_promptable(kind, **chosen) for kind in WEIGHTS}
    table = {}
    for name, asked in sets(arguments.root):
        row = {"objects": len(asked["box"]), "filled box": filled_box_ious(asked["box"]).mean()}
        for weights, model in models.items():
            seen = model.embed(asked["box"].images)
            for kind, questions in asked.items():
                row[f"{kind}, {weights}"] = object_ious(model, questions, seen).mean()
        table[name] = row
        print(name, {k: round(float(v), 3) for k, v in row.items()}, flush=True)
    print(pd.DataFrame(table).T.round(3).to_string())
    if arguments.keep:
        keep(table)


def keep(table: dict[str, dict[str, float]]) -> None:
    for weights in ("exact", "loose"):
        path = FOLDER / f"{file_of(weights)}.json"
        card = json.loads(path.read_text("utf-8"))
        card["mean_iou"] = {
            name: {key: round(float(value), 3) for key, value in row.items()}
            for name, row in table.items()
        }
        with whole_file(path) as work:
            work.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
