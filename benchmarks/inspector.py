"""Time the inspector's network and its learning in Chromium, one thread: what runs a photo fastest?

Compares the page's own kernels, with and without fused multiply-add, with the same loops in plain
JavaScript. Needs Chromium; ``python -m benchmarks.inspector``.
"""

import base64
import json
import tempfile
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

from helpers.hazelnuts import render
from tests.browser.conftest import FLAGS, chromium
from tools import inspector_data
from tools.book_extension import MOVING
from tools.repository import ROOT

STATIC = ROOT / "book" / "_static"
GOOD = range(1000, 1010)
# The page's thread has these parts too; here they run in the page, to be timed from inside.
TIMES = """async ([pictures, fused, plain]) => {
    const inspector = {};
    inspectorParts.forEach((part) => part(inspector));
    const engine = inspector.kernels.kernels(fused);
    const multiply = (adds) => (x, w, b, y, blocks, depth, wide, panels, added, low, high) => {
        const m = new Float32Array(engine.memory.buffer), C = 4 * depth, D = wide / 4;
        for (let p = 0; p < panels; p += 1) for (let r = 0; r < 4 * blocks; r += 1) {
            for (let c = 0; c < 8; c += 1) {
                let sum = m[b / 4 + 8 * p + c];
                for (let k = 0; k < C; k += 1) {
                    sum += m[x / 4 + r * C + k] * m[w / 4 + 8 * (p * C + k) + c];
                }
                const out = r * D + 8 * p + c, kept = Math.max(low, Math.min(high, sum));
                m[y / 4 + out] = kept + (adds ? m[added / 4 + out] : 0);
            }
        }
    };
    if (plain) engine.run = { ...engine.run, product: multiply(0), productAdd: multiply(1) };
    const network = inspector.network.network(engine, inspectorModel);
    const picture = Uint8Array.from(atob(pictures[0]), (letter) => letter.charCodeAt(0));
    const times = { network: [], features: [] };
    for (let i = 0; i < (plain ? 2 : 8); i += 1) {
        for (const [name, run] of [["network", network.maps], ["features", network.features]]) {
            const began = performance.now();
            run(picture, 224);
            times[name].push(performance.now() - began);
        }
    }
    return times;
}"""
LEARNS = """async (urls) => {
    await inspectorAsk("start", { model: inspectorModel });
    const began = performance.now(), keys = [];
    for (const url of urls) {
        const bytes = Uint8Array.from(atob(url.split(",")[1]), (letter) => letter.charCodeAt(0));
        keys.push((await inspectorAsk("add", { file: new Blob([bytes]), name: "nut.webp" })).key);
    }
    await inspectorAsk("learn", { keys });
    const ready = performance.now();
    await inspectorAsk("inspect", { key: keys[0] });
    return [(ready - began) / 1000, performance.now() - ready];
}"""


def bare_page(page: Page, folder: Path) -> None:
    """Load the inspector's parts and weights into an empty page."""
    inspector_data.write(folder)
    (folder / "empty.html").write_text("<!doctype html><title>Inspector</title>", "utf-8")
    page.goto((folder / "empty.html").as_uri())
    left_out = ("vendor", "explorer", "inspector/parts", "inspector/page")
    for script in MOVING["book/inspector"][0]:
        if not script.startswith(left_out):
            page.add_script_tag(path=STATIC / script)
    page.add_script_tag(path=folder / "weights.js")


def main() -> None:
    """Measure and print."""
    picture = base64.b64encode(render.render_nut(GOOD[0], size=inspector_data.SIDE)[0].tobytes())
    nuts = [nut["url"] for nut in inspector_data.nuts((seed, "good") for seed in GOOD)]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page()
        bare_page(page, Path(folder))
        print(f"Chromium {browser.version}, one thread; milliseconds a photo of 224 × 224")
        ways = {"own kernels": (True, False), "unfused": (False, False), "plain": (False, True)}
        for name, (fused, plain) in ways.items():
            times = page.evaluate(TIMES, [[picture.decode()], fused, plain])
            print(f"{name}: {json.dumps({k: spread(v) for k, v in times.items()})}", flush=True)
        ready, one = np.median([page.evaluate(LEARNS, nuts) for _ in range(1)], axis=0)
        print(
            f"{len(nuts)} photos read and learned: {ready:.1f} s; one more inspected: {one:.0f} ms"
        )
        browser.close()


def spread(times: list[float]) -> str:
    """Return the median and the least of some times in milliseconds."""
    return f"{np.median(times[1:]):.0f} (least {min(times):.0f})"


if __name__ == "__main__":
    main()
