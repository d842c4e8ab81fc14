"""How long the book's small everyday work takes: weights, pixel measures, an interval.

    .venv/bin/python -m benchmarks.speeds

Each is done once without counting, then five times; the table has the median processor time, which
other programs disturb little.
"""

import time
from statistics import median

import numpy as np

from benchmarks.common import command_line
from helpers.metrics.image import auroc_interval
from helpers.metrics.pixel import pixel_report
from helpers.networks.backbone import backbone


def main() -> None:
    command_line(__doc__).parse_args()
    rng = np.random.default_rng(0)
    masks = np.zeros((110, 256, 256), bool)
    masks[40:, 100:130, 90:150] = True
    maps = rng.random(masks.shape, dtype=np.float32) + masks / np.float32(4)
    labels = np.repeat([0, 1], [40, 70])
    scores = rng.normal(size=110) + labels
    works = {
        "read the weights from formulas": lambda: backbone("resnet18", "formula"),
        "pixel AUROC and AUPRO of 110 maps of 256 × 256": lambda: pixel_report(masks, maps),
        "interval of an image AUROC, 110 images": lambda: auroc_interval(labels, scores),
    }
    print("| | ms of processor time |\n|---|--:|")
    for name, work in works.items():
        work()
        spent = []
        for _ in range(5):
            start = time.process_time()
            work()
            spent.append(time.process_time() - start)
        print(f"| {name} | {1000 * median(spent):.3g} |", flush=True)


if __name__ == "__main__":
    main()
