"""Run recorded contenders again; where the scores are the same, note the code that gives them.

For records that were made before they carried a fingerprint of their code, and for those whose code
was rewritten without a change of what it computes. Times and everything else in a record stay. With
``--sample``, one confirmed seed of a method stands for its other seeds and its ablations. What is
not confirmed stays as it is, and ``make results`` or ``make long-tail`` runs it again. Another
processor may give other scores by the same code: confirm on the kind of machine that the records
name.
"""

import argparse
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from helpers.data.category import split_good
from helpers.data.labelled import labelled_test
from helpers.data.load import generate_category, load_category
from helpers.experiments import long_tail
from helpers.experiments.detectors import PARTS, fault, planned, results_folder, run
from helpers.experiments.long_tail_cases import centre, for_task, judged_images, training_set
from helpers.experiments.record_codes import CODE_CHANGED, CODE_UNKNOWN, code_of
from helpers.experiments.report import load_report, record_path
from helpers.files import whole_file
from helpers.profiles import current_profile

TOLERANCE = 1e-5  # relative: the scores are recorded with six digits


def note(path: Path, code: str) -> None:
    """Write ``code`` into a record, whose other fields keep their values and their order."""
    text = path.read_text("utf-8")
    fields = {**json.loads(text), "code": code}
    indent = 2 if text.startswith("{\n") else None
    with whole_file(path) as work:
        work.write_text(json.dumps(fields, indent=indent, ensure_ascii=False) + "\n", "utf-8")


def alike(a: list, b: list) -> bool:
    return np.allclose(np.asarray(a, float), np.asarray(b, float), rtol=TOLERANCE, atol=1e-9)


def confirm_results(parts: list[str], methods: list[str], seeds: list[int], sample: bool) -> None:
    profile = current_profile()
    folder = results_folder(profile)
    sizes = {profile.image_size, profile.feature_size}
    categories = {size: load_category(profile.category, size=size) for size in sizes}
    images = len(split_good(categories[profile.image_size].train)[0])
    for seed, contender in planned(replace(profile, seeds=tuple(seeds)), images, parts):
        category, code = categories[contender.size], code_of(contender.detector())
        path = record_path(folder, category, contender.name, seed)
        if (methods and contender.name not in methods) or not path.is_file():
            continue
        kept = load_report(path)
        if fault(kept, category, contender) not in (CODE_UNKNOWN, CODE_CHANGED):
            continue
        use_threads_of(kept.environment["machine"])
        new = run(category, contender, seed)
        same = alike(new.image_scores, kept.image_scores) and alike(
            [new.pixel_auroc, new.aupro, new.threshold.value],
            [kept.pixel_auroc, kept.aupro, kept.threshold.value],
        )
        verdict = "confirmed" if same else "other scores, left as it is"
        print(f"{contender.name}, seed {seed}: {verdict}", flush=True)
        for each, other in planned(profile, images) if same and sample else [(seed, contender)]:
            kin = other.name == contender.name or other.name.startswith(f"{contender.name}, ")
            place = record_path(folder, categories[other.size], other.name, each)
            if same and kin and code_of(other.detector()) == code and place.is_file():
                note(place, code)


def use_threads_of(machine: str) -> None:
    """Compute with as many threads as a record says: sums are rounded in their order."""
    if found := re.search(r"cpu, (\d+) threads", machine):
        torch.set_num_threads(int(found[1]))


def confirm_tail(names: list[str], sample: bool) -> None:
    profile = current_profile()
    folder, code = long_tail.record_folder(profile), long_tail.code_now()
    category = generate_category(profile.image_size)
    test = centre(labelled_test(category))
    judged, _ = judged_images(profile.image_size)
    agreed = True
    for name in names:
        kept = long_tail.load(folder / name)
        use_threads_of(kept.environment["machine"])
        known = centre(training_set(category, kept.case))
        warm = long_tail.warm_up(kept.case, known, profile)
        classifier = long_tail.train(kept.case, known, profile, warm)
        scores = (1 - classifier.predict(test.images)[:, 0]).round(4)
        mine = centre(for_task(judged, kept.case.task))
        counts = long_tail.confusion_matrix(mine.labels, classifier.predict(mine.images)).tolist()
        same = alike(scores, kept.image_scores) and counts == kept.confusion
        agreed &= same
        print(f"{name}: {'confirmed' if same else 'other scores, left as it is'}", flush=True)
        if same:
            note(folder / name, code)
    if sample and agreed:
        for path in folder.glob("*.json"):
            note(path, code)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="*", choices=list(PARTS), default=[])
    parser.add_argument("--methods", nargs="+", default=[], help="only these")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--tail", nargs="+", default=[], help="files of the long tail's records")
    parser.add_argument("--sample", action="store_true", help="what is run stands for the rest")
    chosen = parser.parse_args()
    if chosen.parts:
        confirm_results(chosen.parts, chosen.methods, chosen.seeds, chosen.sample)
    if chosen.tail:
        confirm_tail(chosen.tail, chosen.sample)


if __name__ == "__main__":
    main()
