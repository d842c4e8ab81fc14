"""Run attempts, strategies and ablations over the profile's seeds, and record what comes out."""

import argparse
from dataclasses import replace

from tqdm import tqdm

from helpers.experiments.detectors import PARTS, results_folder, run_all
from helpers.profiles import current_profile


def main() -> None:
    """Run ``make results``; with options, part of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", help="these seeds, not the profile's")
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument(
        "--move-to-test", type=int, default=0, help="training images to test on as good"
    )
    chosen = parser.parse_args()
    profile = current_profile()
    if chosen.seeds:
        profile = replace(profile, seeds=tuple(chosen.seeds))
    folder = results_folder(profile)
    bar = tqdm(desc=f"{profile.name} results", unit="run", smoothing=0.1)
    for _, of, report in run_all(profile, folder, chosen.parts, chosen.move_to_test):
        bar.total = of
        bar.update()
        bar.write(
            f"{report.method}, seed {report.seed}: image AUROC {report.image_auroc:.3f}, "
            f"pixel AUROC {report.pixel_auroc:.3f}, AUPRO {report.aupro:.3f}, "
            f"{report.seconds['fit']:.0f} s to fit"
        )
    bar.close()
    print(f"The records are in {folder.parent.name}/{folder.name} of the book.")


if __name__ == "__main__":
    main()
