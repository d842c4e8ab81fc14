"""One table over categories: how well each detector does on each, and on the average."""

from collections.abc import Iterable

import pandas as pd

from helpers.experiments.store import Record


def over_categories(records: Iterable[Record], figure: str = "image_auroc") -> pd.DataFrame:
    """Return a figure of each detector on each category, the mean over the seeds.

    Parameters
    ----------
    records
        Of detectors.
    figure
        A number in their results.

    Returns
    -------
    pandas.DataFrame
        A row for each detector and each variant, a column for each category, and the mean, which is
        missing where a category is.
    """
    rows = pd.DataFrame(
        {
            "detector": ", ".join([one.case["method"], *one.case["variant"].values()]),
            "category": one.data["category"],
            "figure": getattr(one.result, figure),
        }
        for one in records
    )
    table = rows.pivot_table(index="detector", columns="category", values="figure", sort=False)
    return table.assign(mean=table.mean(axis=1, skipna=False)).rename_axis(columns=None)
