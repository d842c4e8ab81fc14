"""Verdicts: what is shown, of how many comparisons, and in which words."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from helpers.metrics.comparison import (
    AS_GOOD,
    BETTER,
    NOT_SHOWN,
    WORSE,
    Comparison,
    compare,
    compare_all,
    compare_all_values,
    compare_pictures,
    compare_values,
    comparison_table,
    verdicts,
)
from helpers.metrics.image import auroc_interval, image_auroc
from helpers.metrics.uncertainty import Interval

LABELS = np.repeat([0, 1], [40, 70])


def drawn(gain, seed):
    return np.random.default_rng(seed).normal(size=110) + gain * LABELS


def comparison(low, high, **changes):
    found = Comparison("PatchCore", "the baseline", (low + high) / 2, Interval(low, high, 0.95), 3)
    return replace(found, **changes)


# --- the verdict ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.06, 0.2, BETTER),
        (-0.2, -0.06, WORSE),
        (0.001, 0.002, BETTER),
        (-0.03, 0.06, NOT_SHOWN),
        (-0.06, 0.03, NOT_SHOWN),
        (-0.03, 0.05, AS_GOOD),
        (0.0, 0.0, AS_GOOD),
        (0.0, 0.2, NOT_SHOWN),
    ],
)
def test_the_interval_gives_the_verdict(low, high, verdict):
    assert comparison(low, high).verdict == verdict


def test_the_margin_decides_what_is_as_good():
    found = comparison(-0.015, 0.025)
    assert replace(found, margin=0.02).verdict == NOT_SHOWN
    assert replace(found, margin=0.03).verdict == AS_GOOD
    # No margin, no equality: absence of evidence is none.
    assert replace(found, margin=0).verdict == NOT_SHOWN


def test_each_verdict_is_one_sentence():
    interval = "(95 % interval +0.060 to +0.200, 3 seeds, corrected for 5 comparisons)"
    assert comparison(0.06, 0.2, comparisons=5).sentence() == (
        f"PatchCore is better than the baseline by 0.130 image AUROC {interval}."
    )
    assert comparison(-0.2, -0.06, seeds=1, measure="AUPRO").sentence() == (
        "PatchCore is worse than the baseline by 0.130 AUPRO "
        "(95 % interval −0.200 to −0.060, one training each)."
    )
    assert comparison(-0.03, 0.05, margin=0.04).sentence() == (
        "PatchCore is not shown to differ from the baseline: +0.010 image AUROC "
        "(95 % interval −0.030 to +0.050, 3 seeds)."
    )
    assert comparison(-0.01, 0.01, margin=0.02).sentence() == (
        "PatchCore is as good as the baseline within 0.02 image AUROC: +0.000 "
        "(95 % interval −0.010 to +0.010, 3 seeds)."
    )
    assert "+0.000 image AUROC" in comparison(-0.2002, 0.2, seeds=1).sentence()
    small = comparison(0.01, 0.03, name="ours")
    assert small.sentence().startswith("Ours is better")
    assert small.sentence().endswith("3 seeds); that is within the margin of 0.05.")


def test_verdicts_are_a_list():
    lines = verdicts([comparison(0.06, 0.2), comparison(-0.2, 0.2)]).split("\n")
    assert [line[:15] for line in lines] == ["- PatchCore is "] * 2


def test_a_table_holds_what_the_sentences_say():
    table = comparison_table([comparison(0.06, 0.2), comparison(-0.2, 0.1, name="SSIM")])
    assert list(table.index) == ["PatchCore", "SSIM"]
    assert table.loc["SSIM"].tolist() == [
        "the baseline", "−0.050", "−0.200 to +0.100", "not shown"
    ]  # fmt: skip
    assert list(table) == ["against", "difference", "95 % interval", "verdict"]


# --- the interval --------------------------------------------------------------------------------


def test_the_difference_is_that_of_the_means_and_turns_with_the_order():
    one = {seed: drawn(2, seed) for seed in range(3)}
    other = {seed: drawn(1, 10 + seed) for seed in range(3)}
    found, turned = compare(LABELS, one, other, "A", "B"), compare(LABELS, other, one, "B", "A")
    means = [np.mean([image_auroc(LABELS, run) for run in runs.values()]) for runs in (one, other)]
    assert found.difference == pytest.approx(means[0] - means[1])
    assert found.interval.low < found.difference < found.interval.high
    assert (turned.difference, turned.interval.low, turned.interval.high) == pytest.approx(
        (-found.difference, -found.interval.high, -found.interval.low)
    )


def test_what_the_methods_share_cancels():
    shared = drawn(0, 6)
    strong, weak = shared + 1.5 * LABELS, shared + 1.2 * LABELS
    found = compare(LABELS, strong, weak, "A", "B")
    alone = auroc_interval(LABELS, strong)
    assert found.interval.high - found.interval.low < (alone.high - alone.low) / 2


def test_two_perfect_methods_are_not_certain_to_be_equal():
    found = compare(LABELS, LABELS, 2 * LABELS, "A", "B")
    assert found.difference == 0
    assert -0.04 < found.interval.low < -0.02 < 0.02 < found.interval.high < 0.04
    assert replace(found, margin=0.02).verdict == NOT_SHOWN


def test_trainings_that_differ_widen_the_interval():
    base, other = drawn(1.5, 0), {seed: drawn(1, 1) for seed in range(3)}
    even = dict.fromkeys(range(3), base)
    uneven = {seed: base + 0.6 * (seed - 1) * LABELS for seed in range(3)}
    widths = [
        found.interval.high - found.interval.low
        for found in (compare(LABELS, runs, other, "A", "B") for runs in (even, uneven))
    ]
    assert widths[1] > 1.2 * widths[0]


def test_methods_have_equal_seeds():
    runs = {seed: drawn(1, seed) for seed in range(4)}
    fewer = {seed: runs[seed] for seed in range(3)}
    with pytest.raises(ValueError, match=r"A has seeds \[0, 1, 2, 3\] and B \[0, 1, 2\]"):
        compare(LABELS, runs, fewer, "A", "B")
    with pytest.raises(ValueError, match="compare equal seeds"):
        compare(LABELS, {0: runs[0]}, {1: runs[1]}, "A", "B")
    with pytest.raises(ValueError, match="compare equal seeds"):
        compare_values({0: 1.0, 1: 2.0}, {0: 1.0, 2: 2.0}, "A", "B", "AUPRO")


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"scores of B\[1\] is nan"):
        compare([0, 1], [1, 2], [1, np.nan], "A", "B")
    with pytest.raises(ValueError, match="comparisons must be 1 or more, got 0"):
        compare([0, 1], [1, 2], [1, 2], "A", "B", comparisons=0)


# --- several at once -----------------------------------------------------------------------------


def test_all_are_compared_with_the_reference_and_corrected_for_their_number():
    runs = {name: drawn(1, seed) for seed, name in enumerate("ABCDEF")}
    found = compare_all(LABELS, runs, "A")
    assert list(found) == list("BCDEF")
    for name, each in found.items():
        alone = compare(LABELS, runs[name], runs["A"], name, "A")
        assert each.difference == alone.difference
        assert each.interval.level == pytest.approx(0.99)
        assert each.level == 0.95
        assert each.interval.high > alone.interval.high


def trained(rng, gains, spread=0.2):
    """Scores of three seeds of each method on one test set."""
    hard = rng.normal(size=110)
    methods = []
    for gain in gains:
        own = hard + rng.normal(size=110)
        methods.append(
            {
                seed: own + rng.normal(size=110) + (gain + spread * rng.normal()) * LABELS
                for seed in range(3)
            }
        )
    return methods


def test_three_seeds_hold_the_true_difference():
    # Scores have variance 3, and their shift varies by 0.2 from training to training.
    rng, gains, held = np.random.default_rng(0), (4.0, 2.5), 0
    truth = np.diff(stats.norm.cdf(np.array(gains[::-1]) / np.sqrt(6 + 0.2**2)))[0]
    for _ in range(400):
        interval = compare(LABELS, *trained(rng, gains), "A", "B").interval
        held += interval.low <= truth <= interval.high
    assert held / 400 >= 0.93


def test_few_families_hold_a_false_verdict_and_without_correction_many_do():
    rng, false, uncorrected = np.random.default_rng(1), 0, 0
    for _ in range(200):
        runs = dict(zip("RABCDE", (drawn(1.5, rng.integers(2**31)) for _ in "RABCDE"), strict=True))
        found = compare_all(LABELS, runs, "R").values()
        alone = [compare(LABELS, runs[name], runs["R"], name, "R") for name in "ABCDE"]
        false += any(each.verdict in (BETTER, WORSE) for each in found)
        uncorrected += any(each.verdict in (BETTER, WORSE) for each in alone)
    assert false / 200 <= 0.08
    assert uncorrected / 200 > 0.08


# --- other figures -------------------------------------------------------------------------------


def test_other_figures_have_students_paired_interval():
    one, other = {0: 0.5, 1: 0.7, 2: 0.6}, {2: 0.4, 0: 0.35, 1: 0.6}
    found = compare_values(one, other, "A", "B", "AUPRO", comparisons=2)
    expected = stats.ttest_rel([0.5, 0.7, 0.6], [0.35, 0.6, 0.4]).confidence_interval(0.975)
    assert found.difference == pytest.approx(0.15)
    assert (found.interval.low, found.interval.high) == pytest.approx(tuple(expected))
    assert (found.measure, found.seeds, found.comparisons) == ("AUPRO", 3, 2)
    with pytest.raises(ValueError, match="need two seeds or more; got 1"):
        compare_values({0: 1.0}, {0: 0.5}, "A", "B", "AUPRO")


def test_figures_are_compared_over_the_seeds_that_all_have():
    reference = {0: 0.5, 1: 0.6, 2: 0.7, 3: 0.1, 4: 0.9}
    values = {
        "R": reference,
        "long": {s: v + 0.1 + s / 1000 for s, v in reference.items()},
        "short": {2: 0.4, 0: 0.6, 1: 0.9},
    }
    found = compare_all_values(values, "R", "recall", margin=0.02)
    assert list(found) == ["long", "short"]
    first = {s: reference[s] for s in range(3)}
    for name, one in found.items():
        mine = {s: values[name][s] for s in range(3)}
        assert one == compare_values(mine, first, name, "R", "recall", comparisons=2, margin=0.02)
    assert found["long"].difference == pytest.approx(0.101)
    with pytest.raises(ValueError, match="need two seeds or more; got 1"):
        compare_all_values({"R": {0: 1.0, 1: 2.0}, "A": {1: 2.0, 2: 1.0}}, "R", "recall")


def test_of_six_that_gain_nothing_five_seeds_show_one_as_rarely_as_they_say():
    rng = np.random.default_rng(0)
    trials, corrected, alone = 600, 0, 0
    for _ in range(trials):
        values = {str(i): dict(enumerate(rng.normal(size=5))) for i in range(6)}
        values["R"] = dict.fromkeys(range(5), 0.0)
        corrected += any(c.verdict in (BETTER, WORSE)
                         for c in compare_all_values(values, "R", "recall").values())  # fmt: skip
        alone += any(compare_values(values[str(i)], values["R"], "A", "R", "recall").verdict
                     in (BETTER, WORSE) for i in range(6))  # fmt: skip
    assert corrected / trials < 0.05 + 3 * np.sqrt(0.05 * 0.95 / trials)
    assert alone / trials > 0.15, "without the correction, one of six is shown far too often"


def test_figures_of_pictures_have_the_paired_interval_of_a_single_run():
    rng = np.random.default_rng(0)
    one, other = rng.random(30), rng.random(30)
    found = compare_pictures({0: one}, {0: other}, "A", "B", "IoU")
    expected = stats.ttest_1samp(one - other, 0).confidence_interval(0.95)
    assert found.difference == pytest.approx((one - other).mean())
    assert (found.interval.low, found.interval.high) == pytest.approx(tuple(expected))


def test_pictures_and_seeds_both_widen_the_interval():
    rng = np.random.default_rng(1)
    effects = rng.normal(0, 1, (1000, 50)), rng.normal(0, 0.3, (1000, 2, 3))
    held = 0
    for pictures, seeds in zip(*effects, strict=True):
        one, other = (
            {s: pictures * sign + shift + rng.normal(0, 0.5, 50) for s, shift in enumerate(shifts)}
            for sign, shifts in zip((0.5, -0.5), seeds, strict=True)
        )
        found = compare_pictures(one, other, "A", "B", "IoU")
        held += found.interval.low <= 0 <= found.interval.high
    assert 930 <= held <= 985


def test_runs_of_other_pictures_are_not_compared():
    with pytest.raises(ValueError, match="same two or more pictures"):
        compare_pictures({0: [1, 2]}, {0: [1, 2, 3]}, "A", "B", "IoU")
    with pytest.raises(ValueError, match="same two or more pictures"):
        compare_pictures({0: [1]}, {0: [1]}, "A", "B", "IoU")
    with pytest.raises(ValueError, match="compare equal seeds"):
        compare_pictures({0: [1, 2]}, {1: [1, 2]}, "A", "B", "IoU")
