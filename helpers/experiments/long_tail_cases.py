"""What chapter 8 trains: the cases, their settings, and the pictures they learn from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from helpers.data.category import Category
from helpers.data.labelled import Labelled, labelled_pool, labelled_test
from helpers.data.load import generate_category
from helpers.hazelnuts.defects import DEFECT_TYPES
from helpers.long_tail.classifier import REMEDIES, ClassifierSettings
from helpers.long_tail.counts import long_tailed_counts
from helpers.networks.training import TrainingSettings

CLASSES = ("good", *DEFECT_TYPES)
TASKS = ("five classes", "good or defect")
FACTORS = (100, 50, 10)
ALPHAS = (0.1, 0.2, 0.3, 1.0, 3.0)
SHOTS = (1, 2, 4, 8, 16, 32)
KNOWN_GOOD = 391  # good training images, as in MVTec AD
TEST_EACH = 80  # images of each class that the five classes are tested on
TEST_SEED = 3
# On the clearest defects a few labels teach nearly everything, and remedies cannot be told apart.
TIER = "hard"
MARGIN = 1 / 8  # of the side: outside it there is little but background; see ``share_cut_off``
ABOVE_BACKGROUND = 30  # grey levels; what is brighter by more belongs to the nut
REMEDY_TRAINING = TrainingSettings(epochs=5, batch_size=32, learning_rate=1e-3)


@dataclass(frozen=True)
class TailCase:
    """One classifier to train.

    Attributes
    ----------
    task
        One of ``TASKS``.
    counts
        Training images of each of the five classes, good first.
    remedy
        Key of ``REMEDIES``.
    alpha
        Of the Beta distribution; None where nothing is mixed.
    seed
        Of the choice of training images, of the weights and of the batches.
    """

    task: str
    counts: tuple[int, ...]
    remedy: str
    alpha: float | None
    seed: int

    @property
    def beginning(self) -> tuple:
        """What the plain training before the remedy depends on."""
        return self.task, self.counts, self.seed


def case(
    counts: Sequence[int],
    remedy: str = "plain",
    seed: int = 0,
    alpha: float | None = None,
    task: str = TASKS[0],
) -> TailCase:
    """Return a case; α is the remedy's own when not given.

    Raises
    ------
    ValueError
        When there is no such task or remedy.
    """
    if task not in TASKS or remedy not in REMEDIES:
        raise ValueError(
            f"no task '{task}' with remedy '{remedy}'; tasks are {', '.join(TASKS)}, remedies "
            f"{', '.join(REMEDIES)}."
        )
    mixed = "mix" in REMEDIES[remedy].batches.lower()
    own = REMEDIES[remedy].alpha if alpha is None else alpha
    return TailCase(task, tuple(counts), remedy, own if mixed else None, seed)


def planned(seeds: Sequence[int] = range(10)) -> list[TailCase]:
    """Return every case of chapter 8, the important ones first, those that begin alike together.

    At the largest imbalance factor, in both tasks, plain training and Balanced-MixUp have all the
    seeds; with five classes, the other remedies and the larger α have the first five. The rest has
    the first three.
    """
    hardest, *others = (long_tailed_counts(KNOWN_GOOD, 5, factor) for factor in FACTORS)
    few = [(KNOWN_GOOD, n, n, n, n) for n in SHOTS]
    main = ("plain", "Balanced-MixUp")
    five, three = ([seed for seed in seeds if seed < end] for end in (5, 3))
    cases = [case(hardest, "plain", s) for s in seeds]
    cases += [case(hardest, main[1], s, alpha) for s in seeds for alpha in ALPHAS[:3]]
    cases += [case(few[0], name, s, task=TASKS[1]) for s in seeds for name in main]
    cases += [case(hardest, name, s) for s in five for name in REMEDIES]
    cases += [case(hardest, main[1], s, alpha) for s in five for alpha in ALPHAS[3:]]
    cases += [case(n, name, s, task=TASKS[1]) for n in few for s in three for name in main]
    cases += [case(few[0], name, s, task=TASKS[1]) for s in three for name in REMEDIES]
    cases += [
        case(n, name, s)
        for n in others
        for s in three
        for name in (*main, "class-balanced sampling", "logit adjustment")
    ]
    order = {c.beginning: place for place, c in reversed(list(enumerate(cases)))}
    return sorted(dict.fromkeys(cases), key=lambda c: order[c.beginning])


def warm_settings(chosen: TailCase) -> ClassifierSettings:
    """Return the settings of the plain training that every remedy begins with."""
    base = ClassifierSettings()
    return replace(base, training=replace(base.training, seed=chosen.seed))


def remedy_settings(chosen: TailCase) -> ClassifierSettings:
    """Return the settings of the epochs with the case's remedy."""
    remedy = REMEDIES[chosen.remedy]
    if chosen.alpha is not None:
        remedy = replace(remedy, alpha=chosen.alpha)
    training = replace(REMEDY_TRAINING, seed=chosen.seed)
    return ClassifierSettings(remedy=remedy, training=training)


def balanced_test(size: int) -> tuple[Labelled, str]:
    """Return newly made nuts, as many of each class, and their fingerprint."""
    counts = {"train/good": 1} | {f"test/{name}": TEST_EACH for name in CLASSES}
    category = generate_category(size, counts, TEST_SEED, TIER)
    return labelled_test(category), category.fingerprint


def centre(labelled: Labelled) -> Labelled:
    """Cut off an eighth of each side, mostly background: less to compute.

    The tips of large nuts go too, and seldom a little damage: see ``share_cut_off``. All records
    were made of pictures cut in this way.
    """
    inner = _inner(labelled.images)
    images = np.ascontiguousarray(labelled.images[..., inner, inner])
    return replace(labelled, images=images, masks=None)


def _inner(pictures: np.ndarray) -> slice:
    """Return the rows, and the columns, that ``centre`` keeps of pictures …×H×W."""
    side = pictures.shape[-1]
    return slice(round(side * MARGIN), side - round(side * MARGIN))


def share_cut_off(marked: np.ndarray) -> np.ndarray:
    """Return the share of each picture's marked pixels that ``centre`` cuts off.

    Parameters
    ----------
    marked
        bool, N×H×W: masks of damage, or ``nut_pixels``.

    Returns
    -------
    np.ndarray
        N numbers from 0 to 1; nan where nothing is marked.
    """
    inner = _inner(marked)
    total = marked.sum((1, 2))
    kept = marked[:, inner, inner].sum((1, 2))
    share = np.full(len(marked), np.nan)
    return np.divide(total - kept, total, out=share, where=total > 0)


def nut_pixels(images: np.ndarray) -> np.ndarray:
    """Return where a picture is brighter than its dark background: bool, N×H×W.

    Parameters
    ----------
    images
        uint8, N×3×H×W; the background is the median of the outermost pixels, for each colour.
    """
    edge = np.ones(images.shape[2:], bool)
    edge[1:-1, 1:-1] = False
    background = np.median(images[:, :, edge], axis=2)[:, :, None, None]
    return (images - background > ABOVE_BACKGROUND).any(1)


def training_set(category: Category, chosen: TailCase, reserve: Sequence[int] = ()) -> Labelled:
    """Return the pictures that a case trains on; another seed, other defects.

    Parameters
    ----------
    category
        Generated hazelnuts; its good training images are the good ones.
    chosen
        The case.
    reserve
        Counts to generate, where other cases will need more of the same pictures.
    """
    made = np.max([chosen.counts, reserve or chosen.counts], axis=0).tolist()
    pool = labelled_pool(category, dict(zip(DEFECT_TYPES, made[1:], strict=True)), chosen.seed)
    counts = dict(zip(CLASSES, chosen.counts, strict=True))
    return for_task(pool.with_good(category.train).first(counts), chosen.task)


def for_task(labelled: Labelled, task: str) -> Labelled:
    """Return the pictures with the task's classes."""
    return labelled if task == TASKS[0] else labelled.good_or_defect()
