"""From records and images to the numbers of the report."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from helpers.annotations.regions import regions
from helpers.data.category import Category
from helpers.data.load import list_images
from helpers.detectors import catalogue
from helpers.experiments.long_tail_cases import SHOTS, TASKS, case
from helpers.experiments.store import Record
from helpers.long_tail.classifier import REMEDIES
from helpers.long_tail.counts import imbalance_factor
from helpers.metrics.comparison import Comparison, compare_all, compare_all_values
from helpers.metrics.image import image_auroc
from helpers.metrics.pixel import pixel_auroc
from helpers.metrics.report import Report
from helpers.metrics.seeds import mean_auroc
from helpers.plain import plain
from helpers.profiles import Profile
from tools.report.facts import AttemptFacts, DataFacts, Line, StrategyFacts, TailFacts
from tools.report.records import TAIL_COUNTS

Runs = Mapping[str, Sequence[Record]]
BASELINE = "Baseline autoencoder"


def data_facts(category: Category) -> DataFacts:
    """Answer question 1 from the files' headers, the masks and the labels.

    Parameters
    ----------
    category
        With images of full detail: small defects vanish in small ones.
    """
    files = list_images(category.name)
    sizes = files[["width", "height", "mode"]].value_counts()
    kinds, counts = np.unique(category.defects, return_counts=True)
    masks = category.masks[category.labels == 1]
    area = masks.mean(axis=(1, 2))
    side = category.masks.shape[-1]
    from_centre = np.hypot(*(np.indices((side, side)) - side / 2))
    return DataFacts(
        category=category.name,
        source=category.source,
        train=len(category.train),
        test={str(kind): int(count) for kind, count in zip(kinds, counts, strict=True)},
        sizes={key: int(count) for key, count in sizes.items()},
        regions=sum(len(regions(mask)) for mask in masks),
        area=(float(area.min()), float(np.median(area)), float(area.max())),
        blind_auroc=pixel_auroc(
            category.masks, np.broadcast_to(-from_centre, category.masks.shape)
        ),
    )


def attempt_facts(profile: Profile, category: Category, runs: Runs) -> AttemptFacts:
    """Answer question 2; ``runs`` has each attempt, of equally many seeds."""
    tried = catalogue.all_attempts(profile, len(category.train))
    labels, defects = category.labels, category.defects
    lines = tuple(_line(a.name, labels, runs[a.name], a.attempt) for a in tried)
    kinds = [str(kind) for kind in np.unique(defects) if kind != "good"]
    by_kind = {k: _mean(lambda r, k=k: r.auroc_per_defect[k], runs, lines) for k in kinds}
    missed = [_missed(runs[line.name][0]) for line in lines]
    return AttemptFacts(
        lines=lines,
        seeds=min(len(runs[line.name]) for line in lines),
        gains=_compared(labels, lines, runs, BASELINE),
        best=max(lines, key=lambda line: line.auroc).name,
        hardest=min(kinds, key=by_kind.get),
        easiest=max(kinds, key=by_kind.get),
        escaped=int((np.all(missed, axis=0) & (labels == 1)).sum()),
    )


def strategy_facts(category: Category, runs: Runs) -> StrategyFacts:
    """Answer question 4 from all attempts and strategies."""
    labels = category.labels
    lines = [_line(name, labels, found, 0) for name, found in runs.items()]
    lines.sort(key=lambda line: -line.auroc)
    best = lines[0].name
    behind = _compared(labels, lines, runs, best)
    asked = [r.result.threshold.expected_false_alarm_rate for found in runs.values() for r in found]
    return StrategyFacts(tuple(lines), behind, expected=float(np.mean(asked)))


def tail_facts(runs: Sequence[Record], labels: np.ndarray) -> TailFacts:
    """Answer question 3 from the records of chapter 8.

    Parameters
    ----------
    runs
        Of all cases that ``records.tail_cases`` names.
    labels
        Of the generated test images that the runs' image scores belong to.
    """

    def having(remedy: str, counts: Sequence[int] = TAIL_COUNTS, task: str = TASKS[0]) -> list:
        wanted = plain(case(counts, remedy, 0, task=task))
        found = [run for run in runs if run.case | {"seed": 0} == wanted]
        return sorted(found, key=lambda run: run.case["seed"])

    def recall(run: Record) -> float:
        return run.result.recalls.mean()

    found = {n: {run.case["seed"]: run for run in having(n)} for n in REMEDIES}
    shared = sorted(set.intersection(*map(set, found.values())))  # the same seeds for all
    recalls = {n: {s: recall(runs[s]) for s in shared} for n, runs in found.items()}
    gains = compare_all_values(recalls, "plain", "balanced accuracy")

    def aurocs(remedy: str, n: int) -> list[float]:
        found = having(remedy, (TAIL_COUNTS[0], n, n, n, n), TASKS[1])
        return [image_auroc(labels, run.result.image_scores) for run in found]

    return TailFacts(
        counts=tuple(TAIL_COUNTS),
        factor=imbalance_factor(TAIL_COUNTS),
        alpha=case(TAIL_COUNTS, "Balanced-MixUp").alpha,
        tested=int(np.sum(having("plain")[0].result.confusion)),
        seeds=len(shared),
        accuracy={n: float(np.mean(list(recalls[n].values()))) for n in REMEDIES},
        error={
            n: float(np.mean([found[n][s].result.calibration_error for s in shared]))
            for n in REMEDIES
        },
        gains={name: (one.difference, one.interval) for name, one in gains.items()},
        shots=SHOTS,
        curve={r: {n: aurocs(r, n) for n in SHOTS} for r in ("plain", "Balanced-MixUp")},
    )


def _line(name: str, labels: np.ndarray, found: Sequence[Record], number: int) -> Line:
    _, interval = mean_auroc(labels, list(_by_seed(found).values()))
    reports = [record.result for record in found]
    aurocs = [report.image_auroc for report in reports]
    first = found[0].provenance.seconds
    return Line(
        name=name,
        number=number,
        auroc=float(np.mean(aurocs)),
        spread=float(np.std(aurocs, ddof=1)) if len(aurocs) > 1 else 0.0,
        interval=interval,
        pixel=float(np.mean([report.pixel_auroc for report in reports])),
        aupro=float(np.mean([report.aupro for report in reports])),
        false_alarms=float(np.mean([report.false_alarm_rate for report in reports])),
        missed=float(np.mean([report.miss_rate for report in reports])),
        fit_seconds=first["fit"],
        alone=1000 * first.get("one image", np.nan),
    )


def _compared(
    labels: np.ndarray, lines: Sequence[Line], runs: Runs, reference: str
) -> dict[str, Comparison]:
    return compare_all(labels, {line.name: _by_seed(runs[line.name]) for line in lines}, reference)


def _by_seed(found: Sequence[Record]) -> dict[int, np.ndarray]:
    return {record.case["seed"]: np.array(record.result.image_scores) for record in found}


def _missed(record: Record) -> np.ndarray:
    return np.array(record.result.image_scores) <= record.result.threshold.value


def _mean(value: Callable[[Report], float], runs: Runs, lines: Sequence[Line]) -> float:
    return float(np.mean([np.mean([value(r.result) for r in runs[line.name]]) for line in lines]))
