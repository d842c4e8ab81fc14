"""Compare the remedies of chapter 8 on a category's own test images, in stratified folds."""

import argparse
from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.data.category import move_to_test
from helpers.data.labelled import Labelled, labelled_test
from helpers.data.labels import class_counts
from helpers.data.load import load_category
from helpers.experiments.cross_validation import out_of_fold
from helpers.experiments.long_tail_cases import (
    TASKS,
    TailCase,
    case,
    for_task,
    remedy_settings,
    warm_settings,
)
from helpers.long_tail.classifier import REMEDIES, DefectClassifier
from helpers.metrics.classes import balanced_accuracy, macro_f1, recall_per_class, reliability
from helpers.metrics.image import image_auroc
from helpers.profiles import Profile, current_profile


@dataclass(frozen=True)
class _Deferred:
    case: TailCase
    profile: Profile
    warmed: dict[int, DefectClassifier]

    def __call__(self, known: Labelled) -> DefectClassifier:
        key = hash(known.images.tobytes())
        if key not in self.warmed:
            warm = DefectClassifier(warm_settings(self.case))
            self.warmed[key] = warm.fit(known.images, known.labels)
        classifier = DefectClassifier(remedy_settings(self.case))
        return classifier.fit(known.images, known.labels, start=self.warmed[key])


def main() -> None:
    """Print one line for each remedy and task: means over the seeds, ± standard deviation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument(
        "--move-to-test", type=int, default=0, help="training images to test on as good"
    )
    parser.add_argument("--remedies", nargs="+", default=list(REMEDIES), choices=list(REMEDIES))
    parser.add_argument("--tasks", nargs="+", default=list(TASKS), choices=list(TASKS))
    chosen = parser.parse_args()
    profile = current_profile()
    category = move_to_test(load_category(profile.category, size=chosen.size), chosen.move_to_test)
    everything = labelled_test(category)
    print(f"{category.name}: {len(category.train)} good to learn from; tested on {everything}")
    for task in chosen.tasks:
        labelled = for_task(everything, task)
        rows = {name: [] for name in chosen.remedies}
        for seed in chosen.seeds:
            # Every remedy of a fold goes on from the same plain training.
            warmed: dict[int, DefectClassifier] = {}
            for name in chosen.remedies:
                one = case(class_counts(labelled.labels), name, seed, task=task)
                fit = _Deferred(one, profile, warmed)
                probabilities = out_of_fold(labelled, category.train, chosen.folds, fit, seed)
                rows[name].append(_figures(labelled.labels, probabilities))
                print(task, seed, name, rows[name][-1], flush=True)
        print(task)
        print(pd.DataFrame({name: _over_seeds(found) for name, found in rows.items()}).T)


def _figures(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    recalls = recall_per_class(labels, probabilities)
    return {
        "balanced accuracy": round(balanced_accuracy(labels, probabilities), 3),
        "macro-F1": round(macro_f1(labels, probabilities), 3),
        "calibration error": round(reliability(labels, probabilities).error, 3),
        "image AUROC": round(image_auroc(labels > 0, 1 - probabilities[:, 0]), 3),
        "recalls": " ".join(f"{recall:.2f}" for recall in recalls),
    }


def _over_seeds(found: list[dict]) -> dict[str, str]:
    values = pd.DataFrame(found).drop(columns="recalls")
    spread = values.std(ddof=1) if len(found) > 1 else values.iloc[0] * 0
    return {key: f"{values[key].mean():.3f} ± {spread[key]:.3f}" for key in values}


if __name__ == "__main__":
    main()
