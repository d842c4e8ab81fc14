"""How visible the defects of real hazelnuts are, and those of each generated tier.

``python -m benchmarks.visibility FOLDER`` reads MVTec AD's hazelnut category in FOLDER, prints one
table and writes what it measured of the real masks to ``book/records/real_masks.json``.
"""

import argparse
import json
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.ndimage import binary_dilation

from helpers.data.category import Category
from helpers.data.load import generate_category, load_category
from helpers.hazelnuts.tiers import TIERS
from helpers.metrics.sizes import pixels_across
from helpers.paths import project_root

SIZE = 256
NEAR, FAR = 1, 6  # pixels: the ring around a defect that its contrast is taken against


def contrast(image: np.ndarray, mask: np.ndarray) -> float:
    """Return how far a defect's pixels lie from the mean colour around it, in grey levels.

    The mean, over the mask's pixels, of the largest of the three channels' differences.
    """
    near = binary_dilation(mask, iterations=NEAR)
    ring = binary_dilation(mask, iterations=FAR) & ~near
    pixels = image.astype(float)
    return float(np.abs(pixels[:, mask] - pixels[:, ring].mean(1)[:, None]).max(0).mean())


def rows(category: Category) -> Iterator[dict[str, object]]:
    """Yield area, width and contrast of every mask."""
    across = pixels_across(category.masks)
    for row in np.flatnonzero(category.labels):
        mask = category.masks[row]
        yield {
            "defect": str(category.defects[row]),
            "area in %": 100 * mask.mean(),
            "width in pixels": across[row],
            "contrast": contrast(category.test[row], mask),
        }


def means(category: Category) -> pd.DataFrame:
    """Return the mean of each figure over the masks of each defect, and their number."""
    table = pd.DataFrame(rows(category)).groupby("defect")
    return table.mean().assign(masks=table.size())


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", help="folder that holds the real hazelnut category")
    real = means(load_category("hazelnut", SIZE, parser.parse_args().root))
    made = {tier: means(generate_category(SIZE, tier=tier)) for tier in TIERS}
    print(pd.concat({"MVTec AD": real, **made}, names=["nuts"]).round(2).to_string())
    values = {
        "source": "MVTec AD, hazelnut, the test pictures at hand, 256 pixels a side",
        "by": "python -m benchmarks.visibility FOLDER",
        "defects": real.round(3).to_dict("index"),
    }
    path = project_root() / "book" / "records" / "real_masks.json"
    path.write_text(json.dumps(values, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
