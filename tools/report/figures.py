"""The report's figures, by the book's own charts, as SVG."""

import io
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import font_manager
from matplotlib.text import Text

from helpers import plots
from helpers.annotations.objects import annotate
from helpers.data.category import Category
from helpers.plots.picture import Picture
from tools.report.facts import AttemptFacts, Numbers, StrategyFacts, TailFacts
from tools.report.labelled_data import RULES
from tools.report.language import Language

SIZES = {"attempts": (6.6, 2.4), "tail": (7.0, 2.4), "strategies": (7.6, 2.8)}  # inches
HASH_SALT = "one bad nut"  # the same figure, the same bytes


def figures(
    numbers: Numbers, category: Category, language: Language, font: Path | None
) -> dict[str, tuple[bytes, str]]:
    """Draw all figures.

    Parameters
    ----------
    numbers
        Of the report.
    category
        Whose pictures are shown.
    language
        That axes, methods and classes are named in.
    font
        File to write with; Matplotlib's own font when not given.

    Returns
    -------
    dict
        For each figure its SVG and its text alternative.
    """
    with mpl.rc_context({**_written_with(font), "svg.hashsalt": HASH_SALT}):
        drawn = {
            "data": _classes(category, language),
            "attempts": _gains(numbers.attempts, language),
            "tail": _labelled(numbers.tail, language),
            "strategies": _choice(numbers.strategies, language),
            "labels": _boxes(category, language),
        }
        for name, size in SIZES.items():
            drawn[name].figure.set_size_inches(size)
        return {name: (_svg(picture), picture.alt) for name, picture in drawn.items()}


def _written_with(font: Path | None) -> dict:
    if font is None:
        return {}
    font_manager.fontManager.addfont(font)
    return {"font.family": font_manager.FontProperties(fname=font).get_name()}


def _svg(picture: Picture) -> bytes:
    buffer = io.BytesIO()
    picture.figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def _classes(category: Category, say: Language) -> Picture:
    names = np.unique(category.defects)
    # The defect of middle size: neither the plainest nor the faintest.
    rows = []
    for name in names:
        mine = np.flatnonzero(category.defects == name)
        areas = category.masks[mine].sum((1, 2))
        rows.append(mine[np.argsort(areas, kind="stable")[len(mine) // 2]])
    return plots.image_grid(
        category.test[rows],
        masks=category.masks[rows],
        titles=[say.name(str(name)) for name in names],
        columns=len(names),
    )


def _gains(facts: AttemptFacts, say: Language) -> Picture:
    gains = facts.gains.values()
    picture = plots.interval_plot(
        list(facts.gains),
        [one.difference for one in gains],
        [one.interval.low for one in gains],
        [one.interval.high for one in gains],
        label=say.axes["gain"],
        chance=0,
    )
    (axis,) = picture.figure.axes
    axis.set_xlabel(say.axes["gain"])
    axis.set_yticks(axis.get_yticks(), [say.name(name) for name in facts.gains])
    return picture


def _labelled(facts: TailFacts, say: Language) -> Picture:
    picture = plots.label_curve(facts.curve, say.axes["auroc"], from_zero=False)
    (axis,) = picture.figure.axes
    axis.set_xlabel(say.axes["shots"])
    axis.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    _rename(picture, say)
    return picture


def _choice(facts: StrategyFacts, say: Language) -> Picture:
    timed = [line for line in facts.lines if line.alone > 0]
    picture = plots.quality_against_cost(
        {line.name: line.alone for line in timed},
        {line.name: (line.auroc, line.interval) for line in timed},
        say.axes["alone"],
        say.axes["auroc"],
    )
    (axis,) = picture.figure.axes
    axis.set_ylabel(say.axes["auroc"])
    axis.legend(
        frameon=False, loc="center left", bbox_to_anchor=(1, 0.5), fontsize=9, labelspacing=0.3
    )
    _rename(picture, say)
    return picture


def _rename(picture: Picture, say: Language) -> None:
    """Translate the names in legends and beside lines; colours and markers stay."""
    for text in picture.figure.findobj(Text):
        text.set_text(say.name(text.get_text()))


def _boxes(category: Category, say: Language) -> Picture:
    annotations = annotate(category, RULES)
    rows = [np.flatnonzero(category.defects == name)[0] for name in annotations.classes]
    found = [annotations.images[row].annotations for row in rows]
    return plots.boxes_on_images(
        category.test[rows],
        [[a.region.box for a in each] for each in found],
        [[annotations.classes[a.label] for a in each] for each in found],
        [say.name(name) for name in annotations.classes],
    )
