"""Remedies for a long tail on generated hazelnuts, over several seeds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from helpers.data.labelled import Labelled, labelled_test
from helpers.data.load import generate_category
from helpers.experiments.cost import timed
from helpers.experiments.long_tail_cases import (
    TIER,
    TailCase,
    balanced_test,
    centre,
    for_task,
    remedy_settings,
    training_set,
    warm_settings,
)
from helpers.experiments.store import Experiment, Plan, Provenance, data_of, revisions
from helpers.long_tail.classifier import DefectClassifier
from helpers.long_tail.recipe import RecipeClassifier
from helpers.metrics.classes import (
    Reliability,
    average_precision_per_class,
    confusion_matrix,
    reliability,
)
from helpers.metrics.report import check_shares
from helpers.plain import plain
from helpers.profiles import Profile


@dataclass(frozen=True)
class TailResult:
    """What one classifier achieved.

    Attributes
    ----------
    confusion
        Of the balanced test images: true class by most probable class, K×K.
    average_precision
        Of each class against the rest, on the same images.
    confidence, accuracy, count
        Of each bin of the reliability diagram, on the same images.
    calibration_error
        On the same images.
    image_scores
        1 minus the probability of good, for each test image of the category that the detectors are
        tested on.
    """

    confusion: list[list[int]]
    average_precision: list[float]
    confidence: list[float]
    accuracy: list[float]
    count: list[int]
    calibration_error: float
    image_scores: list[float]

    def __post_init__(self) -> None:
        shares = {"calibration_error": [self.calibration_error]}
        for name in ("average_precision", "confidence", "accuracy", "image_scores"):
            shares[name] = getattr(self, name)
        check_shares({f"{n} {i}": v for n, values in shares.items() for i, v in enumerate(values)})

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
        bins = (np.array(values) for values in (self.confidence, self.accuracy, self.count))
        return Reliability(*bins, self.calibration_error)


Classifier = DefectClassifier | RecipeClassifier
LONG_TAIL = Experiment("long tail", TailResult, "make long-tail")


def warm_up(chosen: TailCase, known: Labelled) -> DefectClassifier:
    """Train plainly on centred pictures."""
    return DefectClassifier(warm_settings(chosen)).fit(known.images, known.labels)


def train(chosen: TailCase, known: Labelled, warm: DefectClassifier) -> DefectClassifier:
    """Go on from plain training with the case's remedy."""
    classifier = DefectClassifier(remedy_settings(chosen))
    return classifier.fit(known.images, known.labels, start=warm)


def plans(profile: Profile, cases: Sequence[TailCase]) -> Iterator[Plan]:
    """Plan the runs of the cases; those that begin alike, one after the other, share the start."""
    category = generate_category(profile.image_size, tier=TIER)
    most = np.max([chosen.counts for chosen in cases], axis=0).tolist()
    balanced, fingerprint = balanced_test(profile.image_size)
    data = data_of(category) | {"balanced": fingerprint}
    test = centre(labelled_test(category))
    begun: dict[tuple, tuple[Labelled, DefectClassifier, float]] = {}

    def work(chosen: TailCase) -> tuple[TailResult, Provenance]:
        if chosen.beginning not in begun:
            begun.clear()
            known = centre(training_set(category, chosen, most))
            begun[chosen.beginning] = (known, *timed(lambda: warm_up(chosen, known)))
        known, warm, first = begun[chosen.beginning]
        classifier, seconds = timed(lambda: train(chosen, known, warm))
        result = measured(classifier, centre(for_task(balanced, chosen.task)), test)
        return result, Provenance({"fit": round(first + seconds, 1)})

    for chosen in cases:
        yield Plan(
            case=plain(chosen),
            settings=settings_of(chosen, profile),
            data=data,
            revision=revisions(DefectClassifier),
            work=lambda chosen=chosen: work(chosen),
        )


def measured(classifier: Classifier, balanced: Labelled, test: Labelled) -> TailResult:
    """Measure a fitted classifier on balanced test images and on those of the detectors."""
    labels, probabilities = balanced.labels, classifier.predict(balanced.images)
    curve = reliability(labels, probabilities)
    return TailResult(
        confusion=confusion_matrix(labels, probabilities).tolist(),
        average_precision=average_precision_per_class(labels, probabilities).round(4).tolist(),
        confidence=curve.confidence.round(4).tolist(),
        accuracy=curve.accuracy.round(4).tolist(),
        count=curve.count.tolist(),
        calibration_error=round(curve.error, 4),
        image_scores=(1 - classifier.predict(test.images)[:, 0]).round(4).tolist(),
    )


def settings_of(chosen: TailCase, profile: Profile) -> dict:
    """Return the settings that a case's record holds: those of the plain training, and after it."""
    return {
        "first": plain(warm_settings(chosen)),
        "then": plain(remedy_settings(chosen)),
    }
