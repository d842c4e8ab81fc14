"""All attempts, strategies and ablations over several seeds."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from helpers.data.category import Category, move_to_test, split_good
from helpers.data.load import generate_category, load_category
from helpers.detectors import catalogue
from helpers.detectors.base import Detector
from helpers.detectors.catalogue import DetectorSpec
from helpers.detectors.reconstruction.autoencoder import AutoencoderDetector, AutoencoderSettings
from helpers.detectors.reconstruction.feature_autoencoder import FeatureReconstructionDetector
from helpers.detectors.reconstruction.pretrained_autoencoder import PixelReconstructionDetector
from helpers.detectors.reconstruction.skip_autoencoder import SkipAutoencoderDetector
from helpers.detectors.self_supervision.cutpaste import CutPasteDetector
from helpers.detectors.self_supervision.patch_cutpaste import PatchCutPasteDetector
from helpers.errors import did_you_mean
from helpers.experiments.cost import (
    bytes_on_disk,
    median_seconds,
    parameter_count,
    peak_memory,
    timed,
)
from helpers.experiments.store import Experiment, Plan, Provenance, Record, data_of, revisions
from helpers.hazelnuts.render import MVTEC_COUNTS
from helpers.metrics.report import Report, evaluate
from helpers.networks.training import TrainingSettings
from helpers.plain import plain
from helpers.profiles import Profile

DETECTORS = Experiment("detectors", Report, "make results")
# Their scores depend on the weights of a pretrained network more than on anything else.
PRETRAINED = (
    "Feature reconstruction",
    "PatchCore",
    "Contrastive memory",
    "FastFlow",
    "Student–teacher",
)
RATES, EPOCHS = (1e-4, 3e-4, 1e-3), (5, 10, 20, 50)  # of the baseline's budgets
# Channels and side of the baseline's codes: from 64 numbers to more than the picture itself has.
CODES = ((1, 8), (4, 8), (16, 8), (64, 8), (16, 32), (16, 64), (64, 64))
HELD_OUT = 0.15  # of the good training images, for the threshold
# How many good pictures there may be at first, and what needs no training to learn from them.
FEW_GOOD = (10, 40, 100)
UNTRAINED = ("Feature reconstruction", "PatchCore")
MORE_NUTS = 4  # times as many generated test images of each class
MANY_CHANGES = ("ablations", "code")  # parts
LENT = re.compile(r", (\d+) lent$")  # see ``category.move_to_test``


@dataclass(frozen=True)
class Variant:
    """A method, or one with something changed.

    Attributes
    ----------
    spec
        Makes the detector; its name is the method's.
    changed
        What is changed, such as ``{"batch size": "32"}``; empty for the method itself.
    images
        How many of the training images it gets, held-out ones included; all by default.
    tests
        How many times as many test images it is tested on, the category's own among them. More
        than 1 only where images are generated.
    """

    spec: DetectorSpec
    changed: dict[str, str] = field(default_factory=dict)
    images: int | None = None
    tests: int = 1


def ablations(profile: Profile, images: int, seed: int = 0) -> list[Variant]:
    """Return one ablation for each factor that the assignment names, after the attempts unchanged.

    The unchanged value of "skips without corruption" is the ablation without corruption.
    """
    size, first = profile.image_size, catalogue.baseline(profile, images, seed)
    last = catalogue.skips(profile, images, seed)
    crops = catalogue.patch_cutpaste(profile, images, seed)
    seen = catalogue.features(profile, seed)
    training = first.training

    def variant(
        factor: str, value: str, number: int, name: str, kind: Callable, settings: object
    ) -> Variant:
        side = profile.feature_size if kind is FeatureReconstructionDetector else size
        return Variant(DetectorSpec(name, side, lambda: kind(settings), number), {factor: value})

    def baseline(factor: str, value: str, **changes: float) -> Variant:
        s = replace(first, training=replace(training, **changes))
        return variant(factor, value, 1, "Baseline autoencoder", AutoencoderDetector, s)

    def repair(factor: str, value: str, **changes: object) -> Variant:
        s = replace(last, **changes)
        return variant(factor, value, 4, "SSIM, multi-scale, skips", SkipAutoencoderDetector, s)

    def cut(value: str, defect_type: str) -> Variant:
        s = replace(crops, defect_types=(defect_type,))
        return variant("augmentation", value, 3, "CutPaste, patch-wise", PatchCutPasteDetector, s)

    changes = [
        variant(
            "pretraining", "random weights", 2, "Feature reconstruction",
            FeatureReconstructionDetector, replace(seen, weights="random"),
        ),
        cut("patch only", "patch"),
        cut("scar only", "scar"),
        repair("loss", "colour only", ssim_share=0.0),
        repair("loss", "SSIM only", ssim_share=1.0),
        repair("skips", "none", skips=()),
        repair("skips", "three", skips=(0, 1, 2)),
        repair("augmentation", "none", corruptions=()),
        repair("skips without corruption", "three", skips=(0, 1, 2), corruptions=()),
        repair("scales", "1", scales=1),
        baseline("learning rate", f"{training.learning_rate / 10:g}",
                 learning_rate=training.learning_rate / 10),
        baseline("batch size", f"{2 * training.batch_size}", batch_size=2 * training.batch_size),
        baseline("epochs", f"{max(1, training.epochs // 2)}", epochs=max(1, training.epochs // 2)),
        baseline("epochs", f"{2 * training.epochs}", epochs=2 * training.epochs),
    ]  # fmt: skip
    changed = {change.spec.name for change in changes}
    unchanged = [one for one in _attempts(profile, images, seed) if one.spec.name in changed]
    return [*unchanged, *changes]


def every_method(profile: Profile, images: int, seed: int) -> list[DetectorSpec]:
    """Return the attempts, then the strategies."""
    run = (profile, images, seed)
    return [*catalogue.all_attempts(*run), *catalogue.all_strategies(*run)]


def _attempts(profile: Profile, images: int, seed: int) -> list[Variant]:
    return [Variant(one) for one in catalogue.all_attempts(profile, images, seed)]


def _strategies(profile: Profile, images: int, seed: int) -> list[Variant]:
    return [Variant(one) for one in catalogue.all_strategies(profile, images, seed)]


def other_weights(profile: Profile, images: int, seed: int = 0) -> list[Variant]:
    """Return the methods that look through a pretrained network, with formula weights."""
    formula = replace(profile, weights="formula")
    specs = every_method(formula, images, seed)
    return [Variant(spec, {"weights": "formula"}) for spec in specs if spec.name in PRETRAINED]


def equal_size(profile: Profile, images: int, seed: int = 0) -> list[Variant]:
    """Return the methods that have larger pictures, on ones as small as the others'."""
    if profile.feature_size == profile.image_size:
        return []
    small = replace(profile, feature_size=profile.image_size)
    specs = every_method(small, images, seed)
    changed = {"picture size": str(profile.image_size)}
    return [Variant(spec, changed) for spec in specs if spec.name in PRETRAINED]


def assignment(profile: Profile, images: int, seed: int = 0) -> list[Variant]:
    """Return the four attempts, trained as the assignment says: Adam, 1e-4, 50 epochs, batch 16.

    Networks and pictures are the profile's.
    """
    training = TrainingSettings(epochs=50, batch_size=16, learning_rate=1e-4, seed=seed)
    run, size = (profile, images, seed), profile.image_size
    attempts = (
        (1, "Baseline autoencoder", AutoencoderDetector, catalogue.baseline(*run)),
        (2, "Pretrained encoder", PixelReconstructionDetector, catalogue.pixels(*run)),
        (3, "CutPaste", CutPasteDetector, catalogue.cutpaste(*run)),
        (4, "SSIM, multi-scale, skips", SkipAutoencoderDetector, catalogue.skips(*run)),
    )
    return [
        Variant(
            DetectorSpec(name, size, partial(kind, replace(settings, training=training)), number),
            {"training": "the assignment's"},
        )
        for number, name, kind, settings in attempts
    ]


def budgets(profile: Profile, images: int, seed: int = 0) -> list[Variant]:
    """Return the baseline with every learning rate and every number of epochs of a grid."""
    first = catalogue.baseline(profile, images, seed)
    return [
        _baseline(
            profile,
            replace(first, training=replace(first.training, learning_rate=rate, epochs=epochs)),
            {"learning rate": f"{rate:g}", "epochs": str(epochs)},
        )
        for rate in RATES
        for epochs in EPOCHS
    ]


def code_widths(profile: Profile, images: int, seed: int = 0) -> list[Variant]:
    """Return the baseline with codes of few numbers up to more than its pictures have."""
    first = catalogue.baseline(profile, images, seed)
    return [
        _baseline(
            profile,
            replace(first, code_channels=channels, code_side=side),
            {"code": f"{channels} × {side} × {side}"},
        )
        for channels, side in CODES
    ]


def _baseline(profile: Profile, settings: AutoencoderSettings, changed: dict[str, str]) -> Variant:
    detector = partial(AutoencoderDetector, settings)
    return Variant(DetectorSpec("Baseline autoencoder", profile.image_size, detector, 1), changed)


def few_good(profile: Profile, images: int, seed: int = 0) -> list[Variant]:
    """Return what trains no network, with ten, forty and a hundred good pictures."""
    return [
        Variant(spec, {"good images": str(count)}, count)
        for count in FEW_GOOD
        for spec in every_method(profile, images, seed)
        if spec.name in UNTRAINED
    ]


def more_nuts(profile: Profile, images: int, seed: int = 0) -> list[Variant]:
    """Return every method, tested on more generated nuts: intervals become narrower."""
    changed = {"test images": f"times {MORE_NUTS}"}
    return [Variant(spec, changed, tests=MORE_NUTS) for spec in every_method(profile, images, seed)]


PARTS = {
    "attempts": _attempts,
    "strategies": _strategies,
    "ablations": ablations,
    "weights": other_weights,
    "equal size": equal_size,
    "assignment": assignment,
    "budgets": budgets,
    "code": code_widths,
    "few": few_good,
    "more nuts": more_nuts,
}


def planned(
    profile: Profile,
    parts: Sequence[str] = tuple(PARTS),
    moved: int = 0,
    methods: Sequence[str] = (),
) -> Iterator[Plan]:
    """Plan every run: part by part, and in each seed by seed.

    Parameters
    ----------
    profile
        Category, sizes, seeds and settings.
    parts
        Which of ``PARTS`` to run.
    moved
        How many training images serve as further good test images; see ``category.move_to_test``.
    methods
        Which of the parts' methods, by name; all when there are none.

    Raises
    ------
    ValueError
        When a part is none of ``PARTS``, or a method is in none of them.
    DataError
        When the category cannot be loaded.
    """
    for part in parts:
        if part not in PARTS:
            raise ValueError(f"there is no part '{part}'. {did_you_mean(part, PARTS)}")
    known = names_of(profile, parts)
    for name in methods:
        if name not in known:
            raise ValueError(f"there is no method '{name}'. {did_you_mean(name, known)}")
    first = move_to_test(load_category(profile.category, size=profile.image_size), moved)
    images, most = len(split_good(first.train, HELD_OUT)[0]), len(first.train)
    chosen = {
        (variant.spec.name, *variant.changed.items(), seed): (variant, seed)
        for part in parts
        for seed in seeds_of(profile, part)
        for variant in PARTS[part](profile, images, seed)
        if variant.spec.name in (methods or known)
        and (variant.images or 0) <= most
        and (variant.tests == 1 or first.source == "generated")
    }.values()
    categories = {(profile.image_size, 1): first}
    for size, tests in {(variant.spec.size, variant.tests) for variant, _ in chosen}:
        if tests > 1:
            categories[size, tests] = with_more_tests(size, tests)
        elif (size, 1) not in categories:
            own = load_category(profile.category, size=size)
            categories[size, 1] = move_to_test(own, moved)
    return (
        plan(categories[variant.spec.size, variant.tests], variant, seed)
        for variant, seed in chosen
    )


def seeds_of(profile: Profile, part: str) -> tuple[int, ...]:
    """Return the seeds of a part: twice as many where many changes are compared at once.

    The interval of a difference between two trainings falls with their number, and the more
    comparisons are made together, the more each has to be sure.
    """
    seeds = profile.seeds
    return (*seeds, *(seed + 1 + max(seeds) for seed in seeds)) if part in MANY_CHANGES else seeds


def with_more_tests(size: int, times: int) -> Category:
    """Generate the book's nuts with so many times as many test images of each class."""
    counts = {
        name: count * (times if name.startswith("test/") else 1)
        for name, count in MVTEC_COUNTS.items()
    }
    return generate_category(size, counts)


def plan(category: Category, variant: Variant, seed: int) -> Plan:
    """Plan the run of one variant on one category."""
    detector = variant.spec.detector()
    if variant.images is not None:
        category = with_few_good(category, variant.images, seed)
    return Plan(
        case={"method": variant.spec.name, "variant": variant.changed, "seed": seed},
        settings=plain(detector.settings),
        data=described(category),
        revision=revisions(detector),
        work=lambda: measured(detector, category),
    )


def with_few_good(category: Category, images: int, seed: int) -> Category:
    """Leave so many of the training images; the seed decides which, and more include the fewer.

    Raises
    ------
    ValueError
        When there are not so many.
    """
    if not 2 <= images <= len(category.train):
        raise ValueError(f"from 2 to {len(category.train)} images can be left; got {images}.")
    chosen = np.sort(np.random.default_rng(seed).permutation(len(category.train))[:images])
    return replace(
        category,
        train=category.train[chosen],
        train_files=tuple(category.train_files[i] for i in chosen),
    )


def defects_of(record: Record) -> np.ndarray:
    """Return the defect's name of each test image, "good" for none, in the scores' order.

    Test images are read defect by defect in alphabetical order; lent ones come before them.
    """
    lent = LENT.search(record.data["fingerprint"])
    count = int(lent[1]) if lent else 0
    own = record.data["test"] | {"good": record.data["test"].get("good", 0) - count}
    return np.array(["good"] * count + [name for name in sorted(own) for _ in range(own[name])])


def described(category: Category) -> dict[str, Any]:
    """Return what a record says of its data: the number of images too."""
    names, counts = np.unique(category.defects, return_counts=True)
    return data_of(category) | {
        "train": len(category.train),
        "test": {str(name): int(count) for name, count in zip(names, counts, strict=True)},
    }


def measured(detector: Detector, category: Category) -> tuple[Report, Provenance]:
    """Fit a detector, evaluate it, and measure what it costs."""
    fit_images, held_out = split_good(category.train, HELD_OUT, seed=0)
    (_, fit_seconds), fit_memory = peak_memory(lambda: timed(lambda: detector.fit(fit_images)))
    (scores, predict_seconds), predict_memory = peak_memory(
        lambda: timed(lambda: detector.predict(category.test))
    )
    single = median_seconds(lambda: detector.predict(held_out[:1]))
    seconds = {"fit": fit_seconds, "predict": predict_seconds, "one image": single}
    provenance = Provenance(
        seconds={name: round(value, 4) for name, value in seconds.items()},
        memory={"fit": fit_memory, "predict": predict_memory, "on disk": bytes_on_disk(detector)},
        backbone=backbone_of(detector),
        parameters=parameter_count(detector),
    )
    return evaluate(category, scores, detector.predict(held_out)), provenance


def backbone_of(detector: Detector) -> str:
    """Say which pretrained weights a fitted detector stands on; empty when it has none."""
    network = getattr(detector, "backbone", None)
    return "" if network is None else str(network.source)


def budget_of(record: Record) -> dict[str, float]:
    """Return what a run was given: pixels a side, epochs, seconds to fit, and numbers it keeps.

    Epochs are those of its own network; 0 where none is trained.
    """
    return {
        "pixels": record.data["size"],
        "epochs": record.settings.get("training", {}).get("epochs", 0),
        "s to fit": record.provenance.seconds["fit"],
        "numbers kept": record.provenance.parameters or np.nan,
    }


def names_of(profile: Profile, parts: Sequence[str]) -> list[str]:
    """Return the names of the parts' methods, in the book's order."""
    variants = [variant for part in parts for variant in PARTS[part](profile, 1, 0)]
    return list(dict.fromkeys(variant.spec.name for variant in variants))


def results(
    profile: Profile, category: Category | None = None, parts: Sequence[str] = ()
) -> list[Record]:
    """Return the records of a profile, by file name; of one category's images if it is given.

    Those of the profile's seeds, or of the seeds of a part that is asked for. Where one of the
    parts' methods has no record, the parts are run first.

    Raises
    ------
    DataError
        When a record is damaged or cannot be written.
    """
    folder = DETECTORS.folder(profile.name)
    seeds = {*profile.seeds, *(seed for part in parts for seed in seeds_of(profile, part))}
    records = [one for one in DETECTORS.load(folder) if one.case["seed"] in seeds]
    if category is not None:
        wanted = described(category)
        same = ("category", "source", "train", "test")  # of either size
        records = [one for one in records if all(one.data[key] == wanted[key] for key in same)]
    if not of_methods(records).keys() >= set(names_of(profile, parts)):
        return list(DETECTORS.run(folder, planned(profile, parts)))
    return records


def of_methods(
    records: Sequence[Record], changed: Mapping[str, str] | None = None
) -> dict[str, list[Record]]:
    """Return the records of each method, seed by seed: those without changes, or with one."""
    found: dict[str, list[Record]] = {}
    for one in sorted(records, key=lambda record: record.case["seed"]):
        if one.case["variant"] == (changed or {}):
            found.setdefault(one.case["method"], []).append(one)
    return found
