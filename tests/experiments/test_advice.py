"""The guide's rule: who counts, who leaves, who is named."""

from math import inf, isnan

import numpy as np
import pytest

from helpers.experiments.advice import Library
from helpers.experiments.evidence import Assessor, detector_groups, segmenter_groups
from helpers.experiments.questions import TREE, Case, cases
from tests.experiments.test_evidence import DEFECTS, RULES, record, segmenter

SEEDS = (0, 1, 2)
ACROSS = np.where(DEFECTS == "crack", 4.0, np.where(DEFECTS == "hole", 20.0, 0.0))
HAZELNUT = Case("hazelnut")
REAL = {"source": "MVTec AD", "train": 60}


def both(method, generated, real, **changes):
    """Return three generated and three real records; the numbers say how well defects stand out."""
    found = [record(method, seed, generated, **changes) for seed in SEEDS]
    return found + [record(method, seed, real, **changes | REAL) for seed in SEEDS]


def advice(records, case=HAZELNUT, segmenters=(), rules=(), current=None, margin=0.05):
    groups = detector_groups(records, "quick") + segmenter_groups(segmenters, "quick")
    library = Library(groups, ACROSS, Assessor(rules, current or {}), margin)
    return library.advice((("product", "any"),), case)


def test_the_best_is_named_and_the_worse_leaves():
    found = advice([*both("PatchCore", 6, 6), *both("GAN", 0, 6)])
    assert found.methods == ("PatchCore",)
    assert found.undecided == ()
    assert set(found.generated) == set(found.real) == {"PatchCore"}


def test_who_is_worse_on_real_images_leaves_too():
    found = advice([*both("PatchCore", 3, 6), *both("GAN", 6, 0)])
    assert found.named == "PatchCore"
    assert "GAN" not in found.undecided


def test_without_real_evidence_nobody_is_named_above_those_with_it():
    records = [*both("PatchCore", 1, 6), *(record("GAN", seed, 6) for seed in SEEDS)]
    found = advice(records)
    assert found.named == "PatchCore"
    assert found.ahead == ("GAN",)
    assert "without real evidence: GAN" in found.text("A")
    assert advice([record("GAN", seed, 6) for seed in SEEDS]).methods == ()


@pytest.mark.parametrize(
    ("changes", "rules", "current"),
    [
        ({"weights": "formula"}, RULES, {}),
        ({}, [{"method": "GAN", "category": "grid", "what": "its settings"}], {}),
        ({"revision": 2}, [], {"GAN": 3}),
    ],
)
def test_evidence_chosen_in_view_or_of_an_earlier_form_does_not_count(changes, rules, current):
    records = [record("GAN", seed, 6, **changes) for seed in SEEDS]
    records += [record("GAN", s, 6, **changes | REAL, category="grid") for s in SEEDS]
    assert advice(records, Case("grid")).named == "GAN"
    found = advice(records, Case("grid"), rules=rules, current=current)
    assert found.methods == ()
    assert "best on generated nuts, *GAN*" in found.text("B")
    assert "real: none" in found.text("B")


def test_evidence_with_other_weights_does_not_count():
    records = [record("GAN", seed, 6) for seed in SEEDS]
    records += [record("GAN", seed, 6, weights="formula", **REAL) for seed in SEEDS]
    assert advice(records).methods == ()


def test_the_quicker_is_named_only_if_shown_to_be_as_good():
    alike = [*both("PatchCore", 2.1, 2.1, time=0.1), *both("GAN", 2, 2, time=0.01)]
    # Twenty images of each kind cannot show equality within .05; a wider margin they can.
    found = advice(alike)
    assert (found.methods, found.undecided) == (("PatchCore",), ("GAN",))
    found = advice(alike, margin=0.15)
    assert found.methods == ("GAN", "PatchCore")
    assert "slower: PatchCore" in found.text("A")
    assert found.milliseconds == {"GAN": 10, "PatchCore": 100}
    near = [*both("PatchCore", 2, 2, time=0.1), *both("GAN", 1.6, 1.6, time=0.01)]
    found = advice(near)
    assert found.methods == ("PatchCore",)
    assert found.undecided == ("GAN",)
    assert "not shown to differ: GAN" in found.text("C")


def test_a_part_may_not_take_longer_than_asked():
    records = [*both("PatchCore", 3, 3, time=0.1), *both("GAN", 1, 1, time=0.01)]
    assert advice(records).named == "PatchCore"
    assert advice(records, Case("hazelnut", milliseconds=20)).named == "GAN"
    assert advice(records, Case("hazelnut", milliseconds=5)).methods == ()
    fewer = [record("PatchCore", seed, 3, train=100, variant={"good images": "100"}, time=0.001)
             for seed in SEEDS]  # fmt: skip
    found = advice([*records, *fewer], Case("hazelnut", milliseconds=20))
    assert found.named == "GAN", "with all its pictures the other is too slow"


def test_defects_of_a_size_are_judged_alone():
    found = advice(both("PatchCore", 6, 6), Case("hazelnut", across=(0, 6)))
    assert found.generated["PatchCore"].test == (20, 10)
    assert found.real["PatchCore"].test == (20, 20), "of real ones no size is kept"
    assert advice(both("PatchCore", 6, 6), Case("hazelnut", across=(5, 20))).methods == ()
    assert "generated: none" in advice([], HAZELNUT).text("A")


def test_where_no_sizes_are_known_there_is_no_evidence_on_sizes():
    groups = detector_groups(both("PatchCore", 6, 6), "quick")
    blind = Library(groups, np.zeros(0), Assessor([], {}))
    assert blind.advice((("product", "any"),), HAZELNUT).named == "PatchCore"
    assert blind.advice((("size", "small"),), Case("hazelnut", across=(0, 6))).methods == ()


def test_few_good_pictures_ask_for_evidence_with_few():
    few = Case("hazelnut", images=(0, 50))
    assert advice(both("PatchCore", 6, 6), few).methods == ()
    records = [record("PatchCore", seed, 6, train=train, variant={"good images": str(train)})
               for seed in SEEDS for train in (10, 40)]  # fmt: skip
    records += [record("PatchCore", seed, 6, **REAL | {"train": 38}) for seed in SEEDS]
    found = advice(records, few)
    assert found.named == "PatchCore"
    assert found.generated["PatchCore"].images == 40
    assert found.real["PatchCore"].images == 38


def test_labels_are_compared_by_maps_and_the_most_of_them_count():
    detector = [record("GAN", s, 6, aupro=0.5 + s / 100) for s in SEEDS]
    detector += [record("GAN", s, 6, aupro=0.5, category="grid", **REAL) for s in SEEDS]
    known = [segmenter(s, 0.9 + s / 100, labels=n) for s in SEEDS for n in (4, 8, 60)]
    folds = [segmenter(s, 0.9, labels=None, folds=3) for s in SEEDS]
    few = advice(detector, Case("grid", labels=(1, 16)), [*known, *folds])
    assert few.named == "U-Net"
    assert few.generated["U-Net"].labels == 8
    assert isnan(few.milliseconds["U-Net"])
    assert "time not measured" in few.text("D")
    many = advice(detector, Case("grid", labels=(16, inf)), known)
    assert many.named == "GAN", "no real evidence for the U-Net"
    assert many.ahead == ("U-Net",)


def test_every_leaf_of_the_tree_is_filled_or_says_that_there_is_none():
    library = Library(detector_groups(both("PatchCore", 6, 6), "quick"), ACROSS, Assessor([], {}))
    leaves = library.advise()
    assert [leaf.path for leaf in leaves] == [path for path, _ in cases(TREE)]
    for leaf in leaves:
        text = leaf.text("X")
        assert "generated" in text
        assert "real:" in text
