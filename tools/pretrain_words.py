"""Train the detector with words for classes anew, and write its weights and its model card.

Every setting of the training has an option of its own; without any the shipped weights are made
again. A killed run continues from its checkpoint.
"""

import time
from collections.abc import Sequence

import torch

from helpers.detection.words import BODIES, trained_state
from helpers.detection.words_model import NAME
from helpers.detection.words_pretraining import (
    HELD_OUT,
    Lesson,
    WordSettings,
    make_lesson,
    pretrain,
)
from helpers.formulas.captions import WORDS
from helpers.machine import this_machine
from helpers.networks.weights import write_half
from tools.pretraining import asked, how_it_ran, say

# Whoever reads figures on generated nuts should know.
IN_VIEW = (
    "125 generated nuts of a seed of their own and 300 unseen scenes, when body, rules of the "
    "words and texts were chosen; no test nut, no picture of MVTec AD"
)
CANNOT = (
    f"understand a text with any other word than its {len(WORDS)}, or with 'no', 'beside', 'two'",
    "tell a defect from a part's own marks: it finds what looks as the text says",
    "be relied on for objects of a few pixels, or for colours that lie between two words",
    "stand in for YOLO-World: it has seen thousands of drawn scenes, not millions of photographs",
)


def card(
    settings: WordSettings, lesson: Lesson, losses: Sequence[float], seconds: float, machine: str
) -> dict[str, object]:
    objects = sum(map(len, lesson.boxes))
    return {
        "task": "find the objects of which a text of known words is true",
        "words": list(WORDS),
        "data": (
            f"{len(lesson.pictures):,} scenes of {settings.side} px with {objects:,} objects, "
            f"drawn from {settings.textures:,} random patterns and captioned by measurement; no "
            "photograph"
        ),
        "held out": [" ".join(pair) for pair in HELD_OUT],
        "recipe": (
            f"{settings.steps:,} steps of {settings.pictures} scenes × {settings.texts} texts, "
            f"AdamW, learning rate {settings.learning_rate:g}, over the last "
            f"{settings.cooling:,} steps to nothing; the body, {settings.body} with weights "
            f"'{BODIES[settings.body][0]}', is frozen and not in this file"
        ),
        "cannot": list(CANNOT),
        "in view": IN_VIEW,
        **how_it_ran(settings, losses, seconds, machine),
    }


def main() -> None:
    settings, arguments = asked(__doc__, WordSettings, "words.pt")
    machine = this_machine()
    print(f"{settings}\non {machine.describe()}", flush=True)
    start = time.perf_counter()
    lesson = make_lesson(settings, torch.get_num_threads())
    print(f"{len(lesson.pictures)} scenes, {time.perf_counter() - start:.0f} s", flush=True)
    run = pretrain(settings, lesson, arguments.checkpoint, machine=machine, report=say)
    state = trained_state(run.network)
    described = card(settings, lesson, run.losses, run.seconds, machine.describe())
    path = write_half(NAME, state, state, described, arguments.folder)
    print(
        f"written: {path}. To use it, put it and its card into helpers/detection/formula_weights."
    )


if __name__ == "__main__":
    main()
