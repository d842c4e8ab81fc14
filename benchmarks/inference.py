"""How fast this processor runs the backbone, by the number formats and engines at hand.

    .venv/bin/python -m benchmarks.inference [--rounds 9] [--no-scores]

ResNet18 up to layer3 with the book's formula weights, pictures of 224 × 224 pixels. *Usual* is
what most code does: float32, the default memory layout, normalisations as they are. The machine is
noisy, so the options take turns, and each is compared with the usual way of the same round. The
second table holds PatchCore's scores with each option against those of the usual way.

Compiled, ONNX Runtime and OpenVINO take part where they are installed; they are no dependencies of
the book. To have them: ``uv pip install onnx onnxruntime openvino`` in an environment of your own
that has the book's requirements.
"""

import copy
import importlib.util
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torchvision.models import resnet18

from benchmarks.common import command_line
from helpers.data.load import load_category
from helpers.detectors.memory.patchcore import PatchCoreDetector, PatchCoreSettings
from helpers.machine import Machine, this_machine
from helpers.metrics.image import image_auroc
from helpers.networks.architectures import MEAN, STD, Backbone, backbone
from helpers.networks.weights import read_formula_weights

SIDE = 224
LAYERS = ("layer2", "layer3")
Run = Callable[[torch.Tensor], tuple[torch.Tensor, ...]]


class Usual(nn.Module):
    """TorchVision's own modules, cut after layer3."""

    def __init__(self) -> None:
        super().__init__()
        network = resnet18()
        network.load_state_dict(read_formula_weights("resnet18")[0], strict=False)
        self.lower = nn.Sequential(
            network.conv1,
            network.bn1,
            network.relu,
            network.maxpool,
            network.layer1,
            network.layer2,
        )
        self.top = network.layer3
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1))
        self.eval()

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        second = self.lower((images - self.mean) / self.std)
        return second, self.top(second)


class Pair(nn.Module):
    """The book's backbone, its maps as a tuple, which every exporter understands."""

    def __init__(self, network: Backbone) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        maps = self.network(images)
        return maps["layer2"], maps["layer3"]


class Wrapped(nn.Module):
    """An option in the shape of a backbone, for PatchCore."""

    layers = LAYERS
    strides = {"layer2": 8, "layer3": 16}  # noqa: RUF012

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        return dict(zip(LAYERS, (value.float() for value in self.run(images)), strict=True))


def with_format(module: nn.Module, layout: torch.memory_format, autocast: bool) -> Run:
    module = copy.deepcopy(module).to(memory_format=layout)

    def run(images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            return module(images.contiguous(memory_format=layout))

    return run


def all_bfloat16(module: nn.Module) -> Run:
    module = copy.deepcopy(module).to(torch.bfloat16, memory_format=torch.channels_last)

    def run(images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return module(images.to(torch.bfloat16).contiguous(memory_format=torch.channels_last))

    return run


def compiled(module: nn.Module) -> Run:
    if not (shutil.which("c++") or shutil.which("g++") or shutil.which("cl")):
        raise ImportError("a C++ compiler")
    module = copy.deepcopy(module).to(memory_format=torch.channels_last)
    fast = torch.compile(module)
    return lambda images: fast(images.contiguous(memory_format=torch.channels_last))


def onnx_file(module: nn.Module, folder: Path) -> Path:
    path = folder / "backbone.onnx"
    batch = torch.zeros(2, 3, SIDE, SIDE)
    torch.onnx.export(
        module,
        (batch,),
        str(path),
        input_names=["images"],
        output_names=list(LAYERS),
        dynamic_axes={name: {0: "batch"} for name in ("images", *LAYERS)},
        dynamo=False,
    )
    return path


def onnx_runtime(module: nn.Module, folder: Path) -> Run:
    needs("onnx", "onnxruntime")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(
        str(onnx_file(module, folder)), options, providers=["CPUExecutionProvider"]
    )
    return lambda images: tuple(
        torch.from_numpy(value)
        for value in session.run(None, {"images": images.contiguous().numpy()})
    )


def openvino(module: nn.Module, folder: Path, precision: str | None) -> Run:
    needs("onnx", "openvino")
    import openvino as ov

    hints = {"INFERENCE_NUM_THREADS": torch.get_num_threads(), "PERFORMANCE_HINT": "LATENCY"}
    if precision:
        hints["INFERENCE_PRECISION_HINT"] = precision
    core = ov.Core()
    model = core.compile_model(core.read_model(str(onnx_file(module, folder))), "CPU", hints)

    def run(images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        found = model([images.contiguous().numpy()])
        return tuple(torch.from_numpy(np.array(found[i])) for i in range(2))

    return run


def needs(*packages: str) -> None:
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise ImportError(package)


def options(folder: Path) -> dict[str, Callable[[], Run]]:
    book = Pair(backbone("resnet18", "formula", LAYERS))
    plain, last = torch.contiguous_format, torch.channels_last
    return {
        "usual: float32, default layout": lambda: with_format(Usual(), plain, False),
        "normalisations folded": lambda: with_format(book, plain, False),
        "folded, channels-last": lambda: with_format(book, last, False),
        "folded, channels-last, bfloat16 autocast": lambda: with_format(book, last, True),
        "folded, channels-last, all in bfloat16": lambda: all_bfloat16(book),
        "folded, channels-last, compiled": lambda: compiled(book),
        "ONNX Runtime, float32": lambda: onnx_runtime(book, folder),
        "OpenVINO, float32": lambda: openvino(book, folder, "f32"),
        "OpenVINO, as it chooses": lambda: openvino(book, folder, None),
    }


def seconds(run: Run, images: torch.Tensor, repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        run(images)
    return (time.perf_counter() - start) / repeats / len(images)


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--no-scores", action="store_true")
    arguments = parser.parse_args()
    print(f"{this_machine().describe()}\n")
    with tempfile.TemporaryDirectory() as name, torch.inference_mode():
        runs = {}
        for label, make in options(Path(name)).items():
            try:
                runs[label] = make()
            except ImportError as missing:
                print(f"left out: {label} ({missing} is not installed)")
        print(times(runs, arguments.rounds))
        if not arguments.no_scores:
            print(agreement(runs))


def times(runs: dict[str, Run], rounds: int) -> str:
    batches = {1: (torch.rand(1, 3, SIDE, SIDE), 8), 16: (torch.rand(16, 3, SIDE, SIDE), 1)}
    taken: dict[tuple[str, int], list[float]] = {(run, b): [] for run in runs for b in batches}
    for number in range(rounds + 2):
        for size, (images, repeats) in batches.items():
            for label, run in runs.items():
                value = seconds(run, images, repeats)
                if number > 1:  # the first two rounds warm up and compile
                    taken[label, size].append(value)
    usual = next(iter(runs))
    lines = [
        "| | ms an image, singly | usual : this | ms an image, 16 at once | usual : this |",
        "|---|---|---|---|---|",
    ]
    for label in runs:
        cells = []
        for size in batches:
            own, base = taken[label, size], taken[usual, size]
            ratio = statistics.median(b / o for b, o in zip(base, own, strict=True))
            cells += [f"{1000 * statistics.median(own):.1f}", f"{ratio:.2f}"]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def agreement(runs: dict[str, Run]) -> str:
    category = load_category("hazelnut", SIDE)
    fit = category.train[:60]
    settings = PatchCoreSettings(largest_memory=1000)
    machine = Machine("cpu", "float32")
    os.environ["ONE_BAD_NUT_PRECISION"] = machine.precision  # each option has a format of its own
    lines = ["| | image AUROC | difference | largest difference of a score |", "|---|---|---|---|"]
    reference = None
    for label, run in runs.items():
        detector = PatchCoreDetector(settings, Wrapped(run)).fit(fit)
        scores = detector.predict(category.test).image
        auroc = image_auroc(category.labels, scores)
        reference = reference or (auroc, scores)
        gap = np.abs(scores - reference[1]).max() / np.abs(reference[1]).max()
        lines.append(f"| {label} | {auroc:.4f} | {auroc - reference[0]:+.4f} | {gap:.1%} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
