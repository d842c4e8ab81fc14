"""Run the experiments of the book that have no record yet, or an old one."""

import argparse
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from helpers.data.load import generate_category, load_category
from helpers.experiments import detection, long_tail, newer, segmentation
from helpers.experiments.detection import DETECTION
from helpers.experiments.detectors import DETECTORS, PARTS, planned
from helpers.experiments.long_tail import LONG_TAIL
from helpers.experiments.long_tail_cases import planned as tail_cases
from helpers.experiments.segmentation import SEGMENTATION
from helpers.experiments.store import Experiment, Plan, Record
from helpers.profiles import Profile, current_profile

Planned = tuple[Experiment, Path, Iterable[Plan]]


def profile_of(chosen: argparse.Namespace) -> Profile:
    profile = current_profile()
    return replace(profile, seeds=tuple(chosen.seeds)) if chosen.seeds else profile


def detectors(chosen: argparse.Namespace) -> Planned:
    profile = profile_of(chosen)
    return (
        DETECTORS,
        DETECTORS.folder(profile.name),
        planned(profile, chosen.parts or tuple(PARTS), chosen.move_to_test, chosen.methods or ()),
    )


def newer_ones(chosen: argparse.Namespace) -> Planned:
    profile = profile_of(chosen)
    plans = newer.planned(profile, chosen.methods or ())
    return newer.NEWER, newer.NEWER.folder(profile.name), plans


def few_photos(chosen: argparse.Namespace) -> Planned:
    profile = profile_of(chosen)
    return newer.FEW, newer.FEW.folder(profile.name), newer.few_planned(profile)


def tail(chosen: argparse.Namespace) -> Planned:
    profile, cases = current_profile(), tail_cases(chosen.seeds or range(10))
    return LONG_TAIL, LONG_TAIL.folder(profile.name), long_tail.plans(profile, cases)


def masks(chosen: argparse.Namespace) -> Planned:
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
    return SEGMENTATION, SEGMENTATION.folder(), segmentation.plans(category, cases)


def boxes(chosen: argparse.Namespace) -> Planned:
    seeds = chosen.seeds or range(3)
    if chosen.folds:
        category = load_category(current_profile().category, size=128)
        plans = [
            detection.in_folds(category, chosen.folds, chosen.epochs, 20, 8, seed) for seed in seeds
        ]
    else:
        plans = detection.few_labels(detection.test_nuts(), seeds)
    return DETECTION, DETECTION.folder(), plans


EXPERIMENTS = {
    "detectors": detectors,
    "newer": newer_ones,
    "few-photos": few_photos,
    "long-tail": tail,
    "segmentation": masks,
    "detection": boxes,
}


def line(record: Record) -> str:
    """Return a record's case and its first figures."""
    case = ", ".join(f"{name} {value}" for name, value in record.case.items() if value)
    figures = {
        name: value for name, value in vars(record.result).items() if isinstance(value, float)
    } | getattr(record.result, "scores", {})
    told = ", ".join(f"{name} {value:.3f}" for name, value in figures.items())
    return f"{case}: {told}; {record.provenance.seconds['fit']:.0f} s to fit"


def main() -> None:
    """Run one of the experiments; with options, part of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("experiment", nargs="?", choices=list(EXPERIMENTS), default="detectors")
    parser.add_argument("--seeds", type=int, nargs="+", help="these, not the experiment's own")
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), help="of the detectors")
    parser.add_argument(
        "--methods", nargs="+", metavar="NAME", help="of the parts; all if left out"
    )
    parser.add_argument(
        "--move-to-test", type=int, default=0, help="training images to test on as good"
    )
    parser.add_argument("--encoder", help="of segmenters, see unet.unet; all if left out")
    parser.add_argument("--folds", type=int, help="learn from a category's own test pictures")
    parser.add_argument("--epochs", type=int, default=20, help="of detection in folds")
    chosen = parser.parse_args()
    experiment, folder, plans = EXPERIMENTS[chosen.experiment](chosen)
    plans = list(plans)
    with tqdm(desc=experiment.name, unit="run", total=len(plans), smoothing=0.1) as bar:
        for record in experiment.run(folder, plans):
            bar.update()
            bar.write(line(record))
    print(f"The records are in book/records/{folder.parent.name}/{folder.name}.")


if __name__ == "__main__":
    main()
