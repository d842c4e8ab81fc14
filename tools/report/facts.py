"""The numbers of the report, each group with the question that it answers."""

from dataclasses import dataclass, field

from helpers.metrics.comparison import AS_GOOD, BETTER, NOT_SHOWN, WORSE, Comparison
from helpers.metrics.image import Interval


@dataclass(frozen=True)
class DataFacts:
    """Question 1: what is in the folders.

    Attributes
    ----------
    category, source
        Name, and ``"generated"``, ``"MVTec AD"`` or ``"own pictures"``.
    train
        Good training images.
    test
        Number of test images of each class, good among them.
    sizes
        For each width, height and colour mode that occurs, the number of image files.
    regions
        Connected defect regions of all masks.
    area
        Least, median and largest share of a defective image that is marked.
    blind_auroc
        Pixel AUROC of a map that never looks and is brightest in the middle.
    """

    category: str
    source: str
    train: int
    test: dict[str, int]
    sizes: dict[tuple[int, int, str], int]
    regions: int
    area: tuple[float, float, float]
    blind_auroc: float

    @property
    def good(self) -> int:
        """Good test images."""
        return self.test["good"]

    @property
    def tested(self) -> int:
        """Test images."""
        return sum(self.test.values())

    @property
    def defective(self) -> int:
        """Defective test images."""
        return self.tested - self.good


@dataclass(frozen=True)
class Line:
    """One method over its seeds.

    Attributes
    ----------
    name
        The same everywhere in the book.
    number
        Of the assignment's attempt, or 0.
    auroc, spread
        Image AUROC: mean and standard deviation over the seeds.
    interval
        Of the mean, over images and seeds.
    pixel, aupro
        Means over the seeds.
    false_alarms, missed
        Shares of good images stopped and of defective ones passed, by the threshold from held-out
        good images; means over the seeds.
    fit_seconds, alone
        Seconds to fit, and milliseconds for a single image, of the first seed (NaN: not measured).
    """

    name: str
    number: int
    auroc: float
    spread: float
    interval: Interval
    pixel: float
    aupro: float
    false_alarms: float
    missed: float
    fit_seconds: float
    alone: float


@dataclass(frozen=True)
class AttemptFacts:
    """Question 2: the four attempts on the same test images.

    Attributes
    ----------
    lines
        Of each attempt, the baseline first.
    seeds
        Runs of each.
    gains
        Each other attempt compared with the baseline, corrected for their number.
    best
        Name of the attempt with the highest image AUROC.
    hardest, easiest
        Defect types, by the AUROC averaged over the attempts.
    escaped
        Defective images that every attempt misses with its first seed.
    """

    lines: tuple[Line, ...]
    seeds: int
    gains: dict[str, Comparison]
    best: str
    hardest: str
    easiest: str
    escaped: int

    @property
    def proven(self) -> list[str]:
        """Attempts that are shown to be better than the baseline."""
        return [name for name, one in self.gains.items() if one.verdict == BETTER]


@dataclass(frozen=True)
class TailFacts:
    """Question 3: remedies for a long tail.

    Attributes
    ----------
    counts
        Training images of each class, the most frequent first.
    factor
        Imbalance factor.
    alpha
        Of Balanced-MixUp.
    tested
        Images that the classifiers are tested on.
    seeds
        That all remedies have; what follows is over these.
    accuracy
        Mean balanced accuracy of each remedy.
    error
        Mean calibration error of each remedy.
    gains
        Gain in balanced accuracy of each remedy over plain training, with its interval, corrected
        for the number of remedies.
    shots
        Numbers of labelled images of each defect that were tried for good-or-defect classifiers.
    curve
        For each of two trainings the image AUROC of each run, for each of the shots.
    """

    counts: tuple[int, ...]
    factor: float
    alpha: float
    tested: int
    seeds: int
    accuracy: dict[str, float]
    error: dict[str, float]
    gains: dict[str, tuple[float, Interval]]
    shots: tuple[int, ...]
    curve: dict[str, dict[int, list[float]]]

    def shown(self, remedy: str) -> bool:
        """Whether a remedy's gain over plain training has an interval above 0."""
        return self.gains[remedy][1].low > 0

    @property
    def winner(self) -> str:
        """The remedy with the largest gain."""
        return max(self.gains, key=lambda name: self.gains[name][0])


@dataclass(frozen=True)
class StrategyFacts:
    """Question 4: training with good images only.

    Attributes
    ----------
    lines
        Of every attempt and strategy, the best first.
    behind
        Each other method compared with the best, corrected for their number.
    expected
        Mean false-alarm rate to expect of the thresholds.
    """

    lines: tuple[Line, ...]
    behind: dict[str, Comparison]
    expected: float

    def having(self, verdict: str) -> list[str]:
        """Names of the methods with this verdict against the best."""
        return [name for name, one in self.behind.items() if one.verdict == verdict]

    @property
    def worse(self) -> list[str]:
        """Shown to be worse than the best."""
        return self.having(WORSE)

    @property
    def equal(self) -> list[str]:
        """As good as the best, within the margin."""
        return self.having(AS_GOOD)

    @property
    def open(self) -> list[str]:
        """Not shown to differ from the best, nor to be as good."""
        return self.having(NOT_SHOWN)

    @property
    def best(self) -> Line:
        """The method with the highest image AUROC."""
        return self.lines[0]

    @property
    def false_alarms(self) -> float:
        """Mean share of good images stopped, over all methods."""
        return sum(line.false_alarms for line in self.lines) / len(self.lines)

    def line(self, name: str) -> Line:
        """Return the line of a method."""
        return next(line for line in self.lines if line.name == name)


@dataclass(frozen=True)
class Trained:
    """A model that learned from labelled defects.

    Attributes
    ----------
    task
        ``"boxes"`` or ``"masks"``.
    labels
        Labelled pictures of each defect that it learned from.
    value
        AP50 of boxes, mean IoU of masks; mean over the seeds.
    files
        The records.
    """

    task: str
    labels: int
    value: float
    files: tuple[str, ...]


@dataclass(frozen=True)
class LabelFacts:
    """Question 5: data for detection and segmentation.

    Attributes
    ----------
    objects, pictures, classes
        Of the annotated set, every connected region an object.
    least_area, join_within, joined
        The two rules, and how many objects they leave.
    parts
        Pictures of each part.
    trips
        For each format: masks, how many come back exactly, mean IoU.
    self_ap
        COCO's AP of the ground truth against itself.
    capped_ap
        AP of a perfect model that learned from outlines simplified by two pixels.
    trained
        What the chapters on detection and segmentation recorded, if they have.
    """

    objects: int
    pictures: int
    classes: tuple[str, ...]
    least_area: int
    join_within: int
    joined: int
    parts: dict[str, int]
    trips: dict[str, tuple[int, int, float]]
    self_ap: float
    capped_ap: float
    trained: tuple[Trained, ...] = ()


@dataclass(frozen=True)
class Numbers:
    """All numbers of the report, and where they come from.

    Attributes
    ----------
    profile
        Of the runs.
    fingerprint
        Of the images.
    files
        The records that were read, relative to the project.
    revisions
        Of the code of each method's records.
    machines, versions
        That the records name.
    caveats
        Faults of records that were let through, in English: what and which.
    """

    data: DataFacts
    attempts: AttemptFacts
    tail: TailFacts
    strategies: StrategyFacts
    labels: LabelFacts
    profile: str
    fingerprint: str
    files: tuple[str, ...]
    revisions: dict[str, int]
    machines: tuple[str, ...]
    versions: tuple[str, ...]
    caveats: dict[str, list[str]] = field(default_factory=dict)
