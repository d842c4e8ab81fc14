"""The records that the report stands on: found, and of today's images, settings and code."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from helpers.data.category import Category
from helpers.detectors.catalogue import Contender
from helpers.errors import DataError
from helpers.experiments import long_tail
from helpers.experiments.detectors import fault, planned
from helpers.experiments.long_tail import TailRun
from helpers.experiments.long_tail_cases import FACTORS, KNOWN_GOOD, SHOTS, TASKS, TailCase, case
from helpers.experiments.record_codes import CODE_CHANGED, CODE_UNKNOWN, code_fault
from helpers.experiments.report import Report, load_report, record_path
from helpers.long_tail.classifier import REMEDIES
from helpers.long_tail.counts import long_tailed_counts
from helpers.paths import project_root
from helpers.profiles import Profile

MISSING = "missing"
LET_THROUGH = (CODE_UNKNOWN, CODE_CHANGED)  # a caveat can cover these, nothing else
RESULTS, LONG_TAIL = "make results", "make long-tail"
TAIL_COUNTS = long_tailed_counts(KNOWN_GOOD, 5, FACTORS[0])
SHOWN = 3  # records that a message names


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


def detector_runs(
    profile: Profile, folder: Path, categories: dict[int, Category], images: int, faults: Faults
) -> dict[str, list[Report]]:
    """Return the runs of each attempt and strategy, seed by seed, in the book's order.

    Parameters
    ----------
    profile
        Whose settings and seeds are wanted.
    folder
        Of the records.
    categories
        The images by size.
    images
        That a detector is fitted on.
    faults
        Is told of what is missing or has changed.
    """
    runs: dict[str, list[Report]] = {}
    for seed, contender in planned(profile, images, ("attempts", "strategies")):
        category = categories[contender.size]
        path = record_path(folder, category, contender.name, seed)
        report = _checked(path, category, contender, faults)
        if report is not None:
            runs.setdefault(contender.name, []).append(report)
    return runs


def _checked(path: Path, category: Category, contender: Contender, faults: Faults) -> Report | None:
    if not path.is_file():
        faults.add(RESULTS, MISSING, path)
        return None
    report = load_report(path)
    if what := fault(report, category, contender):
        faults.add(RESULTS, what, path)
    return report


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


def tail_runs(profile: Profile, faults: Faults, cases: Sequence[TailCase]) -> list[TailRun]:
    """Return the runs of the cases; ``faults`` is told of what is missing or has changed."""
    folder, now = long_tail.record_folder(profile), long_tail.code_now()
    runs = []
    for chosen in cases:
        path = folder / long_tail.file_name(chosen)
        if not path.is_file():
            faults.add(LONG_TAIL, MISSING, path)
            continue
        run = long_tail.load(path)
        if run.settings != long_tail.settings_of(chosen, profile):
            faults.add(LONG_TAIL, "of other settings", path)
        elif what := code_fault(run.code, now):
            faults.add(LONG_TAIL, what, path)
        runs.append(run)
    return runs


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
