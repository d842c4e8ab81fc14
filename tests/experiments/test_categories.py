"""The table over categories."""

import numpy as np
import pytest

from helpers.experiments.categories import over_categories
from tests.experiments.test_evidence import record


def test_a_cell_is_the_mean_over_seeds_and_a_mean_needs_every_category():
    shifts = ((0, "grid", 1.0), (1, "grid", 3.0), (0, "bottle", 2.0))
    records = [record(seed=seed, category=name, shift=shift) for seed, name, shift in shifts]
    formula = record("PatchCore", category="grid", variant={"weights": "formula"})
    table = over_categories([*records, formula])
    one, two, three = (each.result.image_auroc for each in records)
    assert table.index.tolist() == ["PatchCore", "PatchCore, formula"]
    assert table.loc["PatchCore", "grid"] == pytest.approx((one + two) / 2)
    assert table.loc["PatchCore", "mean"] == pytest.approx(((one + two) / 2 + three) / 2)
    assert table.loc["PatchCore, formula"].isna().tolist() == [name != "grid" for name in table]
    aupro = over_categories(records, "aupro")
    assert np.allclose(aupro.loc["PatchCore"], 0.8)
