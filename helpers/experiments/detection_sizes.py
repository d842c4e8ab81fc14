"""Which defects of the generated nuts a recorded run has found, beside how large each is."""

import io
from contextlib import redirect_stdout
from functools import lru_cache

import numpy as np

from helpers.data.load import generate_category
from helpers.experiments.detectors import defects_of
from helpers.experiments.store import Record
from helpers.metrics.sizes import pixels_across

DRAWN = 128  # pixels of the pictures; their fine masks are the same at every size


def sizes_and_found(record: Record, kind: str, side: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """Return the size of each defect of a kind, and whether it was found.

    The record holds the scores; the masks are drawn again, since a nut depends on its class and
    number alone.

    Parameters
    ----------
    record
        Of a detector, on generated nuts.
    kind
        Of the defect, such as ``"hole"``.
    side
        Of the picture that the sizes are counted in.

    Returns
    -------
    sizes
        N float numbers, pixels across.
    found
        N bool: whether the image's score lies above the record's threshold.

    Raises
    ------
    ValueError
        When the record is of other images, or has no defect of that kind.
    """
    kinds = record.data["test"]
    if record.data["source"] != "generated":
        raise ValueError(
            "the masks of real images are not in a record; give one of generated nuts."
        )
    if kind not in kinds or kind == "good":
        raise ValueError(f"the record has no '{kind}'; its test images are {', '.join(kinds)}.")
    scores = np.array(record.result.image_scores)[defects_of(record) == kind]
    return _sizes(kind, kinds[kind], side), scores > record.result.threshold.value


@lru_cache(maxsize=8)
def _sizes(kind: str, count: int, side: int) -> np.ndarray:
    with redirect_stdout(io.StringIO()):  # what it says of the single good nut helps nobody
        nuts = generate_category(DRAWN, {"train/good": 1, "test/good": 1, f"test/{kind}": count})
    return pixels_across(nuts.fine_masks[nuts.labels == 1], side)
