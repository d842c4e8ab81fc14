"""Run the experiments of the book that have no record yet, or an old one.

With ``ONE_BAD_NUT_CLUSTER`` in several processes or on several machines.
"""

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from tqdm import tqdm

from helpers.data.load import generate_category, load_category
from helpers.data.mvtec import CATEGORIES
from helpers.detectors import catalogue
from helpers.errors import DataError
from helpers.experiments import (
    cluster,
    detection,
    engine,
    long_tail,
    newer,
    paper_recipe,
    promptable,
    segmentation,
)
from helpers.experiments.categories import over_categories
from helpers.experiments.cluster import ClusterError, Recipe
from helpers.experiments.detection import DETECTION
from helpers.experiments.detectors import DETECTORS, PARTS, planned
from helpers.experiments.long_tail import LONG_TAIL
from helpers.experiments.long_tail_cases import planned as tail_cases
from helpers.experiments.segmentation import SEGMENTATION
from helpers.experiments.store import Experiment, Plan, Record
from helpers.metrics.report import Report
from helpers.profiles import QUICK, Profile, current_profile


def profile_of(chosen: argparse.Namespace) -> Profile:
    profile = current_profile()
    return replace(profile, seeds=tuple(chosen.seeds)) if chosen.seeds else profile


def detectors(chosen: argparse.Namespace) -> Iterable[Plan]:
    parts = chosen.parts or tuple(PARTS)
    return planned(profile_of(chosen), parts, chosen.move_to_test, chosen.methods or ())


def newer_ones(chosen: argparse.Namespace) -> Iterable[Plan]:
    return newer.planned(profile_of(chosen), chosen.methods or ())


def few_photos(chosen: argparse.Namespace) -> Iterable[Plan]:
    return newer.few_planned(profile_of(chosen))


def tail(chosen: argparse.Namespace) -> Iterable[Plan]:
    return long_tail.plans(current_profile(), tail_cases(chosen.seeds or range(10)))


def recipe(chosen: argparse.Namespace) -> Iterable[Plan]:
    cases = paper_recipe.recipe_cases(chosen.seeds or range(10))
    return paper_recipe.plans(current_profile(), cases)


def masks(chosen: argparse.Namespace) -> Iterable[Plan]:
    seeds, encoder = chosen.seeds or range(3), chosen.encoder
    small = segmentation.SETTINGS.encoder
    if chosen.folds:
        category = load_category(current_profile().category, size=256)
        cases = [segmentation.MaskCase(None, "", encoder or small, chosen.folds, s) for s in seeds]
    else:
        category = generate_category(256)
        encoders = [encoder] if encoder else [small, segmentation.PRETRAINED]
        cases = [case for each in encoders for case in segmentation.curve(seeds, each)]
        if small in encoders:
            cases += segmentation.types_left_out()
    return segmentation.plans(category, cases)


def prompted(chosen: argparse.Namespace) -> Iterable[Plan]:
    cases = promptable.cases(chosen.seeds or range(3), chosen.methods or promptable.MODELS)
    return promptable.plans(generate_category(256), catalogue.patchcore(QUICK), cases)


def boxes(chosen: argparse.Namespace) -> Iterable[Plan]:
    seeds = chosen.seeds or range(3)
    if chosen.folds:
        category = load_category(current_profile().category, size=128)
        return [
            detection.in_folds(category, chosen.folds, chosen.epochs, 20, 8, seed) for seed in seeds
        ]
    return detection.few_labels(detection.test_nuts(), seeds)


EXPERIMENTS = {
    "detectors": (DETECTORS, detectors),
    "newer": (newer.NEWER, newer_ones),
    "few-photos": (newer.FEW, few_photos),
    "long-tail": (LONG_TAIL, tail),
    "paper-recipe": (paper_recipe.PAPER_RECIPE, recipe),
    "segmentation": (SEGMENTATION, masks),
    "promptable": (promptable.PROMPTABLE, prompted),
    "detection": (DETECTION, boxes),
}
# Whatever the profile, they do the same.
ONE_PROFILE = (SEGMENTATION, promptable.PROMPTABLE, DETECTION)


def line(record: Record) -> str:
    """Return a record's case and its first figures."""
    case = ", ".join(f"{name} {value}" for name, value in record.case.items() if value)
    figures = {
        name: value for name, value in vars(record.result).items() if isinstance(value, float)
    } | getattr(record.result, "scores", {})
    told = ", ".join(f"{name} {value:.3f}" for name, value in figures.items())
    return f"{case}: {told}; {record.provenance.seconds['fit']:.0f} s to fit"


def recipes(chosen: argparse.Namespace) -> Iterator[Recipe]:
    """Yield how to plan the runs of each category, whose name is in the environment by then."""
    names = CATEGORIES if chosen.categories == ["all"] else chosen.categories
    for name in names or [current_profile().category]:
        os.environ["ONE_BAD_NUT_CATEGORY"] = name
        yield Recipe.here(partial(EXPERIMENTS[chosen.experiment][1], chosen))


def make(
    experiment: Experiment, folder: Path, asked: list[tuple[Recipe, Plan]], client: Any
) -> None:
    """Make the records that are missing, and show how far it is."""
    kept = [experiment.kept(folder, plan) for _, plan in asked]
    for record in filter(None, kept):
        print(line(record))
    missing = [one for one, record in zip(asked, kept, strict=True) if record is None]
    if client:
        records = cluster.run(client, experiment, folder, missing, tqdm.write)
    else:
        records = experiment.run(folder, (plan for _, plan in missing))
    done, total = len(asked) - len(missing), len(asked)
    with tqdm(desc=experiment.name, unit="run", initial=done, total=total, smoothing=0.1) as bar:
        for record in records:
            bar.update()
            bar.write(line(record))


def main() -> None:
    """Run one of the experiments; with options, part of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("experiment", nargs="?", choices=list(EXPERIMENTS), default="detectors")
    parser.add_argument("--seeds", type=int, nargs="+", help="these, not the experiment's own")
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), help="of the detectors")
    parser.add_argument(
        "--methods", nargs="+", metavar="NAME", help="of those there are; all if left out"
    )
    parser.add_argument(
        "--move-to-test", type=int, default=0, help="training images to test on as good"
    )
    parser.add_argument(
        "--categories",
        nargs="+",
        metavar="NAME",
        help="of MVTec AD, or all; the profile's if left out",
    )
    parser.add_argument("--encoder", help="of segmenters, see unet.unet; all if left out")
    parser.add_argument("--folds", type=int, help="learn from a category's own test pictures")
    parser.add_argument("--epochs", type=int, default=20, help="of detection in folds")
    chosen = parser.parse_args()
    experiment, _ = EXPERIMENTS[chosen.experiment]
    own = experiment in ONE_PROFILE
    folder = experiment.folder() if own else experiment.folder(current_profile().name)
    where, shown = os.environ.get(engine.VARIABLE), set()
    try:
        with engine.connected(where) if where else nullcontext() as client:
            batches = (recipe.planned(here=client is None) for recipe in recipes(chosen))
            # A cluster gets all at once; here one category's pictures are in memory at a time.
            for asked in [list(chain(*batches))] if client else batches:
                make(experiment, folder, asked, client)
                shown |= {(plan.data["category"], plan.data["source"]) for _, plan in asked}
    except (DataError, ClusterError) as error:
        sys.exit(str(error))
    if chosen.categories and experiment.result is Report:
        found = experiment.load(folder)
        records = [one for one in found if (one.data["category"], one.data["source"]) in shown]
        for figure in ("image_auroc", "aupro"):
            table = over_categories(records, figure)
            print(f"\n{figure}, mean over seeds:\n{table.to_string(float_format='{:.3f}'.format)}")
    print(f"The records are in book/records/{folder.parent.name}/{folder.name}.")


if __name__ == "__main__":
    main()
