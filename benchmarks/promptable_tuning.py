"""The promptable segmenter's mask decoder, fine-tuned with few labelled nuts.

python -m benchmarks.promptable_tuning

Both encoders stay frozen. Trained are the pretrained decoder and one with random weights; both are
asked by the boxes of the test nuts' defects. The book's U-Net, which needs no prompt and got none,
has its figures for the same labels in chapter 17.
"""

import argparse

import numpy as np
import pandas as pd

from helpers.data.labelled import labelled_pool
from helpers.data.load import generate_category
from helpers.formulas.scenes import draw_scenes, draw_textures
from helpers.networks.training import TrainingSettings
from helpers.segmentation.promptable_model import Promptable, load_promptable
from helpers.segmentation.promptable_scores import (
    object_ious,
    questions_of,
    questions_of_scenes,
)
from helpers.segmentation.sam_fine_tuning import FineTuning, fine_tune

LABELS = (1, 2, 4, 8, 16)
UNSEEN = 4242
PASSES = 240  # each object is seen that often, divided by the labels of a type


def tuned(weights: str, labels: int, pool: object, names: tuple[str, ...]) -> Promptable:
    model = load_promptable(weights)
    known = pool.first(dict.fromkeys(names, labels))
    settings = FineTuning(
        TrainingSettings(max(8, PASSES // (8 * labels)), 4, 3e-4), prompt_type="box", jitter=0.1
    )
    fine_tune(model, known.images, known.masks, settings)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=int, nargs="+", default=LABELS)
    parser.add_argument("--every", type=int, default=1, help="of the damaged test nuts")
    arguments = parser.parse_args()
    nuts = generate_category(256)
    names = tuple(sorted(set(nuts.defects) - {"good"}))
    pool = labelled_pool(nuts, dict.fromkeys(names, max(arguments.labels)))
    rows = np.flatnonzero(nuts.labels)[:: arguments.every]
    asked = questions_of(nuts.test[rows], nuts.masks[rows])
    scenes = questions_of_scenes(draw_scenes(60, UNSEEN, draw_textures(20, UNSEEN)))
    table = {}
    for weights in ("loose", "random"):
        for labels in (0, *arguments.labels):
            model = tuned(weights, labels, pool, names) if labels else load_promptable(weights)
            table[weights, labels] = row = {
                "nuts": object_ious(model, asked).mean(),
                "formula scenes": object_ious(model, scenes).mean(),
            }
            print(weights, labels, {k: round(v, 3) for k, v in row.items()}, flush=True)
    print(pd.DataFrame(table).T.round(3).to_string())


if __name__ == "__main__":
    main()
