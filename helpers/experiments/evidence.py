"""What the records say of one method on one product, and how far that can be trusted."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan

import numpy as np

from helpers.experiments.detectors import defects_of
from helpers.experiments.segmentation import MaskCase
from helpers.experiments.store import Record
from helpers.metrics.image import Interval
from helpers.metrics.seeds import mean_auroc
from helpers.metrics.uncertainty import values_interval

STARTS = ("ImageNet", "formula", "random")
NO_WEIGHTS = "none"
ENCODERS = {"small": "U-Net", "imagenet": "U-Net, ImageNet weights"}  # the segmenters' names


@dataclass(frozen=True, eq=False)
class Group:
    """The runs of one method on one set of pictures.

    Attributes
    ----------
    method
        Its name.
    profile
        The settings, such as ``"full"``.
    runs
        A record for each seed; all of one form and one data set.
    labels
        Labelled defects of each type that it learned from; none for a detector.
    """

    method: str
    profile: str
    runs: Mapping[int, Record]
    labels: int | None = None

    @property
    def first(self) -> Record:
        """The record of the first seed: what all of them share is read from it."""
        return next(iter(self.runs.values()))

    @property
    def weights(self) -> str:
        """What its network began with."""
        return weights_of(self.first)

    @property
    def generated(self) -> bool:
        """Whether its pictures were."""
        return self.first.data["source"] == "generated"

    @property
    def images(self) -> float:
        """How many good pictures it was given; nan where the record does not say."""
        return self.first.data.get("train", nan)

    @property
    def milliseconds(self) -> float:
        """For one part alone; nan when not measured."""
        return 1000 * self.first.provenance.seconds.get("one image", nan)

    @property
    def defects(self) -> np.ndarray:
        """Name of each test image's defect, or "good"."""
        own = getattr(self.first.result, "defects", None)
        return defects_of(self.first) if own is None else np.array(own)


def weights_of(record: Record) -> str:
    """Return what a run's network began with: ImageNet, formula, random, or none."""
    source = record.provenance.backbone
    return next((start for start in STARTS if source.startswith(start)), NO_WEIGHTS)


def chosen_in_view(
    rules: Sequence[Mapping[str, str]], category: str, method: str, weights: str
) -> str:
    """Say what was chosen with a category's test images in view; empty for nothing.

    Parameters
    ----------
    rules
        Of ``book/records/chosen_in_view.json``. One applies where all that it names of category,
        method and weights is so.
    """
    row = {"category": category, "method": method, "weights": weights}
    found = (rule["what"] for rule in rules if all(row[k] == rule[k] for k in row if k in rule))
    return "; ".join(found)


def detector_groups(records: Iterable[Record], profile: str) -> list[Group]:
    """Group the records of detectors as they are, with other weights, or with fewer pictures."""
    found: dict[tuple, dict[int, Record]] = {}
    for one in records:
        data, variant = one.data, one.case["variant"]
        if set(variant) <= {"weights", "good images"}:
            kind = tuple(data[key] for key in ("category", "source", "fingerprint", "train"))
            key = (one.case["method"], weights_of(one), one.revision["method"], *kind)
            found.setdefault(key, {})[one.case["seed"]] = one
    return [Group(key[0], profile, dict(sorted(runs.items()))) for key, runs in found.items()]


def segmenter_groups(records: Iterable[Record], profile: str) -> list[Group]:
    """Group the records of segmenters that were shown every type of defect."""
    found: dict[tuple, dict[int, Record]] = {}
    for one in records:
        case = MaskCase(**one.case)
        if not case.left_out:
            name = ENCODERS.get(case.encoder, f"U-Net, {case.encoder} weights")
            key = (name, labels_of(one), one.data["category"], one.data["source"])
            found.setdefault(key, {})[case.seed] = one
    return [Group(key[0], profile, dict(sorted(r.items())), key[1]) for key, r in found.items()]


def labels_of(record: Record) -> int:
    """Return how many labelled defects of each type a segmenter learned from, on average."""
    case = MaskCase(**record.case)
    if case.folds is None:
        return case.labels
    defective = [name for name in record.result.defects if name != "good"]
    return round(len(defective) / len(set(defective)) * (1 - 1 / case.folds))


@dataclass(frozen=True)
class Evidence:
    """What one method was measured to do.

    Attributes
    ----------
    data
        Category and source, such as ``"grid, MVTec AD"``.
    images, labels
        What it learned from: good pictures, nan where the record does not say; labelled defects
        of each type, none for a detector.
    test
        Numbers of good and of defective test images.
    measure, value, interval
        The figure; without an interval where one training is all there is to make one of.
    stopped
        Shares of the defective and of the good images that the threshold stops, which was chosen
        on other good images; of a segmenter, those on which it meets the damage, and on which it
        marks something. None where there is no such threshold.
    seeds, profile, weights
        How many trainings, with which settings and which weights to begin with.
    in_view
        What was chosen with these test images in view; empty for nothing.
    earlier
        Whether the method has been changed since.
    """

    data: str
    images: float
    labels: int | None
    test: tuple[int, int]
    measure: str
    value: float
    interval: Interval | None
    stopped: tuple[float, float] | None
    seeds: int
    profile: str
    weights: str
    in_view: str = ""
    earlier: bool = False

    def text(self) -> str:
        """Say it in one line."""
        interval, (good, defective) = self.interval, self.test
        spread = f"{interval.low:.3f}–{interval.high:.3f}" if interval else "no interval"
        learned = [] if isnan(self.images) else [f"{self.images:.0f} good to learn from"]
        learned += [] if self.labels is None else [f"{self.labels} labelled of each type"]
        parts = [
            f"{self.measure} {self.value:.3f} ({spread}) on {self.data}: "
            + ", ".join([*learned, f"{good} good and {defective} defective to test"]),
            f"{self.profile}, {self.seeds} seed" + "s" * (self.seeds > 1),
        ]
        if self.stopped is not None:
            found, alarms = (round(100 * share) for share in self.stopped)
            parts.append(
                f"stops {found} % of these defects and {alarms} % of good parts"
                if self.labels is None
                else f"meets {found} % of the defects and marks {alarms} % of good parts"
            )
        parts += [f"{self.weights} weights"] if self.weights in STARTS[1:] else []
        parts += ["earlier form"] if self.earlier else []
        parts += [f"chosen in view: {self.in_view}"] if self.in_view else []
        return "; ".join(parts)


@dataclass(frozen=True)
class Assessor:
    """How groups become evidence.

    Attributes
    ----------
    rules
        Of ``book/records/chosen_in_view.json``.
    current
        Today's revision of each method, by name.
    """

    rules: Sequence[Mapping[str, str]]
    current: Mapping[str, int]

    def in_view(self, group: Group) -> str:
        """Say what was chosen with the group's test images in view; generated ones may be seen."""
        if group.generated:
            return ""
        category = group.first.data["category"]
        return chosen_in_view(self.rules, category, group.method, group.weights)

    def earlier(self, group: Group) -> bool:
        """Whether the method was changed after these runs."""
        return group.first.revision["method"] < self.current.get(group.method, 0)

    def by_images(self, group: Group, keep: np.ndarray) -> Evidence:
        """Measure how well a detector tells images apart; ``keep`` says which ones, N bool.

        Raises
        ------
        ValueError
            When those kept are not of both kinds.
        """
        labels = (group.defects != "good").astype(int)[keep]
        scores = {s: np.array(run.result.image_scores)[keep] for s, run in group.runs.items()}
        value, interval = mean_auroc(labels, list(scores.values()))
        above = np.mean(
            [scores[s] > run.result.threshold.value for s, run in group.runs.items()], axis=0
        )
        stopped = (float(above[labels == 1].mean()), float(above[labels == 0].mean()))
        return self._evidence(group, labels, "image AUROC", value, interval, stopped)

    def by_pixels(self, group: Group) -> Evidence:
        """Measure how well the maps of a detector or a segmenter find the damage."""
        labels = (group.defects != "good").astype(int)
        values = {seed: run.result.aupro for seed, run in group.runs.items()}
        interval = None
        if len(values) > 1:
            found = values_interval(list(values.values()))
            interval = Interval(max(0.0, found.low), min(1.0, found.high), found.level)
        value = float(np.mean(list(values.values())))
        return self._evidence(group, labels, "AUPRO", value, interval, _met(group))

    def _evidence(
        self,
        group: Group,
        labels: np.ndarray,
        measure: str,
        value: float,
        interval: Interval | None,
        stopped: tuple[float, float] | None,
    ) -> Evidence:
        data = group.first.data
        return Evidence(
            data=f"{data['category']}, {data['source']}",
            images=group.images,
            labels=group.labels,
            test=(int((labels == 0).sum()), int(labels.sum())),
            measure=measure,
            value=value,
            interval=interval,
            stopped=stopped,
            seeds=len(group.runs),
            profile=group.profile,
            weights=group.weights,
            in_view=self.in_view(group),
            earlier=self.earlier(group),
        )


def _met(group: Group) -> tuple[float, float] | None:
    """Return where a segmenter meets the damage, and marks good parts; none of a detector."""
    results = [run.result for run in group.runs.values()]
    if any(getattr(result, "at_rate", None) is None for result in results):
        return None
    met = float(np.mean([result.met_at_rate() for result in results]))
    return met, float(np.mean([result.alarms_at_rate() for result in results]))
