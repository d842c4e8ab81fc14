"""Nearest neighbours of PatchCore's features: the book's matrix product against libraries.

    .venv/bin/python -m benchmarks.neighbours [--memory 3000] [--rounds 5]
    … --keep       # keep the figures as book/records/neighbours.json, which chapter 10 shows

The queries are the patches of the generated test hazelnuts, the memory is their coreset. The
options take turns; the table gives the median time of a query and how often the answer is the
exact one. faiss takes part where it is installed; it is no dependency of the book. To have it:
``pip install faiss-cpu`` in an environment of your own that has the book's requirements.
"""

import importlib.util
import json
import statistics
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.neighbors import NearestNeighbors

from benchmarks.common import command_line, timed
from helpers.data.load import load_category
from helpers.detectors.memory.nearest import nearest_neighbours
from helpers.detectors.memory.patchcore import PatchCoreDetector, PatchCoreSettings
from helpers.files import whole_file
from helpers.machine import this_machine
from helpers.networks.backbone import backbone
from helpers.networks.features import patch_features
from helpers.paths import project_root

Search = Callable[[np.ndarray], np.ndarray]  # Q×C queries to Q positions


@dataclass(frozen=True)
class Option:
    """One way to search; ``build`` makes it from the memory, ``queries`` is how many it gets."""

    name: str
    build: Callable[[np.ndarray], Search]
    queries: int


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--memory", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--queries", type=int, default=40_000)
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()

    category = load_category("hazelnut", 224)
    settings = PatchCoreSettings(weights="formula", largest_memory=arguments.memory)
    network = backbone("resnet18", "formula")
    memory = PatchCoreDetector(settings, network).fit(category.train[::4]).memory.cpu().numpy()
    features = patch_features(network, category.test)
    vectors = features.permute(0, 2, 3, 1).reshape(-1, features.shape[1]).cpu().numpy()
    picked = np.random.default_rng(0).permutation(len(vectors))[: arguments.queries]
    queries = np.ascontiguousarray(vectors[picked])
    print(f"{len(queries)} queries, memory {memory.shape}, {this_machine().describe()}\n")
    results = measure(options(len(queries)), queries, memory, arguments.rounds)
    print(table(results))
    if arguments.keep:
        keep(results, memory, len(queries))


def options(many: int) -> list[Option]:
    few = min(many, 500)
    found = [
        Option("the book: matrix product in torch, exact", _torch, many),
        Option("scikit-learn, brute force", _scikit("brute"), many),
        Option("scikit-learn, k-d tree", _scikit("kd_tree"), few),
        Option("scikit-learn, ball tree", _scikit("ball_tree"), few),
    ]
    if importlib.util.find_spec("faiss"):
        found += [
            Option("faiss, IndexFlatL2, exact", _faiss_flat, many),
            Option("faiss, inverted lists, 8 of 64 probed", _faiss_lists, many),
            Option("faiss, HNSW graph of 32 links", _faiss_graph, many),
        ]
    else:
        print("faiss left out: not installed.")
    return found


@dataclass(frozen=True)
class Result:
    name: str
    build_seconds: float
    microseconds: float
    exact: float


def measure(
    found: list[Option], queries: np.ndarray, memory: np.ndarray, rounds: int
) -> list[Result]:
    right = _torch(memory)(queries)
    built = [timed(lambda option=option: option.build(memory)) for option in found]
    times: list[list[float]] = [[] for _ in found]
    exact = [0.0] * len(found)
    for _ in range(rounds):
        for number, (option, (search, _)) in enumerate(zip(found, built, strict=True)):
            part = queries[: option.queries]
            answer, seconds = timed(lambda search=search, part=part: search(part))
            times[number].append(1e6 * seconds / len(part))
            exact[number] = float((answer == right[: len(part)]).mean())
    return [
        Result(option.name, build, statistics.median(each), share)
        for option, (_, build), each, share in zip(found, built, times, exact, strict=True)
    ]


def table(results: list[Result]) -> str:
    ours = results[0].microseconds
    lines = [
        "| search | building it, s | µs a query | this : the book | the exact answer |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {r.name} | {r.build_seconds:.2f} | {r.microseconds:.1f} "
        f"| {r.microseconds / ours:.2f} | {r.exact:.2%} |"
        for r in results
    ]
    return "\n".join(lines)


def keep(results: list[Result], memory: np.ndarray, queries: int) -> None:
    record = {
        "queries": queries,
        "memory": list(memory.shape),
        "machine": this_machine().describe(),
        "results": {
            r.name: {"microseconds": round(r.microseconds, 1), "exact": round(r.exact, 4)}
            for r in results
        },
    }
    with whole_file(project_root() / "book" / "records" / "neighbours.json") as work:
        work.write_text(json.dumps(record, indent=2) + "\n", "utf-8")


def _torch(memory: np.ndarray) -> Search:
    entries = torch.from_numpy(memory)
    return lambda queries: nearest_neighbours(torch.from_numpy(queries), entries)[1][:, 0].numpy()


def _scikit(algorithm: str) -> Callable[[np.ndarray], Search]:
    def build(memory: np.ndarray) -> Search:
        index = NearestNeighbors(n_neighbors=1, algorithm=algorithm).fit(memory)
        return lambda queries: index.kneighbors(queries, return_distance=False)[:, 0]

    return build


def _faiss_flat(memory: np.ndarray) -> Search:
    import faiss

    index = faiss.IndexFlatL2(memory.shape[1])
    index.add(memory)
    return lambda queries: index.search(queries, 1)[1][:, 0]


def _faiss_lists(memory: np.ndarray) -> Search:
    import faiss

    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(memory.shape[1]), memory.shape[1], 64)
    index.train(memory)
    index.add(memory)
    index.nprobe = 8
    return lambda queries: index.search(queries, 1)[1][:, 0]


def _faiss_graph(memory: np.ndarray) -> Search:
    import faiss

    index = faiss.IndexHNSWFlat(memory.shape[1], 32)
    index.add(memory)
    return lambda queries: index.search(queries, 1)[1][:, 0]


if __name__ == "__main__":
    main()
