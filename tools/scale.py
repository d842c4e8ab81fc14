"""What one table more costs: all categories, detectors, seeds and features, here or elsewhere.

``tools/build_book.py`` writes the table of the set-up page from the records before every build.
"""

from collections.abc import Sequence
from pathlib import Path

from helpers.experiments.detectors import DETECTORS
from helpers.experiments.scale import Place, hours, seconds_of
from helpers.experiments.store import Record
from helpers.files import whole_file
from tools.times import GENERATED

FEATURES = ({}, {"weights": "formula"})
CATEGORIES, SEEDS = 15, 3  # of MVTec AD; of a profile
# Dollars an hour of Amazon EC2, on demand, Linux, us-east-1, as listed in 2026.
PRICES = {"g5.xlarge": 1.006, "c5.4xlarge": 0.68}
# The records are of two threads, so a node with eight cores does four runs at once. How much faster
# a GPU is was not measured: an assumption.
PLACES = (
    Place("one laptop, two cores", 1),
    Place("one GPU (g5.xlarge)", 1, 10, PRICES["g5.xlarge"]),
    Place("ten nodes of eight cores (c5.4xlarge)", 40, 1, 10 * PRICES["c5.4xlarge"]),
)


def table(
    records: Sequence[Record], full: Sequence[Record], places: Sequence[Place] = PLACES
) -> str:
    """Return what is to be done, how long it takes at each place, and what that costs."""
    found, larger = seconds_of(records, FEATURES), seconds_of(full, FEATURES)
    methods = sorted({method for method, change in found if not change})
    names = [", ".join(changed.values()) for changed in FEATURES]
    pairs = [found.get((m, name), found[m, ""]) for m in methods for name in names]
    repeats = CATEGORIES * SEEDS
    both, differing = repeats * len(pairs), repeats * len(found)
    lines = [
        f"{CATEGORIES} categories × {len(methods)} detectors × {SEEDS} seeds × {len(FEATURES)} "
        f"kinds of features are {both:,} runs. A detector that looks through no pretrained "
        f"network is the same with both, which leaves {differing:,}.",
        "",
        f"| machines | runs at once | {both:,} runs, hours | dollars | {differing:,} runs, hours | "
        "dollars |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for place in places:
        cells = [place.name, str(place.at_once)]
        for seconds in (pairs, list(found.values())):
            taken = hours([one for one in seconds for _ in range(repeats)], place)
            cells += [f"{taken:.1f}", f"{taken * place.price:.2f}" if place.price else ""]
        lines.append(f"| {' | '.join(cells)} |")
    times = [larger[kind] / found[kind] for kind in found.keys() & larger.keys()]
    if times:
        lines += [
            "",
            "These are the times of the profile `quick`. With `full`, on real pictures, what has "
            f"records of both took {min(times):.1f} to {max(times):.0f} times as long.",
        ]
    return "\n".join([*lines, ""])


def on_a_processor(records: Sequence[Record]) -> list[Record]:
    """Return the records whose times tell of a laptop: those of no GPU."""
    return [one for one in records if " cpu," in one.provenance.environment["machine"]]


def write_table(folder: Path = GENERATED) -> Path:
    """Write the table where the set-up page finds it."""
    path = folder / "scale.md"
    with whole_file(path) as work:
        records = (DETECTORS.load(DETECTORS.folder(profile)) for profile in ("quick", "full"))
        work.write_text(table(*map(on_a_processor, records)), encoding="utf-8")
    return path


if __name__ == "__main__":
    print(write_table().read_text("utf-8"))
