"""Hours and dollars elsewhere, from the seconds in the records."""

import pytest

from helpers.experiments.scale import Place, hours, seconds_of
from tests.experiments.test_evidence import record
from tools import scale


def test_whatever_is_free_takes_the_next_run():
    runs = [3600, 3600, 7200, 3600]
    assert hours(runs, Place("one", 1)) == pytest.approx(5)
    assert hours(runs, Place("two", 2)) == pytest.approx(3)  # 1 + 2, and 1 + 1
    assert hours(runs, Place("many", 9)) == pytest.approx(2), "no run is split"
    assert hours(runs, Place("fast", 1, speed=10)) == pytest.approx(0.5)


def test_a_detector_takes_the_median_of_its_records():
    records = [record(seed=seed, variant={}) for seed in range(3)]
    for one, fit in zip(records, (1, 100, 3), strict=True):
        one.provenance.seconds["fit"] = fit
    formula, other = {"weights": "formula"}, {"picture size": "128"}
    records += [record(variant=formula), record(variant=other), record("GAN")]
    found = seconds_of(records, [{}, formula])
    assert found == {("PatchCore", ""): 4, ("PatchCore", "formula"): 2, ("GAN", ""): 2}


def test_the_table_counts_pairs_and_what_differs():
    records = [record(), record(variant={"weights": "formula"}), record("GAN")]
    slow = record()
    slow.provenance.seconds["fit"] = 9.0
    text = scale.table(records, [slow], [Place("here", 1), Place("there", 2, 1, 100)])
    assert "15 categories × 2 detectors × 3 seeds × 2 kinds of features are 180 runs" in text
    assert "leaves 135." in text
    assert "| here | 1 | 0.1 |  | 0.1 |  |" in text  # 180 and 135 runs of two seconds
    assert "| there | 2 | 0.1 | 5.00 | 0.0 | 3.78 |" in text
    assert "what has records of both took 5.0 to 5 times as long" in text
