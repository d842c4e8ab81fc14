"""What a language brings to the report: sentences with gaps, and labels. No number."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Language:
    """The report's text in one language; ``page.page`` fills the gaps ``{…}``.

    Attributes
    ----------
    code
        ``"en"`` or ``"zh-TW"``.
    title, line, question
        Of the report, below its title, and at the head of an answer.
    titles, summaries, headers, captions
        Of each answer, by its name.
    phrases
        Sentences and parts of sentences that the numbers choose.
    reasons
        Why an attempt may be the best, by its name.
    sources_title, sources
        Where the numbers come from.
    axes
        What the axes of the figures are called.
    names
        What methods, classes and formats are called; a missing one keeps its English name.
    comma, last, semicolon
        What stands between the items of a list, before its last one, and between clauses.
    """

    code: str
    title: str
    line: str
    question: str
    titles: Mapping[str, str]
    summaries: Mapping[str, str]
    headers: Mapping[str, tuple[str, ...]]
    captions: Mapping[str, str]
    phrases: Mapping[str, str]
    reasons: Mapping[str, str]
    sources_title: str
    sources: tuple[str, ...]
    axes: Mapping[str, str]
    names: Mapping[str, str]
    comma: str
    last: str
    semicolon: str

    def name(self, english: str) -> str:
        """Return what something is called in this language."""
        return self.names.get(english, english)

    def phrase(self, key: str, **values: object) -> str:
        """Return a phrase with its gaps filled."""
        return self.phrases[key].format(**values)

    def listed(self, items: Iterable[str]) -> str:
        """Return items as a list in words, such as ``"a, b and c"``."""
        *most, end = items
        return f"{self.comma.join(most)}{self.last}{end}" if most else end
