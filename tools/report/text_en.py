"""The report in English."""

from tools.report.answers import Answer, Page, Table, joined, signed, span
from tools.report.facts import (
    AttemptFacts,
    DataFacts,
    LabelFacts,
    Line,
    Numbers,
    StrategyFacts,
    TailFacts,
)

AXES = {
    "gain": "gain in image AUROC over the baseline,\nwith 95 % interval",
    "shots": "labelled images of each defect",
    "auroc": "image AUROC",
    "alone": "milliseconds for one image alone",
}
REASONS = {
    "Baseline autoencoder": "what is hard to redraw is, here, what is damaged",
    "ResNet18 to pixels": "the encoder brings what few pictures cannot teach",
    "ResNet18 features": "it measures where a frozen network sees a difference",
    "CutPaste": "the whole part looks wrong when a piece of it is",
    "CutPaste, patch-wise": "it looks closely, and trains on damage",
    "SSIM, multi-scale, skips": "it learns to repair, and damage is what it repairs",
}
SHOWN = ("CutPaste", "PatchCore", "Contrastive memory", "FastFlow", "Student–teacher", "GAN",
         "Diffusion")  # fmt: skip


def page(numbers: Numbers) -> Page:
    """Return the report's text, every number of it from ``numbers``."""
    n = numbers
    return Page(
        language="en",
        title="One bad nut: industrial anomaly detection",
        line=(
            f"Report on {n.data.category} ({n.data.source}), profile “{n.profile}”. Every number "
            "comes from the records of the run named at the end."
        ),
        question="Question {number}: {title} ({points} points)",
        answers=(
            _data(n.data),
            _attempts(n.attempts, n.data),
            _tail(n.tail),
            _strategies(n.strategies, n.data),
            _labels(n.labels),
        ),
        sources_title="Where the numbers come from",
        sources=_sources(n),
        caveat=_caveat(n),
    )


def _data(d: DataFacts) -> Answer:
    kinds = [kind for kind in d.test if kind != "good"]
    least, middle, most = (f"{100 * value:.1f}" for value in d.area)
    if len(d.sizes) == 1:
        ((width, height, mode),) = d.sizes
        sizes = f"every image has {width} × {height} pixels, mode {mode}"
    else:
        sizes = f"they have {len(d.sizes)} different sizes or modes"
    counts = joined([f"{d.test[kind]} {kind}" for kind in kinds], " and ")
    return Answer(
        title="know your data",
        summary=(
            f"The category {d.category} ({d.source}) has {d.train + d.tested} images: {d.train} "
            f"for training, all good, and {d.tested} for testing, of which {d.good} are good and "
            f"{d.defective} defective ({counts}). So a model must learn what good is, and has never "
            f"seen a defect before it is judged. The headers of all files were read: {sizes}. Each "
            f"defect has a mask. Together the masks hold {d.regions} connected regions, and they "
            f"cover between {least} % and {most} % of a defective image, {middle} % in the median: a "
            f"score that averages over the whole picture drowns the small ones. Accuracy would "
            f"mislead, since always answering “defective” is right in "
            f"{100 * d.defective / d.tested:.1f} % of these tests. We report the AUROC with its "
            f"bootstrap interval, because {d.good} × {d.defective} pairs are few. A map that never "
            f"looks, brightest in the middle, already reaches a pixel AUROC of {d.blind_auroc:.2f}. "
            f"Thresholds come from held-out good images only."
        ),
        table=Table(
            ("class", *d.test, "all"),
            (
                ("training", *(str(d.train) if k == "good" else "0" for k in d.test), str(d.train)),
                ("test", *map(str, d.test.values()), str(d.tested)),
            ),
        ),
        captions={"data": "One test image of each class; the damage is outlined by its mask."},
    )


def _attempts(a: AttemptFacts, d: DataFacts) -> Answer:
    by_name = {line.name: line for line in a.lines}
    baseline, best = a.lines[0], by_name[a.best]
    worst = min(a.lines, key=lambda line: line.auroc)
    if a.best == baseline.name:
        lead = "No attempt exceeds it"
    else:
        gain, interval = a.gains[a.best]
        lead = (
            f"The best attempt, {best.name}, reaches {best.auroc:.3f}: {signed(gain)} on the same "
            f"images, with an interval from {signed(interval.low)} to {signed(interval.high)}"
        )
    return Answer(
        title="four attempts, and why the best is best",
        summary=(
            f"All attempts saw the same {d.train} good images, were judged on the same {d.tested} "
            f"test images, and ran with {a.seeds} seeds; the last epoch counts, never the best. The "
            f"baseline autoencoder has an image AUROC of {baseline.auroc:.3f}. {lead}. A likely "
            f"reason: {REASONS[a.best]}. Of the {len(a.gains)} gains over the baseline, "
            f"{len(a.proven)} cannot be explained by the choice of test images. The lowest "
            f"figure is that of {worst.name}, {worst.auroc:.3f}. The easiest damage is {a.easiest}, "
            f"the hardest {a.hardest}, and {a.escaped} of {d.defective} damaged images escape every "
            f"attempt at its threshold, which was set for one false alarm in twenty. The AUPRO "
            f"of the maps runs from "
            f"{min(line.aupro for line in a.lines):.3f} to {max(line.aupro for line in a.lines):.3f}. "
            f"Another product may have another winner; damage to a strict pattern suits CutPaste on "
            f"crops. Choose by the damage that you must not miss."
        ),
        table=_lines(a.lines, numbered=True),
        captions={"attempts": "Gain over the baseline on the same test images."},
    )


def _lines(lines: tuple[Line, ...], numbered: bool) -> Table:
    return Table(
        ("attempt" if numbered else "method", "image AUROC", "95 % interval", "pixel AUROC",
         "AUPRO", "false alarms", "missed"),
        tuple(
            (
                f"{line.number} {line.name}" if numbered else line.name,
                f"{line.auroc:.3f} ± {line.spread:.3f}",
                span(line.interval),
                f"{line.pixel:.3f}",
                f"{line.aupro:.3f}",
                f"{line.false_alarms:.1%}",
                f"{line.missed:.1%}",
            )
            for line in lines
        ),
    )  # fmt: skip


def _tail(t: TailFacts) -> Answer:
    gain, low, high = t.gains["Balanced-MixUp"]
    if t.winner == "Balanced-MixUp":
        others = "No other remedy does better"
    else:
        others = f"{t.winner.capitalize()} does better still, {t.accuracy[t.winner]:.3f}"
    if t.ahead:
        turn = f"with fewer than {t.ahead} of each, a detector that has seen none is as good"
    elif t.levels:
        turn = f"up to {t.shots[-1]} of each, a detector that has seen none is as good"
    else:
        turn = "a one-class detector needs none"
    return Answer(
        title="long-tailed data",
        summary=(
            f"Data are long-tailed when few classes hold most examples: here {t.counts[0]} good "
            f"nuts stand against {t.counts[-1]} of the rarest defect, an imbalance factor of "
            f"{t.factor:.0f}. We chose Balanced-MixUp (Galdran, Carneiro and González Ballester, "
            f"MICCAI 2021). It draws one batch by image and one by class and trains on their "
            f"mixture, a share λ ~ Beta({t.alpha}, 1) of the second: rare pictures come often, "
            f"mostly faintly, and never twice alike. On {t.judged} new nuts the balanced accuracy {_moves(gain)} from "
            f"{t.accuracy['plain']:.3f} to {t.accuracy['Balanced-MixUp']:.3f} ({signed(gain)}, "
            f"interval {signed(low)} to {signed(high)} over {t.seeds} seeds), and the calibration "
            f"error {_moves(t.error['Balanced-MixUp'] - t.error['plain'])} from {t.error['plain']:.3f} to {t.error['Balanced-MixUp']:.3f}. {others}. "
            f"Mixing needs labelled defects, so it cannot train a detector from good images alone; "
            f"{turn}. A factory therefore begins with a one-class detector, keeps and labels what "
            f"it stops, and adds a classifier later."
        ),
        table=Table(
            ("remedy", "balanced accuracy", "gain over plain", "95 % interval",
             "calibration error"),
            tuple(
                (
                    name,
                    f"{t.accuracy[name]:.3f}",
                    *(
                        (signed(t.gains[name][0]),
                         f"{signed(t.gains[name][1])} to {signed(t.gains[name][2])}")
                        if name in t.gains else ("", "")
                    ),
                    f"{t.error[name]:.3f}",
                )
                for name in t.accuracy
            ),
        ),
        captions={
            "tail": "What labelled defects bring: good or defect, on the test images, beside "
            "detectors that have seen none (level lines).",
        },
    )  # fmt: skip


def _moves(change: float) -> str:
    return "rises" if change > 0 else "falls"


def _strategies(s: StrategyFacts, d: DataFacts) -> Answer:
    shown = [f"{name} {s.line(name).auroc:.2f}" for name in SHOWN]
    return Answer(
        title="training with good images only",
        summary=(
            f"A detector that sees good images only must say what good is. Autoencoders, GANs "
            f"and diffusion models redraw it, memories keep it, flows learn its density, students "
            f"imitate a teacher on it; CutPaste makes up what it is not. On the same {d.tested} images the "
            f"image AUROCs are: baseline autoencoder {s.line('Baseline autoencoder').auroc:.2f}, "
            f"{', '.join(shown)}. {s.best.name} is best; {len(s.level)} others cannot be told from "
            f"it here. PatchCore and FastFlow are not imitation learning: one is a memory, the "
            f"other a density. Thresholds from good images stop {s.false_alarms:.0%} of good parts, "
            f"{s.expected:.0%} were expected."
        ),
        table=_lines(s.lines, numbered=False),
        captions={"strategies": "Quality, with its 95 % interval, against the time for one image."},
    )


def _labels(f: LabelFacts) -> Answer:
    exact = [name for name, (masks, whole, _) in f.trips.items() if masks == whole]
    boxes = f.trips["YOLO, boxes"][2]
    masks = f.trips["YOLO, boxes"][0]
    return Answer(
        title="data for detection and segmentation",
        summary=(
            f"Models that find and outline damage must be told where it is. The masks give "
            f"{f.objects} objects of {len(f.classes)} classes on {f.pictures} pictures, one for each "
            f"connected region. Two rules, written down before anyone annotates (nothing below "
            f"{f.least_area} pixels; regions within {f.join_within} pixels are one), leave "
            f"{f.joined}. Boxes go to COCO, Pascal VOC and YOLO, outlines become polygons or run "
            f"lengths, and an open-vocabulary detector or SAM takes them from there. Read back, "
            f"{len(exact)} of {len(f.trips)} ways give all {masks} masks exactly; filled boxes alone "
            f"keep a mean IoU of {boxes:.2f}. The ground truth against itself scores an AP of "
            f"{f.self_ap:.2f}, and outlines simplified by two pixels would cap a perfect model at "
            f"{f.capped_ap:.2f}. All labelled defects are test images: {f.parts['train']} are taken "
            f"to train and {f.parts['val']} to validate, no picture in both, and no figure from "
            f"them may stand beside those of the one-class detectors." + _trained(f)
        ),
        table=Table(
            ("format", "masks", "exact", "mean IoU"),
            tuple(
                (name, str(masks), str(exact), f"{mean:.3f}")
                for name, (masks, exact, mean) in f.trips.items()
            ),
        ),
        captions={"labels": "Boxes around the objects that the two rules leave."},
    )


def _trained(f: LabelFacts) -> str:
    reached = {
        "boxes": "A detector with {labels} other labelled nuts of each defect has an AP50 of {value}.",
        "masks": "A segmenter with {labels} of each has a mean IoU of {value}.",
    }
    parts = [reached[o.task].format(labels=o.labels, value=f"{o.value:.3f}") for o in f.trained]
    return "".join(f" {part}" for part in parts)


def _sources(n: Numbers) -> tuple[str, ...]:
    folders = sorted({file.rsplit("/", 1)[0] for file in n.files})
    codes = ", ".join(f"{name} {code[:8] or 'unknown'}" for name, code in n.codes.items())
    return (
        f"{len(n.files)} records in {joined(folders, ' and ')}; images {n.fingerprint[:8]}. "
        "Question 1 is counted from the files, question 5 from the masks.",
        f"Code, by fingerprint: {codes}.",
        f"Made with {', '.join(n.versions)} on {joined(n.machines, ' and ')}.",
    )


def _caveat(n: Numbers) -> str:
    parts = [f"{len(files)} records are {what}" for what, files in n.caveats.items()]
    return f"Caveat: {'; '.join(parts)}. Their numbers may be out of date." if parts else ""
