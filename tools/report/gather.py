"""All numbers of the report, gathered; or a refusal that says what to run."""

from dataclasses import dataclass

from helpers.data.category import Category, split_good
from helpers.data.load import generate_category, load_category
from helpers.experiments.detectors import results_folder
from helpers.experiments.long_tail import file_name, record_folder
from helpers.experiments.report import LIBRARIES, record_path
from helpers.profiles import Profile
from tools.report.facts import Numbers
from tools.report.labelled_data import label_facts
from tools.report.measured import attempt_facts, data_facts, strategy_facts, tail_facts
from tools.report.records import Faults, detector_runs, relative, tail_cases, tail_runs

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
        Whether records of older or unknown code are let through, with a caveat.

    Raises
    ------
    DataError
        When a record is missing or damaged, or is of other images, settings or code.
    """
    sizes = {profile.image_size, profile.feature_size, FULL_DETAIL}
    categories = {size: load_category(profile.category, size=size) for size in sizes}
    images = len(split_good(categories[profile.image_size].train)[0])
    folder, faults, cases = results_folder(profile), Faults(), tail_cases()
    runs = detector_runs(profile, folder, categories, images, faults)
    tail = tail_runs(profile, faults, cases)
    caveats = faults.check(allow_stale)
    judged, large = categories[profile.image_size], categories[FULL_DETAIL]
    reports = [report for found in runs.values() for report in found]
    first = reports[0].environment
    made, labelled = generate_category(profile.image_size), label_facts(large)
    numbers = Numbers(
        data=data_facts(large),
        attempts=attempt_facts(profile, judged, runs, images),
        tail=tail_facts(tail, made.labels, runs if made.fingerprint == judged.fingerprint else {}),
        strategies=strategy_facts(judged, runs),
        labels=labelled,
        profile=profile.name,
        fingerprint=judged.fingerprint,
        files=tuple(
            relative(record_path(folder, categories[r.data["size"]], r.method, r.seed))
            for r in reports
        )
        + tuple(relative(record_folder(profile) / file_name(chosen)) for chosen in cases)
        + tuple(file for one in labelled.trained for file in one.files),
        codes={name: found[0].code for name, found in runs.items()} | {"Long tail": tail[0].code},
        machines=tuple(sorted({report.environment["machine"] for report in reports})),
        versions=tuple(f"{name} {first[name]}" for name in ("python", *LIBRARIES)),
        caveats=caveats,
    )
    return Gathered(numbers, large)
