"""Train the formula backbone anew, and write its weights and its model card.

Every setting of the training has an option of its own; without any the shipped weights are made
again. A killed run continues from its checkpoint.
"""

import time

from helpers.formulas.pretraining import PretrainingSettings, make_pool, pretrain
from helpers.machine import this_machine
from helpers.networks.weights import write_formula_weights
from tools.pretraining import asked, how_it_ran, say

# Whoever trains again with this recipe profits from what was seen when it was chosen.
IN_VIEW = (
    "the 78 test images of MVTec AD's grid, while the formulas, the task and the recipe were "
    "chosen: figures on grid are too good by an unknown amount"
)


def card(
    settings: PretrainingSettings, losses: tuple[float, ...], seconds: float, machine: str
) -> dict[str, object]:
    pictures = settings.formulas * settings.variants
    shown = settings.steps * settings.episodes * settings.views
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
        "in view": IN_VIEW,
        **how_it_ran(settings, losses, seconds, machine),
    }


def main() -> None:
    settings, arguments = asked(__doc__, PretrainingSettings, "checkpoint.pt")
    machine = this_machine()
    print(f"{settings}\non {machine.describe()}", flush=True)

    start = time.perf_counter()
    pool = make_pool(settings)
    print(f"{pool.shape[0] * pool.shape[1]} pictures, {time.perf_counter() - start:.0f} s")

    run = pretrain(settings, pool, arguments.checkpoint, machine=machine, report=say)
    described = card(settings, run.losses, run.seconds, machine.describe())
    path = write_formula_weights("resnet18", run.state, described, arguments.folder)
    print(
        f"written: {path}. To use them, put them and the card into "
        "helpers/networks/formula_weights."
    )


if __name__ == "__main__":
    main()
