"""Whether an inspector keeps its promise, and how it does on somebody's own photos.

    .venv/bin/python -m benchmarks.inspection promise [--draws 200]
    .venv/bin/python -m benchmarks.inspection folds [--draws 8]
    .venv/bin/python -m benchmarks.inspection folder FOLDER
    .venv/bin/python -m benchmarks.inspection kinds FOLDER FOLDER …

`promise` draws good scores again and again, from three laws and from scores of generated nuts, and
compares the share of new good scores above the threshold with what was promised. `folds` fits to
few generated nuts, so that every nut serves for fit and threshold, where nothing is proven.
`folder` fits to FOLDER/train/good, inspects FOLDER/test, and says how long both took. `kinds`
prints the silhouette of two clusters, for each folder of good photos, and for each pair mixed.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy import stats

from benchmarks.common import command_line
from helpers.data.load import generate_category
from helpers.data.photos import what_it_shows
from helpers.data.squares import Squares
from helpers.detectors.memory.patchcore import PatchCoreDetector, PatchCoreSettings
from helpers.inspection.conformal import FOLDS, conformal_rank, conformal_threshold
from helpers.inspection.good import GoodPhotos, gather
from helpers.inspection.inspector import InspectorSettings, embeddings, fit_inspector
from helpers.inspection.look import Look, in_two
from helpers.inspection.results import UNREAD, inspect_folder
from helpers.metrics.image import auroc_interval, image_auroc
from helpers.networks.backbone import backbone

SIDE, FITTED = 128, 60


def nuts() -> np.ndarray:
    return generate_category(SIDE).train


def nut_scores() -> np.ndarray:
    """Score nuts by a memory of others."""
    images = nuts()
    detector = PatchCoreDetector(PatchCoreSettings()).fit(images[:FITTED])
    return detector.predict(images[FITTED:]).maps.max((1, 2))


def promise(draws: int, alpha: float = 0.05) -> None:
    laws: dict[str, Callable] = {
        "normal": stats.norm(),
        "long-tailed (log-normal, σ 1.5)": stats.lognorm(1.5),
        "in steps (normal, 1 decimal)": None,
    }
    pool = nut_scores()
    print("| scores | n | certainty | promised | on average | realised (± 2 SE) | within bound |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for name in (*laws, f"generated nuts ({len(pool)} scores)"):
        for n, certainty in ((20, 0.0), (59, 0.0), (59, 0.95), (200, 0.0), (200, 0.95)):
            rng, realised = np.random.default_rng(n), []
            for _ in range(draws):
                if name.startswith("generated"):
                    order = rng.permutation(pool)
                    kept, new = order[:n], order[n:]
                    share = (new > conformal_threshold(kept, alpha, certainty).threshold).mean()
                elif laws[name] is None:
                    found = conformal_threshold(rng.normal(size=n).round(1), alpha, certainty)
                    share = stats.norm.sf(found.threshold + 0.05)
                else:
                    scores = laws[name].rvs(n, random_state=rng)
                    share = laws[name].sf(conformal_threshold(scores, alpha, certainty).threshold)
                realised.append(share)
            realised = np.array(realised)
            error = 2 * realised.std(ddof=1) / np.sqrt(draws)
            average = (n + 1 - conformal_rank(n, alpha, certainty)) / (n + 1)
            print(
                f"| {name} | {n} | {certainty or 'average'} | {alpha:.1%} | {average:.1%} | "
                f"{realised.mean():.1%} ± {error:.1%} | {(realised <= alpha).mean():.0%} |"
            )


def good_of(images: np.ndarray) -> GoodPhotos:
    files = tuple(f"{i:03d}.png" for i in range(len(images)))
    look = Look(SIDE, SIDE, 0.0, 0.0)
    return GoodPhotos(
        folder=Path(),
        files=files,
        groups=files,
        looks=(look,) * len(files),
        thumbnails=np.random.default_rng(0).normal(0, 99, (len(files), 32, 32)),
        pictures=tuple(images[:, None]),
        squares=Squares(SIDE),
        fingerprint="",
    )


def folds(draws: int) -> None:
    images = nuts()
    print("| nuts | folds | asked | on average, if it were a promise | realised (± 2 SE) |")
    print("|--:|--:|--:|--:|--:|")
    for n, alpha, parts in ((20, 0.05, 5), (20, 0.05, 20), (40, 0.03, 5)):
        realised, settings = [], InspectorSettings(false_alarms=alpha, folds=parts)
        for seed in range(draws):
            order = np.random.default_rng(seed).permutation(len(images))
            chosen = replace(settings, seed=seed)
            fitted = fit_inspector(good_of(images[order[:n]]), chosen).inspector
            assert fitted.promise.source == FOLDS
            new = fitted.detector.predict(images[order[n : n + 120]]).maps.max((1, 2))
            realised.append((new > fitted.promise.threshold).mean())
        error = 2 * np.std(realised, ddof=1) / np.sqrt(draws)
        print(
            f"| {n} | {parts} | {alpha:.0%} | {fitted.promise.on_average:.1%} | "
            f"{np.mean(realised):.1%} ± {error:.1%} |"
        )


def folder(where: Path) -> None:
    started, used = time.perf_counter(), time.process_time()
    good = gather(where / "train" / "good", Squares(256))
    fitted = fit_inspector(good)
    inspector = fitted.inspector
    rows = [row for row, _ in inspect_folder(inspector, where / "test") if row.verdict != UNREAD]
    wall, cpu = time.perf_counter() - started, time.process_time() - used
    labels = np.array([what_it_shows(row.file) != "good" for row in rows]).astype(int)
    scores = np.array([row.score for row in rows])
    odd = scores > inspector.promise.threshold
    interval = auroc_interval(labels, scores)
    print(f"{len(good.files)} good photos, {len(rows)} inspected: {wall:.0f} s, {cpu:.0f} s CPU")
    print(f"image AUROC {image_auroc(labels, scores):.3f} ({interval.low:.3f}–{interval.high:.3f})")
    print(f"false alarms {odd[labels == 0].sum()} of {(labels == 0).sum()}; promised:")
    print(inspector.promise.sentence())
    print(f"missed {(~odd[labels == 1]).sum()} of {labels.sum()}")


def kinds(folders: list[Path]) -> None:
    network = backbone(layers=PatchCoreSettings().layers)
    found = {str(where): embeddings(network, gather(where, Squares(256))) for where in folders}
    mixed = {f"{a} + {b}": [found[a], found[b][:6]] for a, b in combinations(found, 2)}
    for name, parts in ({a: [rows] for a, rows in found.items()} | mixed).items():
        print(f"{in_two(np.concatenate(parts))[0]:.2f}  {name}")


def main() -> None:
    parser = command_line(__doc__)
    commands = parser.add_subparsers(required=True)
    for name, work, draws in (("promise", promise, 200), ("folds", folds, 8)):
        one = commands.add_parser(name)
        one.add_argument("--draws", type=int, default=draws)
        one.set_defaults(run=lambda given, work=work: work(given.draws))
    one = commands.add_parser("folder")
    one.add_argument("folder", type=Path)
    one.set_defaults(run=lambda given: folder(given.folder))
    one = commands.add_parser("kinds")
    one.add_argument("folders", type=Path, nargs="+")
    one.set_defaults(run=lambda given: kinds(given.folders))
    arguments: argparse.Namespace = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
