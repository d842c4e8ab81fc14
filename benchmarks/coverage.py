"""How often each kind of interval that the book prints holds the true value.

A true value is known where the data are simulated. So: draw test sets and trainings many times,
make the interval each time, count how often it holds the truth.

    .venv/bin/python -m benchmarks.coverage [--experiments 2000]

Prints one table in Markdown: the kind of interval, the setting, its nominal level, the simulated
coverage and the mean width. Minutes on one core.
"""

from collections.abc import Callable, Iterator
from functools import cache
from itertools import product

import numpy as np
from scipy import optimize, stats
from scipy.special import expit

from benchmarks.common import command_line
from helpers.metrics.comparison import AS_GOOD, compare, compare_all, compare_values
from helpers.metrics.detection_probability import DetectionCurve, detection_curve
from helpers.metrics.image import auroc_interval, roc_curve_with_band
from helpers.metrics.ranks import rank_correlation
from helpers.metrics.seeds import mean_auroc
from helpers.metrics.threshold import SPREAD_LEVEL, threshold_from_good
from helpers.metrics.uncertainty import LEVEL, image_variances, placements

Row = tuple[str, str, float, float, float]  # kind, setting, nominal level, coverage, mean width
Ends = tuple[float, float]
AUROCS = (0.85, 0.95, 0.99)
SIZES = ((40, 70), (20, 60), (20, 20))
SHAPES = ("normal", "skewed", "in steps", "defects missed", "good outliers")
RESAMPLES = 500  # of the percentile bootstrap, which is here to compare with
SEEDS = range(3)
LABELS = np.repeat([0, 1], [40, 70])
FAR = 20  # standard deviations between classes that are told apart without fail


@cache
def step_shift(auroc: float) -> float:
    """Return the shift at which normal scores, rounded to whole numbers, have this AUROC."""
    steps = np.arange(-10, 20)

    def share(shift: float) -> float:
        good = np.diff(stats.norm.cdf(np.append(steps, 20) - 0.5))
        defective = np.diff(stats.norm.cdf(np.append(steps, 20) - 0.5 - shift))
        return float(defective @ (np.cumsum(good) - good / 2))

    return optimize.brentq(lambda shift: share(shift) - auroc, 0, 10)


def draw(shape: str, auroc: float, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw N scores whose true AUROC is ``auroc``.

    Normal: both classes, of one variance. Skewed: both exponential. In steps: normal ones rounded
    to whole numbers. Defects missed, good outliers: some of one class look exactly like the
    other, and all else is in order.
    """
    noise = rng.normal(size=labels.size)
    odd = rng.random(labels.size) < 2 * (1 - auroc)  # each in order with half of the others
    if shape == "skewed":
        return rng.exponential(size=labels.size) * np.where(labels == 1, auroc / (1 - auroc), 1)
    if shape == "in steps":
        return np.round(noise + step_shift(auroc) * labels)
    if shape == "defects missed":
        return noise + FAR * ((labels == 1) & ~odd)
    if shape == "good outliers":
        return noise + FAR * ((labels == 1) | odd)
    return noise + np.sqrt(2) * stats.norm.ppf(auroc) * labels


def trained(
    aurocs: list[float], spread: float, shared: float, rng: np.random.Generator
) -> list[dict[int, np.ndarray]]:
    """Draw the scores of several methods on one test set, for each seed.

    Parameters
    ----------
    aurocs
        True value of each method, over all images and trainings.
    spread
        Standard deviation over trainings of how far defective scores lie from good ones, in
        standard deviations of the scores; 0.1 moves an AUROC of .85 by .016, one of .98 by .004.
    shared
        Share of an image's difficulty that is the same for all methods; of the rest, half is the
        method's own and half each training's.
    """
    size = LABELS.size
    hard, own = rng.normal(size=size), (1 - shared) / 2
    methods = []
    for auroc in aurocs:
        gap = stats.norm.ppf(auroc) * np.sqrt(2 + spread**2)
        base = np.sqrt(shared) * hard + np.sqrt(own) * rng.normal(size=size)
        methods.append(
            {
                seed: base
                + np.sqrt(own) * rng.normal(size=size)
                + (gap + spread * rng.normal()) * LABELS
                for seed in SEEDS
            }
        )
    return methods


def percentile(labels: np.ndarray, scores: np.ndarray, rng: np.random.Generator) -> Ends:
    """Return the ends of the percentile bootstrap of the AUROC, good and defective drawn apart."""
    good, defective = scores[labels == 0], scores[labels == 1]
    order = (defective[:, None] > good) + 0.5 * (defective[:, None] == good)
    of_good, of_defective = (
        rng.multinomial(n, np.full(n, 1 / n), RESAMPLES) for n in (good.size, defective.size)
    )
    found = ((of_defective @ order) * of_good).sum(axis=1) / order.size
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def logit(labels: np.ndarray, scores: np.ndarray) -> Ends:
    """Return the ends of DeLong's interval on the logit scale; a point where all is in order."""
    parts = placements(labels, scores)
    if parts.auroc in (0, 1):
        return parts.auroc, parts.auroc
    middle = np.log(parts.auroc / (1 - parts.auroc))
    half = stats.norm.ppf((1 + LEVEL) / 2) * np.sqrt(sum(image_variances(parts)))
    half /= parts.auroc * (1 - parts.auroc)
    return float(1 / (1 + np.exp(half - middle))), float(1 / (1 + np.exp(-half - middle)))


def simulated(kind: str, setting: str, level: float, once: Callable, experiments: int) -> Row:
    """Repeat an experiment that returns the truth and an interval's two ends."""
    rng = np.random.default_rng(0)
    found = np.array([once(rng) for _ in range(experiments)])
    truth, low, high = found.T
    # Rounding must not decide where a truth lies on an end.
    held = (low <= truth + 1e-12) & (truth <= high + 1e-12)
    return kind, setting, level, float(held.mean()), float((high - low).mean())


def ends(interval: object) -> Ends:
    return interval.low, interval.high


def of_one_run(experiments: int) -> Iterator[Row]:
    """Yield the intervals of one AUROC: the book's, and two others for comparison."""

    def book(shape: str, auroc: float, labels: np.ndarray) -> Callable:
        return lambda rng: (auroc, *ends(auroc_interval(labels, draw(shape, auroc, labels, rng))))

    for shape, size, auroc in product(SHAPES, SIZES, AUROCS):
        once = book(shape, auroc, np.repeat([0, 1], size))
        setting = f"{shape}, {size[0]} / {size[1]}, AUROC {auroc}"
        yield simulated("AUROC", setting, LEVEL, once, experiments)
    for auroc in AUROCS:
        setting = f"normal, 40 / 70, AUROC {auroc}"
        for kind, other in (
            ("AUROC, percentile bootstrap (not used)", percentile),
            ("AUROC, DeLong on the logit (not used)", lambda *drawn: logit(*drawn[:2])),
        ):

            def once(rng: np.random.Generator, a: float = auroc, make: Callable = other) -> tuple:
                return a, *make(LABELS, draw("normal", a, LABELS, rng), rng)

            yield simulated(kind, setting, LEVEL, once, experiments)


def of_seeds(experiments: int) -> Iterator[Row]:
    """Yield the intervals of the mean AUROC over three seeds, images and trainings together."""
    for auroc, spread in product((0.85, 0.95, 0.98), (0, 0.1, 0.3)):

        def once(rng: np.random.Generator, a: float = auroc, s: float = spread) -> tuple:
            (runs,) = trained([a], s, 0.5, rng)
            return a, *ends(mean_auroc(LABELS, list(runs.values()))[1])

        setting = f"3 seeds of spread {spread}, 40 / 70, AUROC {auroc}"
        yield simulated("mean AUROC over seeds", setting, LEVEL, once, experiments)


PAIRS = ((0.85, 0.85), (0.95, 0.85), (0.98, 0.85), (0.99, 0.95), (0.98, 0.98))


def of_differences(experiments: int) -> Iterator[Row]:
    """Yield the intervals of differences: one run each, and three seeds each."""
    for (a, b), shared in product(PAIRS, (0.3, 0.8)):

        def once(rng: np.random.Generator, a: float = a, b: float = b, c: float = shared) -> tuple:
            one, other = (runs[0] for runs in trained([a, b], 0, c, rng))
            return a - b, *ends(compare(LABELS, one, other, "A", "B").interval)

        setting = f"40 / 70, {a} against {b}, {shared:.0%} of difficulty shared"
        yield simulated("difference, one run each", setting, LEVEL, once, experiments)
    for shape, (a, b) in product(("defects missed", "good outliers"), ((0.98, 0.9), (0.95, 0.95))):

        def once(rng: np.random.Generator, shape: str = shape, a: float = a, b: float = b) -> tuple:
            one, other = (draw(shape, auroc, LABELS, rng) for auroc in (a, b))
            return a - b, *ends(compare(LABELS, one, other, "A", "B").interval)

        setting = f"40 / 70, {shape}, {a} against {b}"
        yield simulated("difference, one run each", setting, LEVEL, once, experiments)
    for (a, b), spread in product(PAIRS, (0, 0.1, 0.3)):

        def once(rng: np.random.Generator, a: float = a, b: float = b, s: float = spread) -> tuple:
            return a - b, *ends(compare(LABELS, *trained([a, b], s, 0.5, rng), "A", "B").interval)

        setting = f"3 seeds of spread {spread}, 40 / 70, {a} against {b}"
        yield simulated("difference over seeds", setting, LEVEL, once, experiments)


def of_families(experiments: int) -> Iterator[Row]:
    """Yield how often all of five corrected intervals hold, and how often a verdict is false."""
    names = ["reference", "A", "B", "C", "D", "E"]

    def compared(rng: np.random.Generator, aurocs: list[float], spread: float) -> list:
        runs = dict(zip(names, trained(aurocs, spread, 0.5, rng), strict=True))
        return list(compare_all(LABELS, runs, "reference").values())

    for aurocs, spread in product(([0.85] * 6, [0.85, 0.85, 0.9, 0.95, 0.98, 0.99]), (0, 0.1, 0.3)):
        truths = np.array(aurocs[1:]) - aurocs[0]

        def once(
            rng: np.random.Generator,
            aurocs: list[float] = aurocs,
            spread: float = spread,
            truths: np.ndarray = truths,
        ) -> tuple:
            intervals = [comparison.interval for comparison in compared(rng, aurocs, spread)]
            wrong = max(
                max(i.low - truth, truth - i.high)
                for i, truth in zip(intervals, truths, strict=True)
            )
            half = float(np.mean([i.high - i.low for i in intervals])) / 2
            return (0, -half, half) if wrong <= 0 else (1, -half, half)

        same = "all equal, .85" if len(set(aurocs)) == 1 else "from .85 to .99"
        setting = f"all of 5 intervals, 3 seeds of spread {spread}, {same}"
        yield simulated("differences, corrected", setting, LEVEL, once, experiments)


def of_verdicts(experiments: int) -> Iterator[Row]:
    """Yield the share of verdicts that are not false; there is no width."""
    for margin, (a, b) in product((0.02, 0.05), ((0.98, None), (0.95, None))):
        b = a - margin

        def once(
            rng: np.random.Generator, a: float = a, b: float = b, margin: float = margin
        ) -> tuple:
            one, other = trained([a, b], 0.1, 0.8, rng)
            said = compare(LABELS, one, other, "A", "B", margin=margin).verdict == AS_GOOD
            return float(said), 0, 0

        setting = f"not “as good”, {a} against {b:.2f}, margin {margin}"
        yield simulated("equivalence, 3 seeds", setting, LEVEL, once, experiments)


def of_figures(experiments: int) -> Iterator[Row]:
    """Yield Student's interval for figures of which each seed has one."""
    for count in (3, 5, 10):

        def once(rng: np.random.Generator, count: int = count) -> tuple:
            one, other = (dict(enumerate(values)) for values in rng.normal(size=(2, count)))
            return 0.0, *ends(compare_values(one, other, "A", "B", "AUPRO").interval)

        setting = f"{count} seeds, width in standard deviations of a run"
        yield simulated("difference of any figure, paired t", setting, LEVEL, once, experiments)


def of_shares(experiments: int) -> Iterator[Row]:
    """Yield Wilson's interval for a share, and what a threshold's false alarms are said to be."""
    for count, share in product((40, 100), (0.01, 0.05, 0.2)):

        def once(rng: np.random.Generator, count: int = count, share: float = share) -> tuple:
            test = stats.binomtest(int(rng.binomial(count, share)), count)
            return share, *test.proportion_ci(LEVEL, "wilson")

        yield simulated("share, Wilson", f"{share:.0%} of {count}", LEVEL, once, experiments)
    for held_out in (20, 59, 100):

        def once(rng: np.random.Generator, count: int = held_out) -> tuple:
            threshold = threshold_from_good(rng.normal(size=count))
            return stats.norm.sf(threshold.value), threshold.low, threshold.high

        setting = f"{held_out} held-out good images, 5 % asked"
        yield simulated("false alarms of a threshold", setting, SPREAD_LEVEL, once, experiments)


def of_curves(experiments: int) -> Iterator[Row]:
    """Yield the pointwise band of the ROC curve at a false positive rate of a tenth."""
    for auroc in (0.85, 0.95):

        def once(rng: np.random.Generator, auroc: float = auroc) -> tuple:
            roc = roc_curve_with_band(
                LABELS, draw("normal", auroc, LABELS, rng), points=11, resamples=RESAMPLES
            )
            gap = np.sqrt(2) * stats.norm.ppf(auroc)
            return stats.norm.sf(stats.norm.isf(0.1) - gap), roc.low[1], roc.high[1]

        setting = f"40 / 70, AUROC {auroc}, at a tenth of false positives"
        yield simulated("band of the ROC curve", setting, LEVEL, once, experiments // 4)


def of_ranks(experiments: int) -> Iterator[Row]:
    """Yield the interval of Spearman's ρ between two orders of the same methods."""
    for count, rho in product((8, 12), (0.5, 0.8, 0.95)):
        # Of normal figures with the correlation r, Spearman's ρ is 6 / π arcsin(r / 2).
        r = 2 * np.sin(np.pi * rho / 6)

        def once(
            rng: np.random.Generator, r: float = r, rho: float = rho, count: int = count
        ) -> tuple:
            first, own = rng.normal(size=(2, count))
            found = rank_correlation(first, r * first + np.sqrt(1 - r * r) * own)
            return rho, *ends(found.interval)

        setting = f"{count} methods, ρ {rho}"
        yield simulated("Spearman's ρ", setting, LEVEL, once, experiments // 4)


def wald(curve: DetectionCurve, size: float) -> Ends:
    """Return Wald's interval of the probability of detection, on the logit."""
    design = np.array([1, np.log(size)])
    reach = stats.norm.ppf((1 + LEVEL) / 2) * np.sqrt(design @ curve.covariance @ design)
    return tuple(expit(design @ curve.line + np.array([-reach, reach])))


def of_detection(experiments: int) -> Iterator[Row]:
    """Yield the interval of the probability of detection at one size, and Wald's beside it."""
    lines = {"steep": np.array([-6.0, 3.0]), "flat": np.array([-2.5, 1.2])}
    for count, name, size in product((18, 70), lines, (4.0, 10.0, 30.0)):
        sizes, line = np.geomspace(2, 50, count), lines[name]
        for kind in ("probability of detection", "probability of detection, Wald's (not used)"):

            def once(
                rng: np.random.Generator,
                kind: str = kind,
                sizes: np.ndarray = sizes,
                line: np.ndarray = line,
                size: float = size,
            ) -> tuple:
                found = rng.random(len(sizes)) < expit(line[0] + line[1] * np.log(sizes))
                curve = detection_curve(sizes, found)
                if "Wald" in kind:
                    return expit(line[0] + line[1] * np.log(size)), *wald(curve, size)
                low, high = curve.bounds([size], LEVEL)
                return expit(line[0] + line[1] * np.log(size)), low[0], high[0]

            setting = f"{count} defects, a {name} curve, {size:g} pixels"
            yield simulated(kind, setting, LEVEL, once, experiments // 2)


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--experiments", type=int, default=2000)
    experiments = parser.parse_args().experiments
    print("| interval | setting | nominal | coverage | mean width |\n|---|---|---|---|---|")
    for rows in (
        of_one_run,
        of_seeds,
        of_differences,
        of_families,
        of_verdicts,
        of_figures,
        of_shares,
        of_curves,
        of_ranks,
        of_detection,
    ):
        for kind, setting, level, held, width in rows(experiments):
            print(f"| {kind} | {setting} | {level:.2f} | {held:.3f} | {width:.3f} |", flush=True)


if __name__ == "__main__":
    main()
