"""Fit an inspector to good photos, or inspect new ones.

fit reads a folder of good photos and writes one file; judge reads that file and a folder of new
photos, and writes a table (results.csv), a picture of each photo with its map (maps) and a page to
look at (index.html).
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from helpers.data.squares import Squares
from helpers.inspection.good import gather, smallest_long_side
from helpers.inspection.inspector import InspectorSettings, fit_inspector
from helpers.inspection.resolution import BETTER, Resolution
from helpers.inspection.results import ODD, UNREAD, inspect_folder, summary, write_results
from helpers.inspection.saved import load_inspector, save_inspector

STATUS = """exit status:
  0  fit: the file is written; judge: every photo is good
  1  judge: some photos are odd
  2  something failed, or could not be read; what could be, was inspected
  130  interrupted"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    arguments = _parser().parse_args(argv)
    try:
        return arguments.run(arguments)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted; nothing was written.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m helpers.inspection",
        description=__doc__,
        epilog=STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="fit|judge")
    fit = commands.add_parser("fit", help="fit an inspector to a folder of good photos")
    fit.set_defaults(run=_fit)
    fit.add_argument("folder", metavar="GOOD_FOLDER", help="good photos, of any size and shape")
    fit.add_argument("--out", type=Path, required=True, help="the file to write, such as nut.zip")
    fit.add_argument(
        "--false-alarms",
        type=float,
        default=0.05,
        metavar="SHARE",
        help="the share of good photos that may be called odd (default: 0.05)",
    )
    fit.add_argument(
        "--certainty",
        type=float,
        default=0.0,
        metavar="P",
        help="with which probability that share is kept (default: on average), such as 0.95",
    )
    fit.add_argument(
        "--size",
        type=int,
        default=256,
        help="side of the square pictures in pixels (default: 256)",
    )
    fit.add_argument(
        "--group",
        metavar="PATTERN",
        help=r"regular expression: photos whose names agree in it show one part, such as 'part\d+'",
    )
    scale = fit.add_argument_group("resolution, which decides on tiles")
    scale.add_argument("--defect-mm", type=float, metavar="MM", help="smallest defect, across")
    scale.add_argument(
        "--field-mm", type=float, metavar="MM", help="what a photo's long side shows"
    )
    scale.add_argument(
        "--pixels",
        type=float,
        default=BETTER,
        help=f"pixels on the smallest defect: 3 at least (default: {BETTER:g})",
    )
    judge = commands.add_parser("judge", help="inspect a folder of new photos")
    judge.set_defaults(run=_judge)
    judge.add_argument("file", type=Path, metavar="FILE", help="what fit wrote")
    judge.add_argument("folder", type=Path, metavar="NEW_FOLDER", help="photos to inspect")
    judge.add_argument(
        "--out",
        type=Path,
        metavar="RESULTS",
        help="new folder for the results (default: results_ and the name of NEW_FOLDER)",
    )
    return parser


def _fit(arguments: argparse.Namespace) -> int:
    good = gather(arguments.folder, _squares(arguments), arguments.group)
    for one in good.skipped:
        print(f"Left out: {one.file} ({one.why})")
    print(f"{len(good.files)} good photos. {good.squares.describe()}")
    fitted = fit_inspector(
        good,
        InspectorSettings(false_alarms=arguments.false_alarms, certainty=arguments.certainty),
    )
    for warning in fitted.warnings:
        print(f"Look: {warning}")
    strange = ", ".join(good.files[i] for i in fitted.strangest())
    print(f"The strangest good photos; are they good? {strange}")
    print(fitted.inspector.promise.sentence())
    save_inspector(
        fitted.inspector, arguments.out, photos=len(good.files), fingerprint=good.fingerprint
    )
    print(
        f"{arguments.out} is ready: python -m helpers.inspection judge {arguments.out} NEW_FOLDER"
    )
    return 0


def _squares(arguments: argparse.Namespace) -> Squares:
    given = (arguments.defect_mm, arguments.field_mm)
    if given == (None, None):
        return Squares(arguments.size)
    if None in given:
        raise ValueError("--defect-mm and --field-mm belong together: give both, or neither.")
    resolution = Resolution(*given, arguments.pixels)
    return resolution.squares(arguments.size, smallest_long_side(arguments.folder))


def _judge(arguments: argparse.Namespace) -> int:
    inspector = load_inspector(arguments.file)
    out = arguments.out or Path(f"results_{arguments.folder.resolve().name}")
    if out.is_dir() and any(out.iterdir()):
        raise ValueError(f"{out} is there already. Remove it, or choose another by --out.")
    rows = write_results(out, inspect_folder(inspector, arguments.folder), inspector)
    for row in rows:
        if row.verdict != "good":
            where = f"score {row.score:.3g}" if row.score is not None else row.remarks
            print(f"{row.file}: {row.verdict} ({where})")
    print(f"{summary(rows)}. See {out / 'index.html'}")
    kinds = {row.verdict for row in rows}
    return 2 if UNREAD in kinds else 1 if ODD in kinds else 0


if __name__ == "__main__":
    sys.exit(main())
