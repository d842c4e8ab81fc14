"""The inspector learns in the page what PatchCore learns in Python, and nothing leaves the page."""

import base64
import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from helpers.detectors.memory.patchcore import PatchCoreDetector, PatchCoreSettings
from helpers.detectors.saved import load_detector
from helpers.hazelnuts import render
from helpers.inspection.saved import load_inspector
from helpers.metrics.image import image_auroc
from helpers.metrics.threshold import threshold_from_good
from helpers.networks.features import patch_features, patch_vectors
from tests.browser.conftest import HTML, PHONE
from tests.browser.test_pages import AXE, KINDS, axe, wait_for_theme
from tools.inspector_data import SIDE

GOOD = range(5000, 5010)
LEFT_OUT = [3, 6, 9]  # a third of ten, evenly spread
TESTED = [(6000 + i, "good") for i in range(20)] + [
    (7000 + i, ("crack", "cut", "hole", "print")[i % 4]) for i in range(20)
]
ON_DISK = HTML.as_uri()
FEW, FEWER = 400, 100  # entries
CLOSE = 1e-3
HEAVIEST = {"before": 3_000_000, "after": 20_000_000}  # bytes


@pytest.fixture(autouse=True)
def in_float32(monkeypatch):
    """Compute in 32 bits, as the page does; some processors would take 16."""
    monkeypatch.setenv("ONE_BAD_NUT_PRECISION", "float32")


def nut(seed, defect="good"):
    return render.render_nut(seed, defect, SIDE)[0]


def encoded(picture, kind="png", **options):
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, kind, **options)
    return buffer.getvalue()


def files(**named):
    """Return files for a page's input by name, whose dots are written __."""
    return [
        {
            "name": name.replace("__", "."),
            "mimeType": "application/octet-stream",
            "buffer": content,
        }
        for name, content in named.items()
    ]


def opened(visit, start=ON_DISK, name="inspector", **options):
    seen = visit(**options)
    page = seen.open(f"{start}/book/{name}.html")
    page.set_default_timeout(120_000)
    page.wait_for_selector(".inspector-start")
    return seen, page


class Thread:
    """The page's thread, asked directly."""

    def __init__(self, page, start):
        self.page = page
        page.add_script_tag(url=f"{start}/_static/inspector/weights.js")
        page.evaluate("() => inspectorAsk('start', {model: inspectorModel})")

    def add(self, content, name="photo.png"):
        return self.page.evaluate(
            """async ([text, name]) => {
                const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
                return (await inspectorAsk("add", {file: new Blob([bytes]), name})).key;
            }""",
            [base64.b64encode(content).decode(), name],
        )

    def numbers(self, command, kind, payload=None):
        """Return an answer's bytes as numbers."""
        text = self.page.evaluate(
            """async ([command, payload]) => {
                const answer = await inspectorAsk(command, payload);
                const bytes = new Uint8Array(answer.buffer, answer.byteOffset, answer.byteLength);
                let text = "";
                for (let i = 0; i < bytes.length; i += 32768) {
                    text += String.fromCharCode(...bytes.subarray(i, i + 32768));
                }
                return btoa(text);
            }""",
            [command, payload or {}],
        )
        return np.frombuffer(base64.b64decode(text), kind)

    def ask(self, command, payload, of="answer"):
        return self.page.evaluate(
            f"async ([c, p]) => {{ const answer = await inspectorAsk(c, p); return {of}; }}",
            [command, payload],
        )


def test_its_numbers_are_pythons(visit, server):
    seen, page = opened(visit, server)
    thread = Thread(page, server)
    good = [nut(seed) for seed in GOOD]
    keys = [thread.add(encoded(picture)) for picture in good]
    learned = thread.ask("learn", {"keys": keys})

    images = np.stack(good).transpose(0, 3, 1, 2)
    settings = PatchCoreSettings(architecture="efficientnet_lite0", weights="imagenet")
    fit = np.delete(images, LEFT_OUT, axis=0)
    detector = PatchCoreDetector(settings).fit(fit)
    features = patch_vectors(patch_features(detector.backbone, images[:1])).numpy()
    scale = detector.scale.numpy()
    found = thread.numbers("look", "<f4", {"key": keys[0]}).reshape(features.shape)
    np.testing.assert_allclose(found / scale, features / scale, atol=CLOSE)

    rows = thread.numbers("rows", "<i4").reshape(-1, 3)
    assert rows.shape == detector.memory_positions.shape
    assert tuple(rows[0]) == tuple(detector.memory_positions[0]), "both begin with one patch"
    ours, theirs = ({tuple(row) for row in each} for each in (rows, detector.memory_positions))
    # Where two patches are as far, to the last bit, either may be chosen.
    assert len(ours & theirs) >= 0.98 * len(theirs)

    held_out = detector.predict(images[LEFT_OUT]).maps.max((1, 2))
    np.testing.assert_allclose(learned["scores"], held_out, atol=CLOSE)
    chosen = threshold_from_good(held_out)
    assert learned["threshold"]["value"] == pytest.approx(chosen.value, abs=CLOSE)
    assert learned["threshold"]["expected"] == pytest.approx(chosen.expected_false_alarm_rate)

    # The first entries are the smaller memory, which the page's slider gives.
    thread.ask("resize", {"count": FEW})
    detector.memory = detector.memory[:FEW]
    pictures = [nut(seed, defect) for seed, defect in TESTED]
    scores = detector.predict(np.stack(pictures).transpose(0, 3, 1, 2))
    keys = [thread.add(encoded(picture)) for picture in pictures]
    answers = [
        thread.ask("inspect", {"key": key}, "[answer.score, answer.patchScore]") for key in keys
    ]
    by_map, by_patch = np.array(answers).T
    np.testing.assert_allclose(by_patch, scores.image, atol=CLOSE)
    np.testing.assert_allclose(by_map, scores.maps.max((1, 2)), atol=CLOSE)
    labels = np.array([defect != "good" for _, defect in TESTED]).astype(int)
    assert image_auroc(labels, by_patch) == pytest.approx(
        image_auroc(labels, scores.image), abs=0.01
    )
    found = thread.numbers("look", "<f4", {"key": keys[-1]})  # the map comes the same way
    assert np.isfinite(found).all()

    # A photo of another shape, of fifty megapixels, becomes the square of Python, bit by bit.
    large = np.array(Image.fromarray(nut(1)).resize((8660, 5774), Image.Resampling.NEAREST))
    key = thread.add(encoded(large, compress_level=1))
    small = np.array(Image.fromarray(large).resize((SIDE, 149), Image.Resampling.BILINEAR))
    border = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    wanted = np.full((SIDE, SIDE, 3), np.median(border, axis=0).round(), np.uint8)
    wanted[:149] = small
    square = thread.numbers("sample", np.uint8, {"key": key})
    np.testing.assert_array_equal(square.reshape(wanted.shape), wanted)
    assert not seen.errors
    assert not seen.outside


def wait_until_done(page):
    page.wait_for_function("document.querySelector('.inspector progress.hidden') !== null")


def problems(page):
    return page.locator(".inspector-problems").inner_text()


def scores(page):
    return page.eval_on_selector_all(
        ".inspector-result", "all => all.map((e) => Number(e.dataset.score))"
    )


def test_a_reader_goes_all_the_way(visit, tmp_path):
    seen, page = opened(visit, color_scheme="light", reduced_motion="reduce")
    start = HTML.as_uri()
    assert seen.weight(start) <= HEAVIEST["before"]
    page.focus(".inspector-start")
    page.keyboard.press("Enter")
    page.wait_for_selector(".inspector-result")
    wait_until_done(page)
    assert seen.weight(start) <= HEAVIEST["after"]
    verdicts = page.eval_on_selector_all(
        ".inspector-result", "all => all.map((e) => e.dataset.verdict)"
    )
    assert len(verdicts) == 6
    assert verdicts.count("odd") >= 3, "it does something before anything is dropped"
    assert problems(page) == ""

    assert not seen.errors
    page.evaluate(AXE)
    assert axe(page, KINDS) == []
    page.emulate_media(color_scheme="dark")
    wait_for_theme(page, "dark")
    assert axe(page, ["color-contrast"]) == []
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    seen.errors.clear()  # axe asks for style sheets, which a page on disk may not

    # The threshold moves every verdict.
    page.focus("#inspector-threshold")
    page.keyboard.press("End")
    assert page.locator(".inspector-result.odd").count() == 0
    page.locator("button", has_text="threshold from the photos left out").click()
    before = scores(page)

    # What is no photo is named, and all else stays.
    photo = encoded(nut(1))
    bad = files(
        notes__txt=b"no picture",
        cut__png=photo[: len(photo) // 2],
        cut__jpg=encoded(nut(1), "jpeg", quality=95)[:6000],
        phone__heic=b"\0\0\0\x18ftypheic" + bytes(64),
        tiny__png=encoded(np.zeros((3, 3, 3), np.uint8)),
        black__png=encoded(np.zeros((64, 64, 3), np.uint8)),
        empty__png=b"",
    )
    page.set_input_files("#inspect-files", bad)
    wait_until_done(page)
    told = problems(page).splitlines()
    assert len(told) == len(bad)
    for file, words in zip(
        bad, ("no picture", "", "", "HEIC", "3 × 3", "one colour", "empty"), strict=True
    ):
        (line,) = [line for line in told if line.startswith(file["name"] + ":")]
        assert words in line
    assert scores(page) == before

    # A smaller memory: its first patches.
    slide(page, "memory", 300)
    smaller = scores(page)
    assert all(small >= one - 1e-4 for small, one in zip(smaller, before, strict=True))

    # Saved, read by Python, and loaded again.
    with page.expect_download() as saving:
        page.locator("button", has_text="Save what was learned").click()
    path = tmp_path / "inspector.zip"
    saving.value.save_as(path)
    detector, more = load_detector(path)
    assert len(detector.memory) == 300
    promise = more["inspection"]["promise"]
    assert promise["photos"] == 6
    assert 1 <= promise["rank"] <= 6
    inspector = load_inspector(path)  # as the command line does
    assert inspector.promise.threshold == promise["threshold"]
    assert more["page"]["photos"].shape == (20, SIDE, SIDE, 3)

    wait_until_done(page)
    page.set_input_files("#inspector-load", path)
    page.wait_for_selector("[role=status] >> text=Loaded")
    assert page.locator(".inspector-result").count() == 0
    pictures = [nut(8001), nut(8002, "hole")]
    page.set_input_files(
        "#inspect-files", files(a__png=encoded(pictures[0]), b__png=encoded(pictures[1]))
    )
    wait_until_done(page)
    page.wait_for_function("document.querySelectorAll('.inspector-result').length === 2")
    wanted = detector.predict(np.stack(pictures).transpose(0, 3, 1, 2)).maps.max((1, 2))
    np.testing.assert_allclose(scores(page)[::-1], wanted, atol=CLOSE)
    assert [inspector.inspect(one).score for one in pictures] == pytest.approx(wanted, abs=CLOSE)

    # The photos left out came back: a smaller memory has the threshold that Python gives it.
    out = [one["out"] for one in more["page"]["taken"]]
    detector.memory = detector.memory[:FEWER]
    held_out = detector.predict(more["page"]["photos"][out].transpose(0, 3, 1, 2)).maps.max((1, 2))
    output = page.locator("output[for=inspector-threshold]")
    before = output.inner_text()
    slide(page, "memory", FEWER)
    page.wait_for_function(
        "text => document.querySelector('output[for=inspector-threshold]').innerText !== text",
        arg=before,
    )
    shown = float(output.inner_text())
    assert shown == pytest.approx(threshold_from_good(held_out).value, rel=0.01)
    page.locator(".inspector-check input").uncheck()
    with page.expect_download() as saving:
        page.locator("button", has_text="Save what was learned").click()
    saving.value.save_as(tmp_path / "bare.zip")
    wait_until_done(page)
    page.set_input_files("#inspector-load", tmp_path / "bare.zip")
    page.wait_for_selector("section >> text=The file holds no photos")
    assert page.locator("#inspector-memory").is_disabled()
    page.set_input_files("#inspect-files", files(a__png=encoded(pictures[0])))
    page.wait_for_selector(".inspector-result >> text=not in the file")
    wait_until_done(page)

    # Files that it did not save are refused, each with a word; nothing changes.
    content = path.read_bytes()
    swapped = bytearray(content)
    swapped[len(content) // 2] ^= 1
    with zipfile.ZipFile(path) as archive:
        head = json.loads(archive.read("header.json"))
    for broken, words in (
        (content[: len(content) // 2], "damaged or cut short"),
        (bytes(swapped), "damaged"),
        (b"hello", "no file that the inspector has saved"),
        (of_version(head, 99), "format 99"),
    ):
        page.set_input_files("#inspector-load", files(other__zip=broken))
        page.wait_for_selector(f".inspector-problems >> text={words}")
        wait_until_done(page)
        assert page.locator(".inspector-result").count() == 1

    # One good photo, here the camera's, teaches nothing; two unlike products are noticed.
    source = page.locator(".inspector-drop").first
    source.locator("button", has_text="Use the camera").click()
    page.wait_for_function("document.querySelector('.inspector-camera video')?.videoWidth > 0")
    source.locator("button", has_text="Take a photo").click()
    page.wait_for_selector(".inspector-photos canvas[aria-label='camera 1.png']")
    wait_until_done(page)
    source.locator("button", has_text="Close the camera").click()
    page.wait_for_selector(".inspector-camera", state="detached")
    page.locator(".inspector-learn").click()
    page.wait_for_selector(".inspector-problems >> text=One good photo is not enough")
    page.get_by_label("Remove camera 1.png").click()
    stripes = np.tile(np.uint8([[30], [220]]), (SIDE // 2, SIDE))[..., None].repeat(3, 2)
    others = {f"s{i}__png": encoded(np.roll(stripes, i, 0)) for i in range(4)}
    page.set_input_files(
        "#good-files", files(**{f"nut{i}__png": encoded(nut(i)) for i in range(4)}, **others)
    )
    wait_until_done(page)
    page.locator(".inspector-learn").click()
    told = page.locator(".inspector-problems >> text=These look like two products")
    told.wait_for()
    assert "4 photos such as" in told.inner_text()
    assert "4 unlike them" in told.inner_text()
    assert "an inspector of its own" in told.inner_text()
    assert not seen.outside, "a photo or its traces left the page"
    assert not seen.errors


def slide(page, name, value):
    page.locator(f"#inspector-{name}").evaluate(
        "(e, value) => { e.value = value; e.dispatchEvent(new Event('input', {bubbles: true}));"
        " e.dispatchEvent(new Event('change', {bubbles: true})); }",
        value,
    )
    page.wait_for_selector(f"output[for=inspector-{name}] >> text={value}")
    wait_until_done(page)


def test_the_front_page_has_a_small_one(visit, server):
    seen, page = opened(visit, server, "index", viewport=PHONE)
    assert seen.weight(server) <= HEAVIEST["before"]
    page.locator(".inspector-start").click()
    page.wait_for_function("document.querySelectorAll('.inspector-result').length === 6")
    wait_until_done(page)
    assert page.locator(".inspector-result.odd").count() >= 3
    assert page.locator(".inspector-photos canvas").count() == 20
    assert page.locator(".inspector input").count() == 0, "photos are given on the page of its own"
    assert page.locator(".inspector a").evaluate("a => a.href") == f"{server}/book/inspector.html"
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert problems(page) == ""
    assert not seen.errors and not seen.outside


def of_version(head, version):
    """Return a file that is whole, but of another version of the format."""
    import hashlib

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        text = json.dumps({**head, "format": version, "arrays": {}})
        archive.writestr("header.json", text)
        archive.writestr("header.sha256", hashlib.sha256(text.encode()).hexdigest())
    return buffer.getvalue()
