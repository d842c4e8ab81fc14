"""The records that the report stands on: found, and of today's images, settings and revision."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from helpers.errors import DataError
from helpers.experiments import long_tail
from helpers.experiments.detectors import DETECTORS, of_methods, planned
from helpers.experiments.long_tail import LONG_TAIL
from helpers.experiments.long_tail_cases import FACTORS, KNOWN_GOOD, SHOTS, TASKS, TailCase, case
from helpers.experiments.store import OTHER_REVISION, Experiment, Plan, Record, fault, path_of
from helpers.long_tail.classifier import REMEDIES
from helpers.long_tail.counts import long_tailed_counts
from helpers.metrics.image import auroc_per_defect
from helpers.paths import project_root
from helpers.profiles import Profile

MISSING = "missing"
LET_THROUGH = (OTHER_REVISION,)  # a caveat can cover this, nothing else
TAIL_COUNTS = long_tailed_counts(KNOWN_GOOD, 5, FACTORS[0])
SHOWN = 3  # records that a message names
ROUNDING = 0.002  # of an AUROC: image scores are kept with six digits, so that some become ties


@dataclass
class Faults:
    """What is wrong with records: the command that mends it, the fault, the files."""

    found: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def add(self, command: str, what: str, path: Path) -> None:
        """Note a fault."""
        self.found.setdefault((command, what), []).append(relative(path))

    def check(self, allow_stale: bool) -> dict[str, list[str]]:
        """Return the faults to be printed as caveats.

        Raises
        ------
        DataError
            When there is a fault that is not let through; the message says what to run.
        """
        serious = {
            key: files
            for key, files in self.found.items()
            if not (allow_stale and key[1] in LET_THROUGH)
        }
        if serious:
            raise DataError(_message(serious))
        caveats: dict[str, list[str]] = {}
        for (_, what), files in self.found.items():
            caveats.setdefault(what, []).extend(files)
        return caveats


def relative(path: Path) -> str:
    """Return a path as seen from the project, with slashes."""
    root = project_root()
    return (path.relative_to(root) if root in path.parents else path).as_posix()


def checked(
    experiment: Experiment, profile: Profile, plans: Iterable[Plan], faults: Faults
) -> list[Record]:
    """Return the records of the plans; ``faults`` is told of what is missing or has changed.

    Raises
    ------
    DataError
        When a record is damaged.
    """
    folder, records = experiment.folder(profile.name), []
    for plan in plans:
        path = path_of(folder, plan)
        if not path.is_file():
            faults.add(experiment.command, MISSING, path)
            continue
        record = experiment.read(path)
        if what := fault(record, plan):
            faults.add(experiment.command, what, path)
        records.append(record)
    return records


def detector_records(profile: Profile, faults: Faults) -> dict[str, list[Record]]:
    """Return the records of each attempt and strategy, seed by seed, in the book's order."""
    plans = planned(profile, ("attempts", "strategies"))
    return of_methods(checked(DETECTORS, profile, plans, faults))


def check_scores(records: Iterable[Record], folder: Path, defects: np.ndarray) -> None:
    """Raise ``DataError`` when image scores do not give the AUROC that a record says they gave.

    Parameters
    ----------
    records, folder
        Of detectors, and where they are kept.
    defects
        Of the test images that the scores belong to: "good", or the name of a defect.
    """
    for record in records:
        said, scores = record.result.auroc_per_defect, record.result.image_scores
        found = auroc_per_defect(defects, scores) if len(scores) == len(defects) else {}
        if found.keys() != said.keys() or any(abs(found[k] - said[k]) > ROUNDING for k in said):
            raise DataError(
                f"{path_of(folder, record)} holds image scores that do not give the AUROC of each "
                "defect that it holds beside them. Delete it; "
                f"`{DETECTORS.command}` makes it again."
            )


def tail_records(profile: Profile, faults: Faults, cases: Sequence[TailCase]) -> list[Record]:
    """Return the records of chapter 8's cases."""
    return checked(LONG_TAIL, profile, long_tail.plans(profile, cases), faults)


def tail_cases() -> list[TailCase]:
    """Return the cases of chapter 8 that the report speaks of."""
    few = [(KNOWN_GOOD, n, n, n, n) for n in SHOTS]
    cases = [case(TAIL_COUNTS, name, seed) for name in REMEDIES for seed in range(5)]
    cases += [case(TAIL_COUNTS, n, s) for n in ("plain", "Balanced-MixUp") for s in range(5, 10)]
    return cases + [
        case(n, name, seed, task=TASKS[1])
        for n in few
        for name in ("plain", "Balanced-MixUp")
        for seed in range(10 if n == few[0] else 3)
    ]


def _message(faults: dict[tuple[str, str], list[str]]) -> str:
    lines = ["The report cannot be written from these records."]
    for (command, what), files in faults.items():
        more = f" and {len(files) - SHOWN} more" if len(files) > SHOWN else ""
        lines.append(
            f"- {len(files)} {what}: {', '.join(files[:SHOWN])}{more}. Run `{command}` first."
        )
    if all(what in LET_THROUGH for _, what in faults):
        lines.append(
            "To write it all the same, with a caveat printed on the first page: "
            "`make report ALLOW_STALE=1`."
        )
    return "\n".join(lines)
