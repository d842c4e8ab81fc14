"""FastFlow on a real category: several scores of the same flows, kept as records.

    MVTEC_ROOT=… .venv/bin/python -m benchmarks.fastflow_scores grid
    … grid --other squeezenet1_1=FILE --layers fire3,fire5
    … hazelnut --move-to-test 12
    … grid --epochs 4             # another number of epochs than the medium profile's

Prints image AUROC, pixel AUROC and AUPRO of each score, and keeps those of the detector's own score
and of the whole likelihood in book/records/detectors/medium, for chapter 11; not with --print-only.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from benchmarks.common import category_of, category_options, command_line, network_options
from helpers.data.category import split_good
from helpers.detectors import catalogue
from helpers.detectors.density.fastflow import FastFlowDetector, anomaly_map
from helpers.detectors.density.flow import log_normal
from helpers.experiments.cost import parameter_count, timed
from helpers.experiments.detectors import DETECTORS, described
from helpers.experiments.store import Provenance, Record, revisions
from helpers.metrics.report import evaluate
from helpers.metrics.scores import Scores, pool, smooth
from helpers.plain import plain
from helpers.profiles import PROFILES

PROFILE = PROFILES["medium"]
BATCH = 16


def distance(latent: torch.Tensor, stretch: torch.Tensor) -> torch.Tensor:
    return -log_normal(latent) / latent.shape[1]


def likelihood(latent: torch.Tensor, stretch: torch.Tensor) -> torch.Tensor:
    return distance(latent, stretch) - stretch / latent.shape[1]


SCORES: dict[str, Callable] = {
    "": lambda latent, stretch: anomaly_map(latent),
    "distance": distance,
    "likelihood": likelihood,
}


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("category", nargs="?", default="grid")
    category_options(parser, size=PROFILE.feature_size)
    network_options(parser)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--print-only", action="store_true")
    arguments = parser.parse_args()

    category = category_of(arguments)
    fit_images, held_out = split_good(category.train, fraction=0.15, seed=0)
    settings = catalogue.fastflow(PROFILE, len(fit_images), arguments.seed)
    variant = {}
    if arguments.other:
        architecture, weights = arguments.other.split("=", 1)
        settings = replace(settings, architecture=architecture, weights=weights)
        variant["backbone"] = architecture
    if arguments.layers:
        settings = replace(settings, layers=tuple(arguments.layers.split(",")))
    if arguments.epochs:
        settings = replace(settings, training=replace(settings.training, epochs=arguments.epochs))

    detector = FastFlowDetector(settings)
    _, seconds = timed(lambda: detector.fit(fit_images))
    # A record says which file, not where it lay.
    detector.settings = replace(settings, weights=Path(settings.weights).name)
    tested, held = all_scores(detector, category.test), all_scores(detector, held_out)
    for ending, scores in tested.items():
        report = evaluate(category, scores, held[ending])
        changed = variant | ({"score": ending} if ending else {})
        low, high = report.image_auroc_interval.low, report.image_auroc_interval.high
        print(
            f"FastFlow {changed}: image {report.image_auroc:.3f} ({low:.3f}–{high:.3f}), "
            f"pixel {report.pixel_auroc:.3f}, AUPRO {report.aupro:.3f}; fit {seconds:.0f} s"
        )
        if ending != "distance" and not arguments.print_only:
            record = Record(
                experiment=DETECTORS.name,
                case={"method": "FastFlow", "variant": changed, "seed": arguments.seed},
                settings=plain(detector.settings),
                data=described(category),
                revision=revisions(detector),
                result=report,
                provenance=Provenance(
                    {"fit": round(seconds, 1)},
                    backbone=str(detector.backbone.source),
                    parameters=parameter_count(detector),
                ),
            )
            DETECTORS.write(DETECTORS.folder(PROFILE.name), record)


def all_scores(detector: FastFlowDetector, images: np.ndarray) -> dict[str, Scores]:
    maps: dict[str, list[torch.Tensor]] = {ending: [] for ending in SCORES}
    for start in range(0, len(images), BATCH):
        layers = detector.transform(images[start : start + BATCH]).values()
        for ending, score in SCORES.items():
            large = [
                functional.interpolate(score(*parts)[:, None], images.shape[2:], mode="bilinear")
                for parts in layers
            ]
            maps[ending].append(torch.stack(large).mean(0)[:, 0].cpu())
    sigma = detector.settings.smoothing * images.shape[-1]
    smoothed = {ending: smooth(torch.cat(m).numpy(), sigma) for ending, m in maps.items()}
    return {e: Scores(pool(m, detector.settings.top_share), m) for e, m in smoothed.items()}


if __name__ == "__main__":
    main()
