"""Write the assignment's report, at most three pages, from the records of the latest run."""

import argparse
import sys
from pathlib import Path

from helpers.paths import project_root
from helpers.profiles import current_profile
from tools.report.write import LANGUAGES, report


def main() -> None:
    """Run ``make report``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--language", default="en", help=" or ".join(LANGUAGES))
    parser.add_argument("--output", type=Path, help="the PDF; else _build/report-LANGUAGE.pdf")
    parser.add_argument(
        "--allow-stale",
        action="store_true",
        help="use records of another revision of the code too, and say so on the first page",
    )
    chosen = parser.parse_args()
    path = chosen.output or project_root() / "_build" / f"report-{chosen.language}.pdf"
    try:
        pages = report(current_profile(), chosen.language, path, chosen.allow_stale)
    except ValueError as error:
        sys.exit(str(error))
    print(f"{path.name}: {pages} pages. Open {path.resolve().as_uri()}")


if __name__ == "__main__":
    main()
