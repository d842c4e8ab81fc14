"""Train the formula backbone anew, and write its weights and its model card.

Every setting of the training has an option of its own; without any the shipped weights are made
again. A killed run continues from its checkpoint.
"""

import argparse
import time
from dataclasses import asdict, fields, replace
from importlib.metadata import version
from pathlib import Path

from helpers.formulas.pretraining import PretrainingSettings, make_pool, pretrain
from helpers.machine import this_machine
from helpers.networks.weights import write_formula_weights
from helpers.paths import data_folder

# Whoever trains again with this recipe profits from what was seen when it was chosen.
IN_VIEW = (
    "the 78 test images of MVTec AD's grid, while the formulas, the task and the recipe were "
    "chosen: figures on grid are too good by an unknown amount"
)


def settings_from(arguments: argparse.Namespace) -> PretrainingSettings:
    given = {f.name: getattr(arguments, f.name) for f in fields(PretrainingSettings)}
    return replace(
        PretrainingSettings(), **{name: value for name, value in given.items() if value is not None}
    )


def card(
    settings: PretrainingSettings, losses: tuple[float, ...], seconds: float, machine: str
) -> dict[str, object]:
    pictures = settings.formulas * settings.variants
    shown = settings.steps * settings.episodes * settings.views
    hundreds = [losses[i : i + 100] for i in range(0, len(losses), 100)]
    return {
        "layers": ["stem", "layer1", "layer2", "layer3"],
        "task": (
            "find the places of a picture that have no like in other pictures of the same formula, "
            "and name the formula"
        ),
        "data": (
            f"{pictures:,} pictures of {settings.pool_side} px drawn from {settings.formulas:,} "
            "random formulas; no photograph"
        ),
        "recipe": (
            f"{settings.steps:,} steps of {settings.episodes} × {settings.views} crops of "
            f"{settings.side} px ({shown:,} in all), AdamW, learning rate "
            f"{settings.learning_rate:g}, half a cosine"
        ),
        "seed": settings.seed,
        "duration": f"{seconds / 60:.0f} minutes on {machine}",
        "in view": IN_VIEW,
        "licence": "CC0-1.0",
        "settings": asdict(settings),
        "versions": {name: version(name) for name in ("numpy", "scipy", "torch", "torchvision")},
        "losses_by_hundred_steps": [round(sum(part) / len(part), 4) for part in hundreds],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    folder = data_folder() / "pretraining"
    parser.add_argument("--checkpoint", type=Path, default=folder / "checkpoint.pt")
    parser.add_argument("--folder", type=Path, default=folder, help="where the weights are put")
    for field in fields(PretrainingSettings):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=type(field.default))
    arguments = parser.parse_args()
    settings, machine = settings_from(arguments), this_machine()
    print(f"{settings}\non {machine.describe()}", flush=True)

    start = time.perf_counter()
    pool = make_pool(settings)
    print(f"{pool.shape[0] * pool.shape[1]} pictures, {time.perf_counter() - start:.0f} s")

    def say(step: int, loss: float, seconds: float) -> None:
        print(f"step {step:6d}  loss {loss:.4f}  {seconds:7.0f} s", flush=True)

    run = pretrain(settings, pool, arguments.checkpoint, machine=machine, report=say)
    described = card(settings, run.losses, run.seconds, machine.describe())
    path = write_formula_weights("resnet18", run.state, described, arguments.folder)
    print(
        f"written: {path}. To use them, put them and the card into "
        "helpers/networks/formula_weights."
    )


if __name__ == "__main__":
    main()
