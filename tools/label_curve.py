"""Train chapter 16's detector on 1, 2, 4, 8 and 16 labelled nuts of each defect, and record it."""

import argparse

from helpers.experiments.detection import (
    SHOTS,
    judged_nuts,
    labelled_nuts,
    records_folder,
    run_case,
)


def main() -> None:
    """Print and record one run for each number of labels and seed; recorded ones are skipped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=range(3))
    parser.add_argument("--shots", type=int, nargs="+", default=SHOTS)
    parser.add_argument("--weights", nargs="+", default=["formula"])
    chosen = parser.parse_args()
    judged = judged_nuts()
    for seed in chosen.seeds:
        pool = labelled_nuts(max(chosen.shots), seed)
        for weights in chosen.weights:
            for each in chosen.shots:
                name = f"{judged.name}-{weights}-{each:02}-seed{seed}.json"
                if (records_folder() / name).is_file():
                    continue
                run = run_case(judged, pool, each, seed, weights)
                run.save(records_folder())
                print(each, weights, seed, run.scores, f"{run.seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
