"""Train every segmenter of chapter 17 that is not yet recorded, and record it."""

import argparse
from dataclasses import replace

from helpers.data.load import generate_category
from helpers.experiments.segmentation import SETTINGS, curve, kinds_left_out, record_folder, run_all

PARTS = ["curve", "left out"]


def main() -> None:
    """Run the planned trainings; with seeds or a number, part of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="only these")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS, help="only these")
    parser.add_argument(
        "--encoder", default=SETTINGS.encoder, help="see helpers.segmentation.unet.unet"
    )
    chosen = parser.parse_args()
    category = generate_category(chosen.size)
    cases = curve(chosen.seeds) if "curve" in chosen.parts else []
    cases += kinds_left_out() if "left out" in chosen.parts else []
    settings = replace(SETTINGS, encoder=chosen.encoder)
    folder = record_folder("quick" if chosen.encoder == SETTINGS.encoder else chosen.encoder)
    for run in run_all(category, folder, cases, settings):
        print(
            f"{run.case}: IoU {run.mean_iou():.3f}, pixel AUROC {run.pixel_auroc:.3f}, "
            f"AUPRO {run.aupro:.3f}, {run.seconds:.0f} s",
            flush=True,
        )
    print(f"The records are in book/records/masks/{folder.name}.")


if __name__ == "__main__":
    main()
