"""What came out of inspecting a folder: a table, a picture of each photo, a page to look at."""

import csv
import html
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image
from tqdm import tqdm

from helpers.data.photos import NO_PHOTO, Skipped, list_photos, read_photo, without_path
from helpers.errors import DataError
from helpers.files import make_new_folder
from helpers.inspection.inspector import Inspector, Verdict
from helpers.inspection.pictures import COLOURS, side_by_side
from helpers.paths import named_path

GOOD, ODD, UNREAD = "good", "odd", "not read"
COLUMNS = ("file", "verdict", "score", "threshold", "column", "row", "remarks", "picture")
STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem }
ul { list-style: none; padding: 0; display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(22rem, 1fr)) }
figure { margin: 0 } img { width: 100%; height: auto }
.scale { width: 22rem; height: 1rem; background: linear-gradient(to right, COLOURS) }
.ticks { width: 22rem; display: grid; grid-template-columns: 1fr 2fr 1fr }
.ticks span:nth-child(2) { text-align: center } .ticks span:nth-child(3) { text-align: right }
"""


@dataclass(frozen=True)
class Row:
    """One photo of the table.

    Attributes
    ----------
    file
        Relative to the folder.
    verdict
        `GOOD`, `ODD` or `UNREAD`.
    score, threshold
        None where the photo was not read.
    column, row
        Where the score is from, in pixels of the photo.
    remarks
        What else is to be said.
    picture
        Relative to the results; empty where there is none.
    """

    file: str
    verdict: str
    score: float | None = None
    threshold: float | None = None
    column: int | None = None
    row: int | None = None
    remarks: str = ""
    picture: str = ""


def inspect_folder(
    inspector: Inspector, folder: str | Path, files: Sequence[str] | None = None
) -> Iterator[tuple[Row, Verdict | None]]:
    """Inspect every photo of a folder; one that cannot be read has a row and no verdict.

    Parameters
    ----------
    inspector
        Fitted.
    folder
        Where the photos are; folders inside it are looked into.
    files
        Which photos, relative to the folder; when not given, all, and files that are no photos,
        such as a table, are passed over.

    Raises
    ------
    DataError
        When the folder is none, or holds no photo.
    """
    folder = named_path(folder, "folder").absolute()
    skipped: list[Skipped] = []
    if files is None:
        files, skipped = list_photos(folder)
    return _each(inspector, folder, files, [one for one in skipped if one.why != NO_PHOTO])


def _each(
    inspector: Inspector, folder: Path, files: Sequence[str], skipped: list[Skipped]
) -> Iterator[tuple[Row, Verdict | None]]:
    for number, file in enumerate(tqdm(files, desc="inspecting", unit="photo"), 1):
        try:
            verdict = inspector.inspect(read_photo(folder / file))
        except DataError as error:
            yield Row(file, UNREAD, remarks=without_path(folder / file, error)), None
            continue
        yield (
            Row(
                file=file,
                verdict=ODD if verdict.odd else GOOD,
                score=round(verdict.score, 6),
                threshold=round(inspector.promise.threshold, 6),
                column=verdict.peak[0],
                row=verdict.peak[1],
                remarks="; ".join(verdict.remarks),
                picture=f"maps/{number:05d}.png",
            ),
            verdict,
        )
    for one in skipped:
        yield Row(one.file, UNREAD, remarks=one.why), None


def write_results(
    folder: str | Path,
    inspected: Iterable[tuple[Row, Verdict | None]],
    inspector: Inspector,
) -> list[Row]:
    """Write ``results.csv``, ``maps/*.png`` and ``index.html`` into a new folder.

    The folder appears when all is written; after a failure, such as a full disk, there is none.

    Parameters
    ----------
    folder
        Where; not there yet, or empty.
    inspected
        From `inspect_folder`.
    inspector
        Whose verdicts these are.

    Raises
    ------
    DataError
        When there is something in the folder already.
    UnwritableError
        When it cannot be written, or the disk is full.
    """
    rows: list[Row] = []

    def fill(work: Path) -> None:
        (work / "maps").mkdir()
        for row, verdict in inspected:
            rows.append(row)
            if verdict is not None:
                picture = side_by_side(verdict.photo, verdict.map, inspector.promise.threshold)
                Image.fromarray(picture).save(work / row.picture)
        (work / "index.html").write_text(page(rows, inspector), "utf-8")
        with (work / "results.csv").open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(COLUMNS)
            table.writerows([_cell(getattr(row, name)) for name in COLUMNS] for row in rows)

    make_new_folder(folder, fill)
    return rows


def _cell(value: object) -> object:
    """Keep a spreadsheet from taking a file's name for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in tuple("=+-@") else value


def summary(rows: Iterable[Row]) -> str:
    """Say in a line how many photos are good, odd, or were not read."""
    verdicts = [row.verdict for row in rows]
    return ", ".join(f"{verdicts.count(kind)} {kind}" for kind in (GOOD, ODD, UNREAD))


def page(rows: Iterable[Row], inspector: Inspector) -> str:
    """Return the results as a page of HTML, the oddest photos first."""
    rows = list(rows)
    colours = ", ".join(mpl.colors.to_hex(mpl.colormaps[COLOURS](s)) for s in np.linspace(0, 1, 9))
    promise = inspector.promise
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Inspection: {summary(rows)}</title>",
        f"<style>{STYLE.replace('COLOURS', colours)}</style></head><body>",
        f"<h1>Inspection: {summary(rows)}</h1>",
        f"<p>{html.escape(promise.sentence())}</p>",
        f"<p>{html.escape(inspector.squares.describe())} Left: the photo, what is odd outlined. "
        "Right: its map, on one scale for all photos:</p>",
        '<div class="scale" role="img" aria-label="Colour scale of the maps: dark blue is 0, the '
        'middle is the threshold, yellow is twice the threshold or more."></div>',
        f'<div class="ticks"><span>0</span><span>threshold, {promise.threshold:.3g}</span>'
        f"<span>{2 * promise.threshold:.3g}</span></div>",
    ]
    for kind, title in ((ODD, "Odd"), (UNREAD, "Not read"), (GOOD, "Good")):
        some = [row for row in rows if row.verdict == kind]
        some.sort(key=lambda row: -(row.score or 0))
        if some:
            parts += [f"<h2>{title} ({len(some)})</h2><ul>", *map(_item, some), "</ul>"]
    return "\n".join([*parts, "</body></html>\n"])


def _item(row: Row) -> str:
    name, remarks = html.escape(row.file), html.escape(row.remarks)
    if row.score is None:
        return f"<li><strong>{name}</strong><br>{remarks}</li>"
    told = f"score {row.score:.3g}, {row.score / row.threshold:.2f} × the threshold"
    alt = (
        f"{name}, {row.verdict}, {told}. Left the photo, right its anomaly map, highest in column "
        f"{row.column}, row {row.row} of the photo."
    )
    return (
        f'<li><figure><img loading="lazy" src="{row.picture}" alt="{alt}"><figcaption>'
        f"<strong>{name}</strong><br>{told}{'<br>' + remarks if remarks else ''}"
        "</figcaption></figure></li>"
    )
