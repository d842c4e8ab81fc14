"""What a cluster costs, and whether its records are the same.

    .venv/bin/python -m benchmarks.cluster [--tasks 1000] [--workers 2] [--seeds 2]

First so many runs that do nothing, in this process and by workers on this machine: milliseconds a
run beyond the first, records written and all. Then every detector, briefly trained on a few small
nuts, in one process and by the workers, each with one thread: seconds, and which records differ in
anything but time, memory and place.
"""

import importlib
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from benchmarks.common import command_line
from helpers.data.load import generate_category
from helpers.experiments import cluster, engine
from helpers.experiments.cluster import Recipe
from helpers.experiments.detectors import DETECTORS, Variant, every_method, plan
from helpers.experiments.store import Experiment, Plan, Provenance, Record
from helpers.profiles import QUICK

COUNTS = {"train/good": 40, "test/good": 10, "test/crack": 5, "test/hole": 5}
SHORT = replace(QUICK, image_size=128, feature_size=128, epochs=1, least_steps=8, cheap_factor=1)


@dataclass(frozen=True)
class Nothing:
    """The result of a run that does nothing."""

    figure: float = 0.5


NOTHING = Experiment("nothing", Nothing, "python -m benchmarks.cluster")


def idle(count: int) -> Iterator[Plan]:
    for number in range(count):
        yield Plan(
            case={"number": number},
            settings={},
            data={"category": "none", "source": "none", "size": 1},
            revision={},
            work=lambda: (Nothing(), Provenance({"fit": 0.0})),
        )


def detectors(seeds: int) -> Iterator[Plan]:
    torch.set_num_threads(1)
    category = generate_category(SHORT.image_size, COUNTS)
    for seed in range(seeds):
        for spec in every_method(SHORT, COUNTS["train/good"], seed):
            yield plan(category, Variant(spec), seed)


def beside(experiment: Experiment, recipe: Recipe, workers: int) -> tuple[float, float, int]:
    """Return the seconds here and by workers, and how many records differ."""
    with (
        tempfile.TemporaryDirectory() as folder,
        engine.connected(f"local:{workers}") as client,
    ):
        asked = recipe.planned(here=False)
        client.wait_for_workers(workers)
        client.run(importlib.import_module, __name__)
        start = time.perf_counter()
        there = list(cluster.run(client, experiment, Path(folder, "there"), asked))
        middle = time.perf_counter()
        here = list(experiment.run(Path(folder, "here"), recipe.plans()))
        end = time.perf_counter()
    by_case = {str(record.case): what(record) for record in there}
    differing = [one.case for one in here if by_case.pop(str(one.case)) != what(one)]
    for case in differing:
        print(f"differs: {case}")
    return end - middle, middle - start, len(differing) + len(by_case)


def what(record: Record) -> Record:
    """Return a record without what no two runs share."""
    return replace(record, provenance=None)


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=2)
    chosen = parser.parse_args()
    for experiment, plans in (
        (NOTHING, partial(idle, chosen.tasks)),
        (DETECTORS, partial(detectors, chosen.seeds)),
    ):
        recipe = Recipe.here(plans)
        count = len(recipe.planned(here=False))
        one, several, differing = beside(experiment, recipe, chosen.workers)
        print(
            f"{experiment.name}: {count} runs, one process {one:.1f} s ({1e3 * one / count:.1f} ms "
            f"a run), {chosen.workers} workers {several:.1f} s ({1e3 * several / count:.1f} ms), "
            f"{differing} records differ",
            flush=True,
        )


if __name__ == "__main__":
    # Workers shall find this module by its name, not as the program that runs.
    importlib.import_module("benchmarks.cluster").main()
