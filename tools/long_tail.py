"""Train every classifier of chapter 8 that is not yet recorded, and record it."""

import argparse

from tqdm import tqdm

from helpers.experiments.long_tail import record_folder, run_all
from helpers.experiments.long_tail_cases import planned
from helpers.profiles import current_profile


def main() -> None:
    """Run ``make long-tail``; with seeds, part of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=range(10), help="only these")
    chosen = parser.parse_args()
    profile = current_profile()
    folder = record_folder(profile)
    cases = planned(chosen.seeds)
    with tqdm(desc="classifiers", unit="run", total=len(cases), smoothing=0.1) as bar:
        for _, _, run in run_all(profile, folder, cases):
            bar.update()
            bar.write(
                f"{run.case.task}, {run.case.counts}, {run.case.remedy}"
                f"{'' if run.case.alpha is None else f' {run.case.alpha:g}'}, seed "
                f"{run.case.seed}: balanced accuracy {run.recalls.mean():.3f}, {run.seconds:.0f} s"
            )
    print(f"The records are in book/records/long_tail/{folder.name}.")


if __name__ == "__main__":
    main()
