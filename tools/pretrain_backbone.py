"""Train the formula backbone anew; an hour or two on two cores, minutes on a GPU."""

import argparse
import time
from dataclasses import fields, replace
from pathlib import Path

import torch

from helpers.machine import this_machine
from helpers.places import data_folder
from helpers.pretraining import PretrainingSettings, make_pool, pretrain


def settings_from(arguments: argparse.Namespace) -> PretrainingSettings:
    given = {f.name: getattr(arguments, f.name) for f in fields(PretrainingSettings)}
    return replace(
        PretrainingSettings(), **{name: value for name, value in given.items() if value is not None}
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=data_folder() / "pretraining.pt")
    for field in fields(PretrainingSettings):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=type(field.default))
    arguments = parser.parse_args()
    settings, machine = settings_from(arguments), this_machine()
    print(f"{settings}\non {machine.describe()}", flush=True)

    start = time.perf_counter()
    pool = make_pool(settings)
    print(f"{pool.shape[0] * pool.shape[1]} pictures in {time.perf_counter() - start:.0f} s")

    def say(step: int, loss: float, seconds: float) -> None:
        print(f"step {step:6d}  loss {loss:.4f}  {seconds:7.0f} s", flush=True)

    state, losses = pretrain(settings, pool, arguments.checkpoint, machine=machine, report=say)
    torch.save({"state": state, "losses": losses}, arguments.checkpoint.with_suffix(".trunk.pt"))


if __name__ == "__main__":
    main()
