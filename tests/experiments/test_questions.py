"""The questions of the guide: every way ends in a case that its answers describe."""

from itertools import pairwise
from math import inf

from helpers.experiments.questions import (
    FEW_IMAGES,
    MANY_LABELS,
    NARROW,
    PRODUCTS,
    QUICK_PART,
    TREE,
    WIDE,
    Answer,
    Case,
    Question,
    cases,
)


def test_all_ways_are_found_in_order():
    tree = Question("a", (Answer("x", Question("b", (Answer("1", Case("grid")),))),
                          Answer("y", Case("bottle"))))  # fmt: skip
    assert list(cases(tree)) == [
        ((("a", "x"), ("b", "1")), Case("grid")),
        ((("a", "y"),), Case("bottle")),
    ]


def test_answers_say_what_their_case_asks_for():
    numbers = {
        f"under {FEW_IMAGES}": ("images", (0, FEW_IMAGES)),
        f"{FEW_IMAGES} or more": ("images", (FEW_IMAGES, inf)),
        f"under {NARROW} px": ("across", (0, NARROW)),
        f"{NARROW} to {WIDE} px": ("across", (NARROW, WIDE)),
        f"over {WIDE} px": ("across", (WIDE, inf)),
        f"under {QUICK_PART} ms": ("milliseconds", QUICK_PART),
        "no hurry": ("milliseconds", inf),
        "none": ("labels", None),
        f"1 to {MANY_LABELS - 1}": ("labels", (1, MANY_LABELS)),
        f"{MANY_LABELS} or more": ("labels", (MANY_LABELS, inf)),
    } | {kind: ("product", name) for kind, name in PRODUCTS.items()}
    found = list(cases())
    for path, case in found:
        for _, answer in path:
            name, wanted = numbers[answer]
            assert getattr(case, name) == wanted, path
    assert len({path for path, _ in found}) == len({case for _, case in found}) == len(found)


def test_the_answers_to_a_question_leave_no_gap():
    """Their ranges begin where another ends, from the least to infinity."""

    def ranges(question):
        for answer in question.answers:
            if isinstance(answer.then, Question):
                yield from ranges(answer.then)
            elif answer.then.labels is None:
                yield answer.then

    for name, least in (("images", 0), ("across", 0)):
        ends = sorted({getattr(case, name) for case in ranges(TREE)} - {(0, inf)})
        assert ends[0][0] == least
        assert ends[-1][1] == inf
        assert all(a[1] == b[0] for a, b in pairwise(ends))
