"""All numbers of the report, gathered; or a refusal that says what to run."""

from dataclasses import dataclass

from helpers.data.category import Category
from helpers.data.load import generate_category, load_category
from helpers.experiments.detectors import DETECTORS
from helpers.experiments.long_tail import LONG_TAIL
from helpers.experiments.long_tail_cases import TIER
from helpers.experiments.store import LIBRARIES, path_of
from helpers.profiles import Profile
from tools.report.facts import Numbers
from tools.report.labelled_data import label_facts
from tools.report.measured import attempt_facts, data_facts, strategy_facts, tail_facts
from tools.report.records import (
    Faults,
    check_scores,
    detector_records,
    relative,
    tail_cases,
    tail_records,
)

FULL_DETAIL = 256  # pixels: for counting defects, as in chapters 1 and 15


@dataclass(frozen=True, eq=False)
class Gathered:
    """The numbers of the report, and the images that its pictures show."""

    numbers: Numbers
    category: Category


def gather(profile: Profile, allow_stale: bool = False) -> Gathered:
    """Read the records of the latest run, check them, and count what needs no record.

    Parameters
    ----------
    profile
        Whose run is reported.
    allow_stale
        Whether records of another revision of the code are let through, with a caveat.

    Raises
    ------
    DataError
        When a record is missing or damaged, or is of other images, settings or another revision.
    """
    sizes = {profile.image_size, profile.feature_size, FULL_DETAIL}
    categories = {size: load_category(profile.category, size=size) for size in sizes}
    faults = Faults()
    runs = detector_records(profile, faults)
    tail = tail_records(profile, faults, tail_cases())
    caveats = faults.check(allow_stale)
    tested, large = categories[profile.image_size], categories[FULL_DETAIL]
    read = {DETECTORS: [record for found in runs.values() for record in found], LONG_TAIL: tail}
    check_scores(read[DETECTORS], DETECTORS.folder(profile.name), tested.defects)
    environments = [record.provenance.environment for record in read[DETECTORS]]
    made, labelled = generate_category(profile.image_size, tier=TIER), label_facts(large)
    numbers = Numbers(
        data=data_facts(large),
        attempts=attempt_facts(profile, tested, runs),
        tail=tail_facts(tail, made.labels),
        strategies=strategy_facts(tested, runs),
        labels=labelled,
        profile=profile.name,
        fingerprint=tested.fingerprint,
        files=tuple(
            relative(path_of(experiment.folder(profile.name), record))
            for experiment, records in read.items()
            for record in records
        )
        + tuple(file for one in labelled.trained for file in one.files),
        revisions={
            name: found[0].revision["method"]
            for name, found in (runs | {"Long tail": tail}).items()
        },
        machines=tuple(sorted({one["machine"] for one in environments})),
        versions=tuple(f"{name} {environments[0][name]}" for name in ("python", *LIBRARIES)),
        caveats=caveats,
    )
    return Gathered(numbers, large)
