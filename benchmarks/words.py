"""The detector with words for classes: on unseen scenes, on nuts zero-shot, and fine-tuned.

python -m benchmarks.words --keep

Beside the learned words stand words that have changed their vectors, and random weights. The texts
for the nuts' defects are chosen among a few that describe them, on nuts that are in no test and no
training here. ``--keep`` writes the figures into the model card, which chapter 16 reads.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from helpers.annotations import annotate
from helpers.data.category import Category
from helpers.detection.boxes import Boxes, true_boxes
from helpers.detection.word_scores import (
    HELD_OUT_TEXTS,
    common_words,
    rare_compositions,
    shuffled,
    text_precision,
    true_boxes_of,
)
from helpers.detection.words_model import FOLDER, NAME, WordDetector, load_words
from helpers.experiments import detection
from helpers.files import whole_file
from helpers.formulas.captions import draw_captioned
from helpers.formulas.scenes import draw_textures
from helpers.hazelnuts.defects import DEFECT_TYPES
from helpers.networks.training import TrainingSettings

UNSEEN = 4242  # a seed that no training has
CHOOSING = 5  # of the nuts on which texts are chosen; those learned from have 0, 1 and 2
SEEDS, ORDERS = (0, 1, 2), 3
# Learning rate of fine-tuning: from random weights that of chapter 16's detector.
RATES = {"learned": 1e-3, "random weights": 3e-3}
CANDIDATES = {
    "crack": ("dark line", "dark rough line", "dark rough"),
    "cut": ("bright line", "brown line", "thin bright line"),
    "hole": ("small spot", "small dark spot", "small rough spot"),
    "print": ("bright patch", "white patch", "bright rough patch"),
}
Score = Callable[..., dict[str, float]]


def mean(values: dict[str, float]) -> float:
    return float(np.mean(list(values.values())))


def boxes_of(category: Category) -> list[Boxes]:
    return true_boxes(annotate(category, detection.RULES))


def choose(model: WordDetector) -> dict[str, str]:
    """Return for each defect the text that finds it best, on nuts for nothing else."""
    nuts = detection.labelled_nuts(25, CHOOSING)
    true, best = boxes_of(nuts), {}
    for label, (defect, texts) in enumerate(CANDIDATES.items()):
        alike = [b.keep(b.labels == label) for b in true]
        found = {
            text: text_precision(
                model, nuts.test, [_as_class_0(b) for b in alike], (text,)
            )[text]
            for text in texts
        }  # fmt: skip
        best[defect] = max(found, key=found.get)
        print(defect, {text: round(value, 3) for text, value in found.items()}, flush=True)
    return best


def _as_class_0(boxes: Boxes) -> Boxes:
    return Boxes(boxes.corners, np.zeros_like(boxes.labels), boxes.scores)


def scene_scores(count: int) -> Score:
    known = draw_captioned(count, UNSEEN, draw_textures(60, UNSEEN))
    asked = {
        "words": common_words(known),
        "compositions seen": rare_compositions(known),
        "compositions held out": HELD_OUT_TEXTS,
    }
    true = {name: true_boxes_of(known, texts) for name, texts in asked.items()}
    print({name: list(texts) for name, texts in asked.items()})

    def score(model: WordDetector, parts: Sequence[str] = tuple(asked)) -> dict[str, float]:
        return {
            name: mean(text_precision(model, known.pictures, true[name], asked[name]))
            for name in parts
        }

    return score


def nut_scores(texts: Sequence[str]) -> Score:
    nuts = detection.test_nuts()
    true = boxes_of(nuts)

    def score(model: WordDetector) -> dict[str, float]:
        found = text_precision(model, nuts.test, true, texts)
        named = dict(zip(DEFECT_TYPES, found.values(), strict=True))
        return named | {"mean": mean(named)}

    return score


def beside(model: WordDetector, score: Score) -> dict[str, dict[str, float]]:
    """Score the model, the mean of some shufflings of its words, and random weights."""
    orders = [score(shuffled(model, seed)) for seed in range(ORDERS)]
    return {
        "learned": score(model),
        "words shuffled": {name: float(np.mean([o[name] for o in orders])) for name in orders[0]},
        "random weights": score(load_words("random")),
    }


def tuned(
    model: WordDetector,
    pool: Category,
    each: int,
    texts: Sequence[str],
    training: TrainingSettings,
) -> WordDetector:
    """Train on with the labels, and as many steps, as chapter 16's detector had."""
    rows = detection.first_of_each(pool, each)
    batch = min(detection.BATCH, len(rows))
    epochs = max(1, round(detection.STEPS / -(-len(rows) // batch)))
    boxes = boxes_of(pool)
    training = replace(training, epochs=epochs, batch_size=batch)
    return model.fine_tuned(pool.test[rows], [boxes[row] for row in rows], texts, training)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=300)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--shots", type=int, nargs="+", default=detection.SHOTS)
    parser.add_argument("--keep", action="store_true", help="write the figures into the card")
    arguments = parser.parse_args()
    model = load_words()
    texts = choose(model)
    on_scenes, on_nuts = scene_scores(arguments.scenes), nut_scores(list(texts.values()))
    measured = {
        "texts": texts,
        "scenes": beside(model, on_scenes),
        "nuts": beside(model, on_nuts),
        "fine-tuned": {},
    }
    print(json.dumps(_rounded(measured), indent=1), flush=True)
    pools = {seed: detection.labelled_nuts(max(arguments.shots), seed) for seed in arguments.seeds}
    for start, begin in {"learned": model, "random weights": load_words("random")}.items():
        runs = measured["fine-tuned"][start] = {}
        for each in arguments.shots:
            found = []
            for seed, pool in pools.items():
                training = TrainingSettings(learning_rate=RATES[start], seed=seed)
                one = tuned(begin, pool, each, list(texts.values()), training)
                found.append(
                    {"nuts": on_nuts(one)["mean"], "scenes": on_scenes(one, ["words"])["words"]}
                )
                print(start, each, "labels, seed", seed, _rounded(found[-1]), flush=True)
            runs[str(each)] = {name: [row[name] for row in found] for name in found[0]}
    if arguments.keep:
        keep(measured)


def keep(measured: dict[str, object]) -> None:
    path = FOLDER / f"{NAME}.json"
    card = json.loads(path.read_text("utf-8")) | {
        "AP50": _rounded(measured),
        "AP50 from": f"python -m benchmarks.words --keep, {date.today().isoformat()}",
    }
    with whole_file(path) as work:
        work.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return round(value, 3) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
