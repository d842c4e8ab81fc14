"""How two computations on the same cores slow each other, by the settings of OpenMP.

    .venv/bin/python -m benchmarks.side_by_side [--rounds 9] [--seconds 0.5]

Each setting runs by itself and beside a second process that does the same, the settings taking
turns. The table has the median time of a step as a multiple of the default's by itself, and how
much of the machine other programs used meanwhile: where that is not near 0, "by itself" means
beside those.
"""

import os
import sys
import time
from collections.abc import Callable
from itertools import chain
from statistics import mean, median
from subprocess import PIPE

import psutil
import torch

from benchmarks.common import command_line
from helpers.detectors.reconstruction.autoencoder import Autoencoder, reconstruction_loss
from helpers.machine import this_machine
from helpers.networks.training import optimise

SETTINGS = {
    "default": {},
    "waiting threads sleep": {"OMP_WAIT_POLICY": "passive"},
    "waiting threads sleep soon": {"GOMP_SPINCOUNT": "1000"},
    "one thread": {"OMP_NUM_THREADS": "1"},
}


def training() -> Callable[[], object]:
    """Train chapter 2's autoencoder."""
    machine = this_machine()
    model = machine.place(Autoencoder((16, 32, 64, 128), 16))
    optimiser = torch.optim.Adam(model.parameters())
    batch = torch.rand(16, 3, 128, 128).contiguous(memory_format=torch.channels_last)

    def step() -> None:
        with machine.autocast():
            loss = reconstruction_loss(model, batch)
        optimise(loss, optimiser)

    return step


def products() -> Callable[[], object]:
    """Compare the patches of a picture with a memory."""
    patches, memory = torch.rand(784, 384), torch.rand(384, 3000)
    return lambda: patches @ memory


def small() -> Callable[[], object]:
    """Do forty short things with few numbers."""
    numbers = torch.rand(64, 1024)
    return lambda: [(numbers * 1.01).add_(1) for _ in range(20)]


WORK = {work.__name__: work for work in (training, products, small)}


def serve() -> None:
    """Repeat a work for the seconds that a line of the input names; print the steps a second."""
    torch.manual_seed(0)
    steps = {name: work() for name, work in WORK.items()}
    for step in steps.values():
        step()
    print("ready", flush=True)
    for line in sys.stdin:
        work, seconds = line.split()
        start, count = time.perf_counter(), 0
        while (spent := time.perf_counter() - start) < float(seconds):
            steps[work]()
            count += 1
        print(count / spent, flush=True)


def start(settings: dict[str, str]) -> psutil.Popen:
    own = {key: value for key, value in os.environ.items() if not key.startswith(("OMP", "GOMP"))}
    command = [sys.executable, "-m", "benchmarks.side_by_side", "--serve"]
    return psutil.Popen(command, stdin=PIPE, stdout=PIPE, text=True, env=own | settings)


def used() -> float:
    """Return the seconds of processor time that all programs have used."""
    spent = psutil.cpu_times()
    return spent.user + spent.nice + spent.system


def measure(processes: list[psutil.Popen], work: str, seconds: float) -> tuple[float, float]:
    """Return the seconds of a step, and the cores that other programs used."""

    def others() -> float:
        return used() - sum(sum(process.cpu_times()[:2]) for process in processes)

    before, began = others(), time.perf_counter()
    for process in processes:
        process.stdin.write(f"{work} {seconds}\n")
        process.stdin.flush()
    rates = [float(process.stdout.readline()) for process in processes]
    return 1 / mean(rates), (others() - before) / (time.perf_counter() - began)


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--serve", action="store_true", help="what the processes are started with")
    chosen = parser.parse_args()
    if chosen.serve:
        serve()
        return
    pairs = {name: [start(given), start(given)] for name, given in SETTINGS.items()}
    for process in chain(*pairs.values()):
        process.stdout.readline()
    print("| work | setting | by itself | beside a second | cores that others used |")
    print("|---|---|--:|--:|--:|")
    for work in WORK:
        found = {(name, count): [] for name in SETTINGS for count in (1, 2)}
        for _ in range(chosen.rounds):
            for (name, count), results in found.items():
                results.append(measure(pairs[name][:count], work, chosen.seconds))
        unit = median(seconds for seconds, _ in found["default", 1])
        for name in SETTINGS:
            one, two = (median(s for s, _ in found[name, count]) / unit for count in (1, 2))
            others = mean(o for count in (1, 2) for _, o in found[name, count])
            print(f"| {work} | {name} | {one:.2f} | {two:.2f} | {others:.1f} |", flush=True)
    for process in chain(*pairs.values()):
        process.terminate()


if __name__ == "__main__":
    main()
