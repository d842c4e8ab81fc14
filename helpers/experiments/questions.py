"""What a reader is asked before a method is named, as data; and where each answer leads."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf

SIDE = 256  # of the picture that defects are measured in, in pixels
NARROW, WIDE = 6, 16  # pixels across: half as many in a picture half as large
FEW_IMAGES = 50
MANY_LABELS = 16
QUICK_PART = 20  # milliseconds
PRODUCTS = {
    "texture": "grid",
    "object, one pose": "bottle",
    "object, any pose": "hazelnut",
}
LEARNED_IN_FOLDS = "grid"  # the real product whose own defects a segmenter has learned from


@dataclass(frozen=True)
class Case:
    """Where a way through the questions ends: what evidence fits.

    Attributes
    ----------
    product
        The real category of the same kind.
    across
        The defects' width in pixels of a picture of ``SIDE``: at least, and less than.
    images
        Good pictures to learn from: at least, and fewer than.
    labels
        Labelled defects of each type: at least, and fewer than; none where there are no labels.
    milliseconds
        What a part may take.
    """

    product: str
    across: tuple[float, float] = (0, inf)
    images: tuple[float, float] = (FEW_IMAGES, inf)
    labels: tuple[float, float] | None = None
    milliseconds: float = inf


@dataclass(frozen=True)
class Answer:
    """One of a question's answers, and where it leads."""

    text: str
    then: "Question | Case"


@dataclass(frozen=True)
class Question:
    """What a reader is asked."""

    text: str
    answers: tuple[Answer, ...]


Path = tuple[tuple[str, str], ...]  # pairs of a question and its answer


def _time(case: Case) -> Question:
    times = {f"under {QUICK_PART} ms": QUICK_PART, "no hurry": inf}
    return Question(
        "time for a part",
        tuple(Answer(time, replace(case, milliseconds=limit)) for time, limit in times.items()),
    )


def _size(case: Case) -> Question:
    return Question(
        "smallest defect",
        (
            Answer(f"under {NARROW} px", replace(case, across=(0, NARROW))),
            Answer(f"{NARROW} to {WIDE} px", _time(replace(case, across=(NARROW, WIDE)))),
            Answer(f"over {WIDE} px", _time(replace(case, across=(WIDE, inf)))),
        ),
    )


TREE = Question(
    "labels for each type",
    (
        Answer(
            "none",
            Question(
                "good pictures",
                (
                    Answer(
                        f"under {FEW_IMAGES}",
                        Question(
                            "product",
                            tuple(
                                Answer(kind, Case(name, images=(0, FEW_IMAGES)))
                                for kind, name in PRODUCTS.items()
                            ),
                        ),
                    ),
                    Answer(
                        f"{FEW_IMAGES} or more",
                        Question(
                            "product",
                            tuple(
                                Answer(kind, _size(Case(name))) for kind, name in PRODUCTS.items()
                            ),
                        ),
                    ),
                ),
            ),
        ),
        Answer(f"1 to {MANY_LABELS - 1}", Case(LEARNED_IN_FOLDS, labels=(1, MANY_LABELS))),
        Answer(f"{MANY_LABELS} or more", Case(LEARNED_IN_FOLDS, labels=(MANY_LABELS, inf))),
    ),
)


def cases(tree: Question | Case = TREE, path: Path = ()) -> Iterator[tuple[Path, Case]]:
    """Yield every way through the questions and the case it ends in."""
    if isinstance(tree, Case):
        yield path, tree
        return
    for answer in tree.answers:
        yield from cases(answer.then, (*path, (tree.text, answer.text)))
