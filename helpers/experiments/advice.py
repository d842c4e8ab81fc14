"""The guide of chapter 14: what the records advise in each case, by one rule."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isnan

import numpy as np

from helpers.experiments.evidence import Assessor, Evidence, Group
from helpers.experiments.questions import TREE, Case, Path, Question, cases
from helpers.metrics.comparison import (
    BETTER,
    MARGIN,
    WORSE,
    Comparison,
    compare,
    compare_values,
)

RULE = (
    "A method counts when it has evidence on generated nuts and on a real product of the kind: of "
    "its present form, with the same weights, and with nothing chosen while those test images were "
    "in view. Whoever is shown to be worse than the best of these, on the generated or on the real "
    "images, leaves. Of those who stay, the one with the highest mean of the two figures is named, "
    f"unless a quicker one is shown to be as good within {MARGIN:g} on both. That a difference is "
    "not shown is no reason to name a method."
)
LEAST = 10  # generated defective test images that evidence needs
LONGEST_FIRST = ("full", "medium", "quick")


@dataclass(frozen=True)
class Advice:
    """What the records say to one case.

    Attributes
    ----------
    path, case
        How one gets there, and what it asks for.
    methods
        The one that ``RULE`` names, then those that are as good but slower; none when no method
        has the evidence.
    undecided
        Methods that count, too, and are not shown to differ.
    generated, real
        The evidence of all these; where there is none, of the best on generated nuts.
    milliseconds
        For a part, of the same methods; nan when not measured.
    ahead
        Methods without real evidence that are shown to be better than the first on generated nuts.
    """

    path: Path
    case: Case
    methods: tuple[str, ...]
    undecided: tuple[str, ...]
    generated: Mapping[str, Evidence]
    real: Mapping[str, Evidence]
    milliseconds: Mapping[str, float]
    ahead: tuple[str, ...]

    @property
    def named(self) -> str:
        """The method to begin with; empty when there is none."""
        return self.methods[0] if self.methods else ""

    def text(self, letter: str) -> str:
        """Say it in Markdown: a paragraph and a list of the evidence."""
        where = " · ".join(f"{question}: {answer}" for question, answer in self.path)
        if not self.named:
            lines = [f"**{letter}** ({where}): no method has the evidence that the rule asks for."]
            lines += ["", *(f"- best on generated nuts, *{n}*: {e.text()}." for n, e in
                            self.generated.items())]  # fmt: skip
            lines += [] if self.generated else ["- generated: none."]
            return "\n".join([*lines, "- real: none."])
        time = self.milliseconds[self.named]
        lines = [
            f"**{letter}** ({where}): *{self.named}*, "
            + ("time not measured." if isnan(time) else f"{time:.0f} ms."),
            "",
            f"- generated: {self.generated[self.named].text()}.",
            f"- real: {self.real[self.named].text()}.",
        ]
        for says, names in (
            (f"as good within {MARGIN:g}, but slower", self.methods[1:]),
            ("not shown to differ", self.undecided),
        ):
            lines += [f"- {says}: {'; '.join(map(self._figures, names))}."] if names else []
        if self.ahead:
            lines += [f"- better on generated nuts, but without real evidence: "
                      f"{'; '.join(self.ahead)}."]  # fmt: skip
        return "\n".join(lines)

    def _figures(self, name: str) -> str:
        return f"{name} ({self.generated[name].value:.3f}, real {self.real[name].value:.3f})"


@dataclass(frozen=True, eq=False)
class Library:
    """All that advice is drawn from.

    Attributes
    ----------
    groups
        Of detectors and segmenters, generated and real.
    across
        Width of the defect of each generated test image, in pixels of a picture of
        ``questions.SIDE``; 0 for good ones. Of none where no generated images are at hand: then
        there is no evidence on sizes.
    assessor
        Says what each group is worth as evidence.
    margin
        Within which methods are as good.
    """

    groups: Sequence[Group]
    across: np.ndarray
    assessor: Assessor
    margin: float = MARGIN

    def advise(self, tree: Question = TREE) -> list[Advice]:
        """Fill every leaf of the tree with its evidence, and choose by the rule."""
        return [self.advice(path, case) for path, case in cases(tree)]

    def advice(self, path: Path, case: Case) -> Advice:
        """Fill one leaf."""
        generated = self._generated(case)
        real = self._real(case, generated)
        counting = {name: generated[name] for name in real}
        leaving = {
            one.name
            for groups in (counting, real)
            for one in self.comparisons(case, groups)
            if one.verdict == WORSE
        }
        staying = [name for name in real if name not in leaving]
        best = self._best(case, counting, real, among=staying)
        equal = sorted(
            [*best, *self._as_good(case, staying, best, counting, real)],
            key=lambda name: (_time(generated[name]), name),
        )
        undecided = [name for name in staying if name not in equal]
        shown = [*equal, *undecided] or self._best(case, generated, among=list(generated))
        return Advice(
            path,
            case,
            tuple(equal),
            tuple(undecided),
            {name: self._evidence(case, generated[name]) for name in shown},
            {name: self._evidence(case, real[name]) for name in (*equal, *undecided)},
            {name: generated[name].milliseconds for name in shown},
            self._ahead(case, generated, real, equal),
        )

    def _generated(self, case: Case) -> dict[str, Group]:
        """Return what fits on generated nuts: of each method, the runs that learned from most."""
        fitting = [
            group
            for group in self.groups
            if group.generated
            and "weights" not in group.first.case.get("variant", {})
            and _learned_enough(group, case)
            and (group.labels is not None or self._kept(case, group)[1] >= LEAST)
        ]
        most = {g.method: g for g in sorted(fitting, key=lambda g: (g.labels or 0, _images(g)))}
        return {n: group for n, group in most.items() if not group.milliseconds > case.milliseconds}

    def _real(self, case: Case, generated: Mapping[str, Group]) -> dict[str, Group]:
        """Return what counts on the real product, of methods that have generated evidence too."""
        counting = [
            group
            for group in self.groups
            if not group.generated
            and group.first.data["category"] == case.product
            and group.method in generated
            and group.weights == generated[group.method].weights
            and not self.assessor.in_view(group)
            and not self.assessor.earlier(group)
            and _learned_no_more(group, case)
        ]
        # Longest training, then most pictures, come last and stay.
        counting.sort(key=lambda g: (-LONGEST_FIRST.index(g.profile), _images(g)))
        return {group.method: group for group in counting}

    def _best(self, case: Case, *kinds: Mapping[str, Group], among: Sequence[str]) -> list[str]:
        """Return the method with the highest mean over the kinds of evidence; none of none."""
        means = {
            name: np.mean([self._evidence(case, groups[name]).value for groups in kinds])
            for name in among
        }
        return sorted(means, key=lambda n: (-means[n], _time(kinds[0][n]), n))[:1]

    def _as_good(
        self, case: Case, staying: Sequence[str], best: list[str], *kinds: Mapping[str, Group]
    ) -> list[str]:
        """Return those shown to be as good as the best on every kind of evidence."""
        shown = [
            {
                one.name
                for one in self.comparisons(case, {n: groups[n] for n in staying}, best[0])
                if one.verdict != WORSE and one.within_margin
            }
            for groups in kinds
            if best
        ]
        return [name for name in staying if shown and all(name in names for names in shown)]

    def _ahead(
        self,
        case: Case,
        generated: Mapping[str, Group],
        real: Mapping[str, Group],
        methods: Sequence[str],
    ) -> tuple[str, ...]:
        if not methods:
            return ()
        without = {name: group for name, group in generated.items() if name not in real}
        against = {methods[0]: generated[methods[0]], **without}
        found = self.comparisons(case, against, reference=methods[0])
        return tuple(one.name for one in found if one.verdict == BETTER)

    def _kept(self, case: Case, group: Group) -> tuple[np.ndarray, int]:
        """Return which test images belong to the case, and how many of them are defective."""
        good = group.defects == "good"
        keep = np.ones(len(good), bool)
        low, high = case.across
        if group.generated and (low, high) != (0, inf):
            known = len(self.across) == len(good)
            keep = good | ((self.across >= low) & (self.across < high) if known else False)
        return keep, int((keep & ~good).sum())

    def _evidence(self, case: Case, group: Group) -> Evidence:
        if case.labels is not None:
            return self.assessor.by_pixels(group)
        return self.assessor.by_images(group, self._kept(case, group)[0])

    def comparisons(
        self, case: Case, groups: Mapping[str, Group], reference: str = ""
    ) -> list[Comparison]:
        """Compare each with the reference, by default the best, corrected for their number."""
        if len(groups) < 2:
            return []
        best = reference or max(groups, key=lambda n: self._evidence(case, groups[n]).value)
        found = (
            self._comparison(case, group, groups[best], len(groups) - 1)
            for name, group in groups.items()
            if name != best
        )
        return [one for one in found if one is not None]

    def _comparison(self, case: Case, one: Group, other: Group, several: int) -> Comparison | None:
        """Compare two on equal seeds; none where these or the test images differ."""
        seeds = [seed for seed in one.runs if seed in other.runs]
        if not seeds or not np.array_equal(one.defects, other.defects):
            return None
        names = (one.method, other.method)
        if case.labels is not None:
            if len(seeds) < 2:
                return None
            values = [{s: group.runs[s].result.aupro for s in seeds} for group in (one, other)]
            return compare_values(*values, *names, "AUPRO", comparisons=several, margin=self.margin)
        keep, _ = self._kept(case, one)
        scores = [
            {s: np.array(group.runs[s].result.image_scores)[keep] for s in seeds}
            for group in (one, other)
        ]
        labels = (one.defects != "good").astype(int)[keep]
        return compare(labels, *scores, *names, comparisons=several, margin=self.margin)


def _images(group: Group) -> float:
    return 0 if isnan(group.images) else group.images


def _time(group: Group) -> float:
    return inf if isnan(group.milliseconds) else group.milliseconds


def _learned_enough(group: Group, case: Case) -> bool:
    if group.labels is None:
        return case.images[0] <= group.images < case.images[1]
    return case.labels is not None and case.labels[0] <= group.labels < case.labels[1]


def _learned_no_more(group: Group, case: Case) -> bool:
    """Whether a real set is within what the case allows; of fewer it can only be too modest."""
    if group.labels is None:
        return group.images < case.images[1]
    return case.labels is not None and group.labels < case.labels[1]
