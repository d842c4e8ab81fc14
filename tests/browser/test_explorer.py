"""The explorers move, and their numbers are Python's."""

import json

import numpy as np
import pytest
from scipy.stats import beta

from helpers.metrics.image import confusion_at
from tests.browser.conftest import HTML, PHONE, ROOT
from tools.explorer_data import defects_of, name_of, read_records

RECORDS = read_records(ROOT / "book" / "records" / "detectors" / "quick")
DEFECTS = defects_of(RECORDS[0])
LABELS = np.array([name != "good" for name in DEFECTS]).astype(int)
COSTS = {"falseAlarm": 1, "miss": 50, "defective": 0.01}


@pytest.fixture
def explorer(visit):
    page = visit().open(f"{HTML.as_uri()}/book/explorer.html")
    page.wait_for_selector("#threshold")
    return page


def move(page, slider, value):
    page.locator(slider).evaluate(
        "(e, value) => { e.value = value; e.dispatchEvent(new Event('input', {bubbles: true})); }",
        value,
    )


def choose(page, record):
    page.select_option("#detector", name_of(record))
    page.select_option("#seed", str(record.case["seed"]))


def shown(page):
    return {
        key: int(page.locator(f"[data-cell={key}] b").inner_text())
        for key in ("tn", "fp", "fn", "tp")
    }


def python_counts(record, threshold):
    counts = confusion_at(LABELS, record.result.image_scores, threshold)
    return {"tn": counts.tn, "fp": counts.fp, "fn": counts.fn, "tp": counts.tp}


def test_the_matrix_is_pythons_for_every_detector_at_every_step(explorer):
    scores = [record.result.image_scores for record in RECORDS]
    found = explorer.evaluate(
        """([all, defects]) => all.map((scores) => {
            const steps = nutMaths.distinct(scores).length + 1;
            return Array.from({length: steps}, (_, k) => {
                const threshold = nutMaths.thresholdAt(scores, k);
                return [threshold, nutMaths.confusion(scores, defects, threshold),
                        nutMaths.positionOf(scores, threshold)];
            });
        })""",
        [scores, DEFECTS],
    )
    for record, steps in zip(RECORDS, found, strict=True):
        assert len(steps) == len(set(record.result.image_scores)) + 1
        assert steps[0][1]["tn"] == steps[0][1]["fn"] == 0, "the lowest step stops everything"
        assert steps[-1][1]["tp"] == steps[-1][1]["fp"] == 0, "the highest passes everything"
        for place, (threshold, counts, position) in enumerate(steps):
            assert counts == python_counts(record, threshold)
            assert position == place, "each step has a gap of its own"


def test_each_detector_starts_at_its_recorded_threshold(explorer):
    for record in [record for record in RECORDS if record.case["seed"] == 0]:
        choose(explorer, record)
        assert shown(explorer) == vars(record.result.confusion), name_of(record)


def test_moving_the_slider_moves_everything(explorer):
    record = next(r for r in RECORDS if (name_of(r), r.case["seed"]) == ("PatchCore", 1))
    choose(explorer, record)
    report = record.result
    ordered = sorted(set(report.image_scores))
    for position in (0, 30, 73, len(ordered)):
        move(explorer, "#threshold", position)
        threshold = (ordered[position - 1] if position else ordered[0] - 1) + 1e-9
        wanted = python_counts(record, threshold)
        assert shown(explorer) == wanted
        false_alarms = wanted["fp"] / (wanted["fp"] + wanted["tn"])
        missed = wanted["fn"] / (wanted["fn"] + wanted["tp"])
        cost = 1000 * (0.99 * false_alarms * 1 + 0.01 * missed * 50)
        rates = {
            key: explorer.locator(f"[data-rate={key}]").inner_text()
            for key in ("false-alarm", "miss", "cost")
        }
        assert float(rates["false-alarm"].rstrip(" %")) == pytest.approx(
            100 * false_alarms, abs=0.051
        )
        assert float(rates["miss"].rstrip(" %")) == pytest.approx(100 * missed, abs=0.051)
        assert float(rates["cost"]) == pytest.approx(cost, abs=0.051)
        before = np.array(report.image_scores) > report.threshold.value
        sides = (np.array(report.image_scores) > threshold) != before
        assert explorer.locator(".explorer-nut").count() == sides.sum()


def test_an_arrow_key_moves_one_image_and_it_is_shown(explorer):
    explorer.focus("#threshold")
    before = shown(explorer)
    explorer.keyboard.press("ArrowLeft")
    after = shown(explorer)
    assert sum(abs(after[key] - before[key]) for key in before) == 2, "one out, one in"
    assert explorer.locator(".explorer-nut").count() == 1
    label = explorer.locator(".explorer-nut [role=img]").get_attribute("aria-label")
    assert "stopped" in label
    assert f"{after['fp']} false alarm" in explorer.locator("[role=status]").first.inner_text()
    assert f"{after['fp']} false alarm" in explorer.get_attribute("#threshold", "aria-valuetext")
    explorer.locator("button", has_text="held-out good").click()
    assert shown(explorer) == before


def test_the_cheapest_threshold_is_the_cheapest(explorer):
    record = next(r for r in RECORDS if (name_of(r), r.case["seed"]) == ("FastFlow", 0))
    choose(explorer, record)
    for miss in (1, 50, 5000):
        explorer.fill("#cost-miss", str(miss))
        explorer.locator("button", has_text="cheapest").click()
        least = min(
            10 * (99 * c["fp"] / (c["fp"] + c["tn"]) + miss * c["fn"] / (c["fn"] + c["tp"]))
            for c in (python_counts(record, t) for t in [-1, *record.result.image_scores])
        )
        assert float(explorer.locator("[data-rate=cost]").inner_text()) == pytest.approx(
            least, abs=0.051
        )


def test_a_senseless_cost_changes_nothing(explorer):
    before = explorer.locator("[data-rate=cost]").inner_text()
    for typed in ("-3", ""):
        explorer.fill("#cost-miss", typed)
        assert explorer.locator("[data-rate=cost]").inner_text() == before
    assert not explorer.locator("#cost-miss").evaluate("e => e.checkValidity()")


def test_beta_is_scipys(explorer):
    shares = np.linspace(0.01, 0.99, 15).tolist()
    for alpha in (0.05, 0.2, 1, 3.5):
        found = explorer.evaluate(
            "([shares, a]) => shares.map((x) => [nutMaths.betaDensity(x, a),"
            " nutMaths.betaAbove(x, a), nutMaths.betaQuantile(x, a)])",
            [shares, alpha],
        )
        known = beta(alpha, 1)
        wanted = np.stack([known.pdf(shares), known.sf(shares), known.ppf(shares)], axis=1)
        np.testing.assert_allclose(found, wanted, rtol=1e-9)
        mean = explorer.evaluate(f"nutMaths.betaMean({json.dumps(alpha)})")
        assert mean == pytest.approx(known.mean())


def test_the_mixture_follows_lambda(explorer):
    explorer.select_option("#rare", "hole")
    move(explorer, "#lambda", 0.35)
    assert explorer.locator("[data-target=good]").inner_text() == "0.65"
    assert explorer.locator("[data-target=hole]").inner_text() == "0.35"
    over = explorer.locator(".explorer-mixed img").nth(1)
    assert float(over.evaluate("i => getComputedStyle(i).opacity")) == pytest.approx(0.35)
    move(explorer, "#alpha", 0)
    assert explorer.locator("[data-mean]").inner_text() == "0.500"
    explorer.locator("button", has_text="Draw").click()
    targets = [float(t) for t in explorer.locator("[data-target]").all_inner_texts()]
    assert sum(targets) == pytest.approx(1, abs=0.011)


def test_the_picture_on_the_screen_is_the_mixture(explorer):
    """Read the pixels back: (1 - λ) · first + λ · second, to a grey level or two."""
    import io

    from PIL import Image

    def shot():
        place = explorer.locator(".explorer-mixed")
        place.scroll_into_view_if_needed()
        return np.array(Image.open(io.BytesIO(place.screenshot())).convert("RGB")).astype(float)

    pictures = []
    for share in (0, 1, 0.4):
        move(explorer, "#lambda", share)
        pictures.append(shot())
    first, second, mixed = pictures
    assert np.abs(first - second).mean() > 2, "the two nuts differ"
    inner = np.s_[8:-8, 8:-8]
    np.testing.assert_allclose(mixed[inner], (0.6 * first + 0.4 * second)[inner], atol=2.5)


def test_the_explorer_works_on_a_phone_in_the_dark(visit):
    seen = visit(viewport=PHONE, color_scheme="dark")
    page = seen.open(f"{HTML.as_uri()}/book/explorer.html")
    page.wait_for_selector("#threshold")
    move(page, "#threshold", 20)
    assert page.locator(".explorer-nut").count() > 10
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert (
        page.locator(".explorer-plot").first.evaluate("s => s.getBoundingClientRect().width") > 280
    )
    assert not seen.errors
