"""All attempts, strategies and ablations over several seeds, kept as records, resumable."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from helpers.data.category import Category, move_to_test, split_good
from helpers.data.load import load_category
from helpers.detectors import catalogue
from helpers.detectors.catalogue import Attempt, Contender
from helpers.detectors.reconstruction.autoencoder import AutoencoderDetector, AutoencoderSettings
from helpers.detectors.reconstruction.feature_autoencoder import FeatureReconstructionDetector
from helpers.detectors.reconstruction.skip_autoencoder import (
    SkipAutoencoderDetector,
    SkipAutoencoderSettings,
)
from helpers.detectors.self_supervision.patch_cutpaste import PatchCutPasteDetector
from helpers.errors import DataError, did_you_mean
from helpers.experiments.costs import bytes_on_disk, median_seconds, peak_memory
from helpers.experiments.record_codes import code_fault, code_of
from helpers.experiments.report import (
    Report,
    data_of,
    evaluate,
    load_report,
    plain,
    record_path,
    timed,
)
from helpers.paths import project_root
from helpers.profiles import Profile


@dataclass(frozen=True)
class Variant:
    """One change to an attempt.

    Attributes
    ----------
    factor
        What is changed, such as ``"batch size"``.
    value
        To what.
    attempt
        The changed attempt; its name is a record's name.
    """

    factor: str
    value: str
    attempt: Attempt


def variants(profile: Profile, images: int, seed: int = 0) -> tuple[Variant, ...]:
    """Return one ablation for each factor that the assignment names.

    The unchanged value of each factor is the attempt itself, which ``all_attempts`` has.
    """
    size, first = profile.image_size, catalogue.baseline(profile, images, seed)
    last = catalogue.skips(profile, images, seed)
    crops = catalogue.patch_cutpaste(profile, images, seed)
    seen = catalogue.features(profile, seed)
    training = first.training

    def baseline(factor: str, value: str, **changes: float) -> Variant:
        s = replace(first, training=replace(training, **changes))
        return _variant(factor, value, 1, "Baseline autoencoder", size, AutoencoderDetector, s)

    def repair(factor: str, value: str, **changes: object) -> Variant:
        name, s = "SSIM, multi-scale, skips", replace(last, **changes)
        return _variant(factor, value, 4, name, size, SkipAutoencoderDetector, s)

    def cut(value: str, kind: str) -> Variant:
        name, s = "CutPaste, patch-wise", replace(crops, kinds=(kind,))
        return _variant("augmentation", value, 3, name, size, PatchCutPasteDetector, s)

    return (
        _variant(
            "pretraining", "random weights", 2, "ResNet18 features", profile.feature_size,
            FeatureReconstructionDetector, replace(seen, weights="random"),
        ),
        cut("patch only", "patch"),
        cut("scar only", "scar"),
        repair("loss", "colour only", ssim_share=0.0),
        repair("loss", "SSIM only", ssim_share=1.0),
        repair("skips", "none", skips=()),
        repair("skips", "three", skips=(0, 1, 2)),
        repair("augmentation", "none", corruptions=()),
        repair("scales", "1", scales=1),
        baseline("learning rate", f"{training.learning_rate / 10:g}",
                 learning_rate=training.learning_rate / 10),
        baseline("batch size", f"{2 * training.batch_size}", batch_size=2 * training.batch_size),
        baseline("epochs", f"{max(1, training.epochs // 2)}", epochs=max(1, training.epochs // 2)),
        baseline("epochs", f"{2 * training.epochs}", epochs=2 * training.epochs),
    )  # fmt: skip


def _variant(
    factor: str,
    value: str,
    number: int,
    name: str,
    size: int,
    detector: Callable,
    settings: AutoencoderSettings | SkipAutoencoderSettings | object,
) -> Variant:
    attempt = Attempt(f"{name}, {factor} {value}", size, lambda: detector(settings), number)
    return Variant(factor, value, attempt)


def results_folder(profile: Profile) -> Path:
    """Return where the records that the book reads are kept."""
    return project_root() / "book" / "records" / profile.name


def _attempts(profile: Profile, images: int, seed: int) -> Sequence[Contender]:
    return catalogue.all_attempts(profile, images, seed)


def _strategies(profile: Profile, images: int, seed: int) -> Sequence[Contender]:
    return catalogue.all_strategies(profile, images, seed)


def _ablations(profile: Profile, images: int, seed: int) -> Sequence[Contender]:
    return [variant.attempt for variant in variants(profile, images, seed)]


PARTS = {"attempts": _attempts, "strategies": _strategies, "ablations": _ablations}


def planned(
    profile: Profile, images: int, parts: Sequence[str] = tuple(PARTS)
) -> list[tuple[int, Contender]]:
    """Return every (seed, contender) to run: part by part, and in each seed by seed.

    Raises
    ------
    ValueError
        When a part is none of ``PARTS``.
    """
    for part in parts:
        if part not in PARTS:
            raise ValueError(f"there is no part '{part}'. {did_you_mean(part, PARTS)}")
    return [
        (seed, contender)
        for part in parts
        for seed in profile.seeds
        for contender in PARTS[part](profile, images, seed)
    ]


def run_all(
    profile: Profile, folder: Path, parts: Sequence[str] = tuple(PARTS), lent: int = 0
) -> Iterator[tuple[int, int, Report]]:
    """Run what is not yet recorded, and yield (done, of, report) after each.

    A record counts as done when it is of the same data, the same settings and the same code. So a
    killed run goes on where it stopped, and what has changed is run again.

    Parameters
    ----------
    profile
        Category, sizes, seeds and settings.
    folder
        Of the records.
    parts
        Which of ``PARTS`` to run.
    lent
        How many training images serve as further good test images; see ``category.move_to_test``.

    Raises
    ------
    DataError
        When the category cannot be loaded or a record cannot be written.
    """
    sizes = {profile.image_size, profile.feature_size}
    categories = {
        size: move_to_test(load_category(profile.category, size=size), lent) for size in sizes
    }
    fit_count = len(split_good(next(iter(categories.values())).train)[0])
    runs = planned(profile, fit_count, parts)
    for done, (seed, contender) in enumerate(runs, 1):
        category = categories[contender.size]
        report = recorded(folder, category, contender, seed) or run(category, contender, seed)
        report.save(folder)
        yield done, len(runs), report


def recorded(folder: Path, category: Category, contender: Contender, seed: int) -> Report | None:
    """Return the record of this very run, or none."""
    path = record_path(folder, category, contender.name, seed)
    try:
        report = load_report(path)
    except DataError:
        return None
    return None if fault(report, category, contender) else report


def fault(report: Report, category: Category, contender: Contender) -> str:
    """Say what has changed since a record was made: images, settings or code; empty if nothing."""
    detector = contender.detector()
    if report.data["fingerprint"] != category.fingerprint:
        return "of other images"
    if report.settings != plain(detector.settings):
        return "of other settings"
    return code_fault(report.code, code_of(detector))


def run(category: Category, contender: Contender, seed: int) -> Report:
    """Fit and judge once, and measure what it costs."""
    fit_images, held_out = split_good(category.train, fraction=0.15, seed=0)
    detector = contender.detector()
    (_, fit_seconds), fit_memory = peak_memory(lambda: timed(lambda: detector.fit(fit_images)))
    (scores, predict_seconds), predict_memory = peak_memory(
        lambda: timed(lambda: detector.predict(category.test))
    )
    single = median_seconds(lambda: detector.predict(held_out[:1]))
    seconds = {"fit": fit_seconds, "predict": predict_seconds, "one image": single}
    return evaluate(
        contender.name,
        detector,
        category,
        scores,
        detector.predict(held_out),
        seed=seed,
        seconds={name: round(value, 4) for name, value in seconds.items()},
        memory={
            "fit": fit_memory,
            "predict": predict_memory,
            "on disk": bytes_on_disk(detector),
        },
    )


def load_results(folder: Path, category: Category | None = None) -> list[Report]:
    """Return the records in a folder, by name and seed; of one category's images if it is given.

    Raises
    ------
    DataError
        When a record is damaged.
    """
    reports = [load_report(path) for path in sorted(folder.rglob("*.json"))]
    if category is None:
        return reports
    same = ("category", "source", "train", "test")
    wanted = data_of(category)
    return [r for r in reports if all(r.data[key] == wanted[key] for key in same)]
