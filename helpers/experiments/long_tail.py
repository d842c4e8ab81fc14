"""Remedies for a long tail on generated hazelnuts: run over seeds, kept as records."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from helpers.data.labelled import Labelled, labelled_test
from helpers.data.load import generate_category
from helpers.errors import DataError
from helpers.experiments.fingerprint import code_print
from helpers.experiments.long_tail_cases import (
    TailCase,
    centre,
    for_task,
    judged_images,
    remedy_settings,
    training_set,
    warm_settings,
)
from helpers.experiments.report import environment, plain, timed
from helpers.files import whole_file
from helpers.long_tail.classifier import DefectClassifier
from helpers.metrics.classes import (
    Reliability,
    average_precision_per_class,
    confusion_matrix,
    reliability,
)
from helpers.paths import project_root
from helpers.profiles import Profile

MEASURES = (confusion_matrix, average_precision_per_class, reliability)


@dataclass(frozen=True)
class TailRun:
    """What one classifier achieved.

    Attributes
    ----------
    case
        What was trained.
    settings
        Of the classifier, and of the one it began with, as nested dictionaries.
    data
        Fingerprints of the images it is judged on.
    confusion
        Of the judged images: true class by most probable class, K×K.
    average_precision
        Of each class against the rest, on the same images.
    reliability
        On the same images; the fields of ``classes.Reliability``.
    image_scores
        1 minus the probability of good, for each test image of the category that the detectors are
        judged on.
    seconds
        Of the training, what it began with included.
    environment
        Machine kind, number format and versions.
    code
        Fingerprint of the code that made it, see ``code_now``; empty when not known.
    """

    case: TailCase
    settings: dict
    data: list[str]
    confusion: list[list[int]]
    average_precision: list[float]
    reliability: dict
    image_scores: list[float]
    seconds: float
    environment: dict[str, str]
    code: str = ""

    @property
    def recalls(self) -> np.ndarray:
        """Recall of each class: K."""
        counts = np.array(self.confusion)
        return np.diag(counts) / counts.sum(1)

    @property
    def macro_f1(self) -> float:
        """Mean over the classes of the harmonic mean of precision and recall."""
        counts = np.array(self.confusion)
        return float(np.mean(2 * np.diag(counts) / (counts.sum(0) + counts.sum(1))))

    @property
    def curve(self) -> Reliability:
        """The reliability as arrays."""
        kept = self.reliability
        arrays = (np.array(kept[name]) for name in ("confidence", "accuracy", "count"))
        return Reliability(*arrays, kept["error"])


def warm_up(chosen: TailCase, known: Labelled, profile: Profile) -> DefectClassifier:
    """Train plainly on centred pictures."""
    return DefectClassifier(warm_settings(chosen, profile)).fit(known.images, known.labels)


def train(
    chosen: TailCase, known: Labelled, profile: Profile, warm: DefectClassifier
) -> DefectClassifier:
    """Go on from plain training with the case's remedy."""
    classifier = DefectClassifier(remedy_settings(chosen, profile))
    return classifier.fit(known.images, known.labels, start=warm)


def run_all(
    profile: Profile, folder: Path, cases: Sequence[TailCase]
) -> Iterator[tuple[int, int, TailRun]]:
    """Run what is not yet recorded, and yield (done, of, run) after each.

    Raises
    ------
    DataError
        When a record is damaged or cannot be written.
    """
    category = generate_category(profile.image_size)
    most = np.max([chosen.counts for chosen in cases], axis=0).tolist()
    judged, fingerprint = judged_images(profile.image_size)
    data = [fingerprint, category.fingerprint]
    test = centre(labelled_test(category))
    begun = None
    for done, chosen in enumerate(cases, 1):
        run = recorded(folder, chosen, data, profile)
        if run is None:
            if begun != chosen.beginning:
                known = centre(training_set(category, chosen, most))
                warm, first = timed(lambda: warm_up(chosen, known, profile))  # noqa: B023
                begun = chosen.beginning
            classifier, seconds = timed(lambda: train(chosen, known, profile, warm))  # noqa: B023
            asked, settings = for_task(judged, chosen.task), settings_of(chosen, profile)
            run = _judge(chosen, classifier, centre(asked), test, data, settings=settings,
                         seconds=first + seconds)  # fmt: skip
            save(run, folder)
        yield done, len(cases), run


def _judge(
    chosen: TailCase,
    classifier: DefectClassifier,
    judged: Labelled,
    test: Labelled,
    data: list[str],
    *,
    settings: dict,
    seconds: float,
) -> TailRun:
    labels, chances = judged.labels, classifier.predict(judged.images)
    curve = reliability(labels, chances)
    return TailRun(
        case=chosen,
        settings=settings,
        data=data,
        confusion=confusion_matrix(labels, chances).tolist(),
        average_precision=average_precision_per_class(labels, chances).round(4).tolist(),
        reliability={
            "confidence": curve.confidence.round(4).tolist(),
            "accuracy": curve.accuracy.round(4).tolist(),
            "count": curve.count.tolist(),
            "error": round(curve.error, 4),
        },
        image_scores=(1 - classifier.predict(test.images)[:, 0]).round(4).tolist(),
        seconds=round(seconds, 1),
        environment=environment(),
        code=code_now(),
    )


def code_now() -> str:
    """Return the fingerprint of all the book's code that the records depend on."""
    return code_print(warm_up, train, training_set, judged_images, centre, *MEASURES)


def settings_of(chosen: TailCase, profile: Profile) -> dict:
    """Return the settings that a case's record holds: those of the plain training, and after it."""
    return {
        "first": plain(warm_settings(chosen, profile)),
        "then": plain(remedy_settings(chosen, profile)),
    }


def recorded(folder: Path, chosen: TailCase, data: list[str], profile: Profile) -> TailRun | None:
    """Return the record of this case, on these images with these settings and code, or none."""
    path = folder / file_name(chosen)
    if not path.is_file():
        return None
    run = load(path)
    same = run.data == data and run.settings == settings_of(chosen, profile)
    return run if same and run.code == code_now() else None


def file_name(chosen: TailCase) -> str:
    """Return the name of a case's record."""
    alpha = "" if chosen.alpha is None else f"-{chosen.alpha:g}"
    counts = "-".join(map(str, chosen.counts))
    name = f"{chosen.task} {counts} {chosen.remedy}{alpha} seed {chosen.seed}"
    return name.lower().replace(" ", "-") + ".json"


def save(run: TailRun, folder: Path) -> Path:
    """Write a record, whole or not at all."""
    path = folder / file_name(run.case)
    with whole_file(path) as work:
        work.write_text(json.dumps(asdict(run), ensure_ascii=False) + "\n", "utf-8")
    return path


def load(path: Path) -> TailRun:
    """Read a record written by ``save``.

    Raises
    ------
    DataError
        When the file is missing or is not such a record.
    """
    try:
        fields = json.loads(path.read_text("utf-8"))
        chosen = fields.pop("case")
        chosen = TailCase(**{**chosen, "counts": tuple(chosen["counts"])})
        return TailRun(case=chosen, **fields)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} is not a record of this book ({error}). Remove it, then run "
            "tools/long_tail.py again."
        ) from error


def load_runs(folder: Path) -> list[TailRun]:
    """Return all records in a folder, by name.

    Raises
    ------
    DataError
        When one is damaged.
    """
    return [load(path) for path in sorted(folder.glob("*.json"))]


def record_folder(profile: Profile) -> Path:
    """Return where the records that the book reads are kept."""
    return project_root() / "book" / "records" / "long_tail" / profile.name
