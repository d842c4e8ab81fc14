"""Train the promptable segmenter anew, and write its weights and its model card.

Every setting of the training has an option of its own; without any the shipped weights are made
again. A killed run continues from its checkpoint.
"""

import time
from collections.abc import Sequence
from dataclasses import replace

import torch

from helpers.formulas.scenes import Scenes
from helpers.machine import this_machine
from helpers.networks.weights import write_half
from helpers.segmentation.promptable_model import file_of
from helpers.segmentation.promptable_pretraining import (
    CLOSINGS,
    MARGINS,
    PretrainingSettings,
    make_scenes,
    pretrain,
)
from tools.pretraining import asked, how_it_ran, say

# Whoever reads figures on generated nuts should know.
IN_VIEW = (
    "18 damaged test nuts of the generated hazelnuts, when the loose steps were added; and the "
    "mean IoU of earlier weights on MVTec AD's grid, .40, when the loose masks' gaps were filled"
)
CANNOT = (
    "say what an object is, or whether it is a defect; it outlines what a prompt points at",
    "be relied on where the prompt is rough: from one point it may outline a part for the whole",
    "follow what is thinner than a pixel or two of the pictures that it sees (a side of 192)",
    "know how far beyond a defect's edge annotators draw: a tight box hints at it, a point not",
    "outline damage of a regular pattern: on MVTec AD's grid the filled box is better",
    "stand in for SAM: it has seen thousands of drawn scenes, SAM eleven million photographs",
)


def card(
    settings: PretrainingSettings,
    scenes: Scenes,
    losses: Sequence[float],
    seconds: float,
    machine: str,
) -> dict[str, object]:
    asked = (settings.steps + settings.loose) * settings.pictures * settings.objects
    objects = int(scenes.counts.sum())
    margins = (
        f"then {settings.loose:,} with masks as people draw them: many reach up to {max(MARGINS)} "
        f"pixels beyond their object, or fill its gaps of up to {2 * max(CLOSINGS)} pixels; "
        if settings.loose
        else ""
    )
    return {
        "task": "outline the object that a box or some points mean",
        "data": (
            f"{len(scenes.counts):,} scenes of {settings.side} px with {objects:,} objects, drawn "
            f"from {settings.textures:,} random patterns; no photograph"
        ),
        "recipe": (
            f"{settings.steps:,} steps of {settings.pictures} scenes × {settings.objects} objects "
            f"({asked:,} prompts in all), easy scenes first, AdamW, learning rate "
            f"{settings.learning_rate:g}, over the last {settings.cooling:,} steps to nothing; "
            f"{margins}the network sees {settings.seen_side} px; EfficientNet-Lite0 frozen, with "
            "ImageNet weights, which are not in this file"
        ),
        "cannot": list(CANNOT),
        "in view": IN_VIEW,
        **how_it_ran(settings, losses, seconds, machine),
    }


def main() -> None:
    settings, arguments = asked(__doc__, PretrainingSettings, "segmenter.pt")
    machine = this_machine()
    print(f"{settings}\non {machine.describe()}", flush=True)

    start = time.perf_counter()
    scenes = make_scenes(settings, torch.get_num_threads())
    print(f"{len(scenes.counts)} scenes, {time.perf_counter() - start:.0f} s", flush=True)

    # The weights for exact masks are those before the loose ones; the run then goes on.
    for weights, part in (("exact", replace(settings, loose=0)), ("loose", settings)):
        run = pretrain(part, scenes, arguments.checkpoint, machine=machine, report=say)
        state, name = run.network.trained_state(), file_of(weights)
        described = card(part, scenes, run.losses, run.seconds, machine.describe())
        path = write_half(name, state, described, arguments.folder)
        print(f"written: {path}")
    print("To use them, put them and the cards into helpers/segmentation/formula_weights.")


if __name__ == "__main__":
    main()
