"""Balanced-MixUp by its authors' own recipe, on the long tail of chapter 8."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from helpers.data.labelled import Labelled, labelled_test
from helpers.data.load import generate_category
from helpers.experiments.cost import timed
from helpers.experiments.long_tail import TailResult, measured
from helpers.experiments.long_tail_cases import (
    CLASSES,
    FACTORS,
    KNOWN_GOOD,
    TIER,
    balanced_test,
    case,
    centre,
    training_set,
)
from helpers.experiments.store import Experiment, Plan, Provenance, data_of, revisions
from helpers.long_tail.counts import long_tailed_counts
from helpers.long_tail.recipe import RecipeClassifier, RecipeSettings
from helpers.plain import plain
from helpers.profiles import Profile

COUNTS = long_tailed_counts(KNOWN_GOOD, len(CLASSES), FACTORS[0])
ALPHAS = (None, 0.1, 0.2, 0.3)  # none: the authors' baseline, with nothing mixed
VALIDATION_SHARE = 4  # as the authors' fifths: a picture to validate on for four to train on
VALIDATION_SEED = 1000  # and above: other nuts than those that anything is trained or tested on


@dataclass(frozen=True)
class RecipeCase:
    """One classifier to train.

    Attributes
    ----------
    counts
        Training images of each of the five classes, good first.
    remedy
        "plain" or "Balanced-MixUp".
    alpha
        Of the Beta distribution; none where nothing is mixed.
    seed
        Of the choice of training and validation images, of the weights and of the batches.
    """

    counts: tuple[int, ...]
    remedy: str
    alpha: float | None
    seed: int


@dataclass(frozen=True)
class RecipeResult(TailResult):
    """What one classifier achieved.

    Attributes
    ----------
    epochs, kept
        How many there were, and which one's weights were kept.
    """

    epochs: int
    kept: int


PAPER_RECIPE = Experiment("paper recipe", RecipeResult, "make paper-recipe")


def recipe_cases(seeds: Sequence[int] = range(10)) -> list[RecipeCase]:
    """Return every case, seed by seed."""
    return [
        RecipeCase(COUNTS, "plain" if alpha is None else "Balanced-MixUp", alpha, seed)
        for seed in seeds
        for alpha in ALPHAS
    ]


def validation_set(size: int, counts: Sequence[int], seed: int) -> Labelled:
    """Return newly made nuts, a quarter as many of each class as there are to train on."""
    few = [max(1, round(count / VALIDATION_SHARE)) for count in counts]
    asked = {"train/good": 1} | {f"test/{k}": n for k, n in zip(CLASSES, few, strict=True)}
    return centre(labelled_test(generate_category(size, asked, VALIDATION_SEED + seed, TIER)))


def settings_of(chosen: RecipeCase) -> RecipeSettings:
    """Return the settings of a case."""
    return RecipeSettings(alpha=chosen.alpha, seed=chosen.seed)


def plans(profile: Profile, cases: Sequence[RecipeCase]) -> Iterator[Plan]:
    """Plan the runs of the cases."""
    category = generate_category(profile.image_size, tier=TIER)
    balanced, fingerprint = balanced_test(profile.image_size)
    data = data_of(category) | {"balanced": fingerprint}
    test = centre(labelled_test(category))

    def work(chosen: RecipeCase) -> tuple[RecipeResult, Provenance]:
        known = centre(training_set(category, case(chosen.counts, seed=chosen.seed)))
        other = validation_set(profile.image_size, chosen.counts, chosen.seed)
        classifier = RecipeClassifier(settings_of(chosen))
        _, seconds = timed(
            lambda: classifier.fit(known.images, known.labels, (other.images, other.labels))
        )
        result = measured(classifier, centre(balanced), test)
        told = vars(result) | {"epochs": classifier.epochs, "kept": classifier.kept}
        return RecipeResult(**told), Provenance(
            {"fit": round(seconds, 1)}, backbone=str(classifier.model.backbone.source)
        )

    for chosen in cases:
        yield Plan(
            case=plain(chosen),
            settings=plain(settings_of(chosen)),
            data=data,
            revision=revisions(RecipeClassifier),
            work=lambda chosen=chosen: work(chosen),
        )
