"""The report's page: every number written once, every table built once, for any language."""

from collections.abc import Sequence

from helpers.metrics.comparison import Comparison, signed
from helpers.metrics.image import Interval
from tools.report.answers import POINTS, Answer, Page, Table
from tools.report.facts import (
    AttemptFacts,
    DataFacts,
    LabelFacts,
    Line,
    Numbers,
    StrategyFacts,
    TailFacts,
)
from tools.report.language import Language

Rows = Sequence[Sequence[str]]
QUESTIONS = ("data", "attempts", "tail", "strategies", "labels")
BASELINE, CHOSEN = "Baseline autoencoder", "Balanced-MixUp"
NAMED = (
    "CutPaste",
    "PatchCore",
    "Contrastive memory",
    "FastFlow",
    "Student–teacher",
    "GAN",
    "Diffusion",
)


def page(numbers: Numbers, language: Language) -> Page:
    """Return the report's text, every number of it from ``numbers``."""
    n, say = numbers, language
    folders = sorted({file.rsplit("/", 1)[0] for file in n.files})
    codes = [f"{say.name(method)} {number}" for method, number in n.revisions.items()]
    faults = [
        say.phrase("fault", count=len(files), what=say.name(what))
        for what, files in n.caveats.items()
    ]
    return Page(
        language=say.code,
        title=say.title,
        line=say.line.format(
            category=say.name(n.data.category), source=say.name(n.data.source), profile=n.profile
        ),
        answers=(
            _data(n.data, say),
            _attempts(n.attempts, n.data, say),
            _tail(n.tail, say),
            _strategies(n.strategies, n.data, say),
            _labels(n.labels, say),
        ),
        sources_title=say.sources_title,
        sources=tuple(
            source.format(
                records=len(n.files),
                folders=say.listed(folders),
                images=n.fingerprint[:8],
                codes=say.comma.join(codes),
                versions=say.comma.join(n.versions),
                machines=say.listed(n.machines),
            )
            for source in say.sources
        ),
        caveat=say.phrase("caveat", faults=say.semicolon.join(faults)) if faults else "",
    )


def _answer(
    question: str,
    say: Language,
    facts: object,
    rows: Rows,
    header: Sequence[str] = (),
    **values: object,
) -> Answer:
    """Fill the gaps of a summary: with ``values``, else with what the facts have by that name."""
    number = QUESTIONS.index(question)
    return Answer(
        heading=say.question.format(
            number=number + 1, title=say.titles[question], points=POINTS[number]
        ),
        summary=say.summaries[question].format(**{**vars(facts), **values}),
        table=Table(tuple(header or say.headers[question]), tuple(map(tuple, rows))),
        figure=question,
        caption=say.captions[question],
    )


def _data(d: DataFacts, say: Language) -> Answer:
    least, middle, most = (f"{100 * value:.1f}" for value in d.area)
    if len(d.sizes) == 1:
        ((width, height, mode),) = d.sizes
        sizes = say.phrase("one size", width=width, height=height, mode=mode)
    else:
        sizes = say.phrase("sizes", count=len(d.sizes))
    defects = [
        say.phrase("defects", count=count, defect=say.name(defect))
        for defect, count in d.test.items()
        if defect != "good"
    ]
    first, last = say.headers["data"]
    return _answer(
        "data",
        say,
        d,
        [
            (
                say.name("training"),
                *(str(d.train) if name == "good" else "0" for name in d.test),
                str(d.train),
            ),
            (say.name("test"), *map(str, d.test.values()), str(d.tested)),
        ],
        header=(first, *map(say.name, d.test), last),
        category=say.name(d.category),
        source=say.name(d.source),
        images=d.train + d.tested,
        tested=d.tested,
        good=d.good,
        defective=d.defective,
        defects=say.listed(defects),
        sizes=sizes,
        least=least,
        middle=middle,
        most=most,
        always=f"{100 * d.defective / d.tested:.1f}",
        blind=f"{d.blind_auroc:.2f}",
    )


def _attempts(a: AttemptFacts, d: DataFacts, say: Language) -> Answer:
    baseline = a.lines[0]
    best = next(line for line in a.lines if line.name == a.best)
    worst = min(a.lines, key=lambda line: line.auroc)
    aupro = sorted(line.aupro for line in a.lines)
    if best is baseline:
        lead = say.phrase("none better")
    else:
        told = _verdict(a.gains[a.best], say)
        lead = say.phrase("best", name=say.name(best.name), auroc=f"{best.auroc:.3f}", told=told)
    return _answer(
        "attempts",
        say,
        a,
        _quality(a.lines, say),
        train=d.train,
        tested=d.tested,
        baseline=f"{baseline.auroc:.3f}",
        lead=lead,
        reason=say.reasons[a.best],
        gains=len(a.gains),
        proven=len(a.proven),
        worst=say.name(worst.name),
        lowest=f"{worst.auroc:.3f}",
        easiest=say.name(a.easiest),
        hardest=say.name(a.hardest),
        defective=d.defective,
        aupro_from=f"{aupro[0]:.3f}",
        aupro_to=f"{aupro[-1]:.3f}",
    )


def _tail(t: TailFacts, say: Language) -> Answer:
    def shown(remedy: str) -> str:
        return say.phrase("gain shown" if t.shown(remedy) else "gain not shown")

    if t.winner == CHOSEN:
        others = say.phrase("no remedy better")
    else:
        winner, accuracy = say.name(t.winner), f"{t.accuracy[t.winner]:.3f}"
        others = say.phrase(
            "a remedy better",
            name=winner,
            Name=winner.capitalize(),
            accuracy=accuracy,
            shown=shown(t.winner),
        )

    def moves(values: dict[str, float]) -> str:
        return say.phrase("rises" if values[CHOSEN] > values["plain"] else "falls")

    return _answer(
        "tail",
        say,
        t,
        [
            (
                say.name(name),
                f"{t.accuracy[name]:.3f}",
                *_gain_cells(t.gains.get(name), say),
                f"{t.error[name]:.3f}",
            )
            for name in t.accuracy
        ],
        most=t.counts[0],
        fewest=t.counts[-1],
        factor=f"{t.factor:.0f}",
        accuracy_moves=moves(t.accuracy),
        accuracy_from=f"{t.accuracy['plain']:.3f}",
        accuracy_to=f"{t.accuracy[CHOSEN]:.3f}",
        error_moves=moves(t.error),
        error_from=f"{t.error['plain']:.3f}",
        error_to=f"{t.error[CHOSEN]:.3f}",
        others=others,
        shown=shown(CHOSEN),
        remedies=len(t.gains),
        turn=say.phrase("no labels"),
        **_signed(*t.gains[CHOSEN]),
    )


def _strategies(s: StrategyFacts, d: DataFacts, say: Language) -> Answer:
    return _answer(
        "strategies",
        say,
        s,
        _quality(s.lines, say),
        tested=d.tested,
        baseline=f"{s.line(BASELINE).auroc:.2f}",
        others=say.comma.join(f"{say.name(name)} {s.line(name).auroc:.2f}" for name in NAMED),
        best=say.name(s.best.name),
        behind=len(s.behind),
        worse=len(s.worse),
        equal=len(s.equal),
        open=len(s.open),
        margin=f"{next(iter(s.behind.values())).margin:g}",
        false_alarms=f"{s.false_alarms:.0%}",
        expected=f"{s.expected:.0%}",
    )


def _labels(f: LabelFacts, say: Language) -> Answer:
    masks, _, box_iou = f.trips["YOLO, boxes"]
    trained = [
        say.phrase(one.task, labels=one.labels, value=f"{one.value:.3f}") for one in f.trained
    ]
    return _answer(
        "labels",
        say,
        f,
        [
            (say.name(name), str(count), str(exact), f"{mean:.3f}")
            for name, (count, exact, mean) in f.trips.items()
        ],
        classes=len(f.classes),
        exact=sum(count == exact for count, exact, _ in f.trips.values()),
        formats=len(f.trips),
        masks=masks,
        box_iou=f"{box_iou:.2f}",
        self_ap=f"{f.self_ap:.2f}",
        capped_ap=f"{f.capped_ap:.2f}",
        train=f.parts["train"],
        val=f.parts["val"],
        trained="".join(trained),
    )


def _quality(lines: Sequence[Line], say: Language) -> Rows:
    return [
        (
            f"{line.number} {say.name(line.name)}" if line.number else say.name(line.name),
            f"{line.auroc:.3f} ± {line.spread:.3f}",
            f"{line.interval.low:.3f}–{line.interval.high:.3f}",
            f"{line.pixel:.3f}",
            f"{line.aupro:.3f}",
            f"{line.false_alarms:.1%}",
            f"{line.missed:.1%}",
        )
        for line in lines
    ]


def _verdict(one: Comparison, say: Language) -> str:
    """Write a verdict with its numbers, as a sentence without its full stop."""
    return say.phrase(
        one.verdict,
        name=say.name(one.name),
        reference=say.name(one.reference),
        size=f"{abs(one.difference):.3f}",
        gain=signed(one.difference),
        low=signed(one.interval.low),
        high=signed(one.interval.high),
        seeds=one.seeds,
        comparisons=one.comparisons,
        margin=f"{one.margin:g}",
    )


def _gain_cells(gain: tuple[float, Interval] | None, say: Language) -> tuple[str, str]:
    if gain is None:
        return "", ""
    written = _signed(*gain)
    return written["gain"], say.phrase("range", **written)


def _signed(gain: float, interval: Interval) -> dict[str, str]:
    """Write a difference and the ends of its interval with their signs."""
    values = {"gain": gain, "low": interval.low, "high": interval.high}
    return {name: signed(value) for name, value in values.items()}
