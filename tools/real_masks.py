"""Segment a real category's own test pictures, in stratified folds, and record the figures."""

import argparse
import time

import numpy as np

from helpers.data.labelled import labelled_test
from helpers.data.labels import stratified_folds
from helpers.data.load import load_category
from helpers.experiments.segmentation import GOOD_EVERY, SETTINGS, judge, record_folder, save
from helpers.profiles import current_profile
from helpers.segmentation.segmenter import Segmenter, SegmenterSettings


def main() -> None:
    """Each fold is judged by a segmenter that has learned from the others and the good pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=SETTINGS.steps)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    category = load_category(current_profile().category, size=chosen.size)
    everything, start = labelled_test(category), time.perf_counter()
    kinds, labels = np.unique(category.defects, return_inverse=True)
    fold = stratified_folds(labels, chosen.folds, chosen.seed)
    settings = SegmenterSettings(steps=chosen.steps, seed=chosen.seed)
    maps = np.empty(category.masks.shape, np.float32)
    for number in range(chosen.folds):
        inside = fold == number
        known = everything.subset(np.flatnonzero(~inside)).with_good(category.train[::GOOD_EVERY])
        segmenter = Segmenter(settings).fit(known.images, known.masks)
        maps[inside] = segmenter.predict(category.test[inside]).maps
        print(f"fold {number}: {known}; loss {segmenter.losses[-1]:.3f}", flush=True)
    case = {"folds": chosen.folds, "seed": chosen.seed}
    run = judge(case, settings, category, maps, time.perf_counter() - start)
    source = category.source.lower().replace(" ", "-")
    save(run, record_folder("folds") / f"{category.name}-{source}-{chosen.size}.json")
    each = ", ".join(f"{kind} {run.mean_iou(kind):.3f}" for kind in kinds if kind != "good")
    good = [p for p, d in zip(run.false_pixels, run.defects, strict=True) if d == "good"]
    print(
        f"{category.name}: mean IoU {run.mean_iou():.3f} ({each}); pixel AUROC "
        f"{run.pixel_auroc:.3f}, AUPRO {run.aupro:.3f}; {np.count_nonzero(good)} of {len(good)} "
        f"good pictures with a false pixel; {run.seconds:.0f} s"
    )


if __name__ == "__main__":
    main()
