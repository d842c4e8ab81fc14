"""Train the promptable segmenter anew, and write its weights and its model card.

Every setting of the training has an option of its own; without any the shipped weights are made
again. A killed run continues from its checkpoint.
"""

import argparse
import time
from dataclasses import fields, replace
from pathlib import Path

import torch

from helpers.formulas.scenes import draw_scenes, draw_textures
from helpers.machine import this_machine
from helpers.paths import data_folder
from helpers.segmentation.promptable import PromptableNetwork
from helpers.segmentation.promptable_pretraining import PretrainingSettings, make_scenes, pretrain


def settings_from(arguments: argparse.Namespace) -> PretrainingSettings:
    given = {f.name: getattr(arguments, f.name) for f in fields(PretrainingSettings)}
    return replace(
        PretrainingSettings(), **{name: value for name, value in given.items() if value is not None}
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    folder = data_folder() / "pretraining"
    parser.add_argument("--checkpoint", type=Path, default=folder / "segmenter.pt")
    parser.add_argument("--folder", type=Path, default=folder, help="where the weights are put")
    for field in fields(PretrainingSettings):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=type(field.default))
    arguments = parser.parse_args()
    settings, machine = settings_from(arguments), this_machine()
    print(f"{settings}\non {machine.describe()}", flush=True)

    start = time.perf_counter()
    scenes = make_scenes(settings)
    print(f"{len(scenes.counts)} scenes, {time.perf_counter() - start:.0f} s", flush=True)

    def say(step: int, loss: float, seconds: float, network: PromptableNetwork) -> None:
        print(f"step {step:6d}  loss {loss:.4f}  {seconds:7.0f} s", flush=True)

    run = pretrain(settings, scenes, arguments.checkpoint, machine=machine, report=say)


if __name__ == "__main__":
    main()
