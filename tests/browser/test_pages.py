"""Every page in a real browser: nothing missing, nothing from outside, for every reader."""

import json
from importlib.resources import files

import nbformat
import pytest
import yaml

from tests.browser.conftest import HTML, PHONE, ROOT, WIDE, book_pages

PAGES = book_pages()
NOTEBOOKS = [page for page in PAGES if page.startswith("notebooks/")]
FOLDED = [n for n in NOTEBOOKS if "<details" in (ROOT / f"{n}.ipynb").read_text("utf-8")]
HEAVIEST = 3_000_000  # bytes
LEAST_SCALE = 0.55  # of a figure's letters, 13 pixels and more, on a phone
AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
KINDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
# Of the coloured words of code, contrast is asked of the first of each colour and place: all is
# four times as slow and finds the same.
ONE_OF_EACH = """() => {
    const seen = new Set();
    document.querySelectorAll(".highlight span[class]").forEach((word) => {
        const places = [".highlight", "details, .admonition, td", ".cell_input, .cell_output"];
        const kind = [word.className, ...places.map((p) => {
            const place = word.closest(p);
            return place && place.className + " in " + place.parentElement.className;
        })].join("|");
        if (seen.has(kind)) word.dataset.same = ""; else seen.add(kind);
    });
    axe.configure({rules: [{id: "color-contrast", selector: "*:not([data-same])"}]});
}"""


def axe(page, only):
    """Return the serious and critical faults that axe-core finds, with the first places."""
    options = {"runOnly": only, "resultTypes": ["violations"]}
    found = page.evaluate(f"axe.run(document, {json.dumps(options)}).then((r) => r.violations)")
    return [
        (fault["id"], len(fault["nodes"]), [node["html"][:200] for node in fault["nodes"][:3]])
        for fault in found
        if fault["impact"] in ("serious", "critical")
    ]


def wait_for_theme(page, theme):
    page.wait_for_function(f"document.documentElement.dataset.theme === '{theme}'")


def settled(page):
    """Wait until the formulas are set, where there are any."""
    page.evaluate("async () => { await window.MathJax?.startup?.promise; }")


def loaded(seen, start, name):
    """Open a page; nothing is missing, nothing from outside, nothing wrong, nothing too heavy."""
    page = seen.open(f"{start}/{name}.html")
    settled(page)
    assert not seen.outside, "the page asks for something outside"
    assert not seen.errors
    assert page.title()
    missing = "[...document.images].filter(i => !i.hidden && !i.naturalWidth).length"
    assert page.evaluate(missing) == 0, "test_sliders.py looks at the hidden ones"
    weight = seen.weight(start)
    assert weight <= HEAVIEST, f"{weight / 1e6:.2f} MB"
    return page


@pytest.mark.parametrize("name", PAGES)
def test_a_page_from_a_disk_is_for_every_reader(visit, name):
    page = loaded(visit(color_scheme="light", reduced_motion="reduce"), HTML.as_uri(), name)
    page.evaluate(AXE)
    page.evaluate(ONE_OF_EACH)
    wait_for_theme(page, "light")
    assert axe(page, KINDS) == []
    bare = page.evaluate(
        "[...document.querySelectorAll('article img')].filter(i => !i.hasAttribute('alt')"
        " || (!i.alt && !i.closest('[role=img]'))).map(i => i.outerHTML.slice(0, 150))"
    )
    assert bare == [], "a picture does not say what it shows"
    page.emulate_media(color_scheme="dark")
    wait_for_theme(page, "dark")
    assert axe(page, ["color-contrast"]) == [], "in the dark"
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    shrunk = page.evaluate(
        "[...document.querySelectorAll('img.figure:not([hidden])')]"
        ".map(i => i.clientWidth / i.naturalWidth)"
    )
    assert min(shrunk, default=1) >= LEAST_SCALE, "a phone's reader cannot read a figure"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_from_a_server_does_what_it_offers(visit, server, name):
    page = loaded(visit(), server, name)
    if name in NOTEBOOKS:
        has_its_buttons(page, server, name)
    if name in FOLDED:
        opens_by_mouse_and_by_keyboard(page)


def has_its_buttons(page, start, name):
    links = set(page.evaluate("[...document.querySelectorAll('a[href]')].map(a => a.href)"))
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    owner = "/".join(config["repository"]["url"].split("/")[-2:])
    colab = f"https://colab.research.google.com/github/{owner}/blob/main/{name}.ipynb"
    header = page.locator(".article-header-buttons")
    assert colab in links
    assert header.locator(f'a[href="{colab}"]').count() == 1
    assert header.locator(f'a[href="http://localhost:8888/lab/tree/{name}.ipynb"]').count() == 1
    download = header.locator('a[href$=".ipynb"][href*="_sources"]').first.evaluate("a => a.href")
    given = HTML / download.removeprefix(f"{start}/")
    ours = nbformat.read(ROOT / f"{name}.ipynb", as_version=4)
    theirs = nbformat.read(given, as_version=4)
    assert [c.source for c in ours.cells] == [c.source for c in theirs.cells]


def opens_by_mouse_and_by_keyboard(page):
    """A quiz, a hint or a solution: the first of the page."""
    folded = page.locator("article details:not([open]) > summary:visible")
    count = folded.count()
    assert count
    summary = page.locator("article details > summary:visible").first
    opened = "s => s.parentElement.open"
    assert not summary.evaluate(opened)
    summary.click()
    assert summary.evaluate(opened)
    summary.focus()
    page.keyboard.press("Enter")
    assert not summary.evaluate(opened)
    page.keyboard.press("Space")
    assert summary.evaluate(opened)
    inside = summary.evaluate("s => s.parentElement.innerText.length > s.innerText.length")
    assert inside, "there is an answer"


def test_search_finds_a_term(visit, server):
    for start in (HTML.as_uri(), server):
        seen = visit()
        page = seen.open(f"{start}/search.html?q=coreset")
        page.wait_for_selector("#search-results li a")
        titles = page.locator("#search-results li a").all_inner_texts()
        assert any("Memory banks" in title for title in titles)
        page.wait_for_load_state("networkidle")
        assert not seen.errors


def test_the_dark_theme_holds_from_page_to_page(visit, server):
    seen = visit(color_scheme="light")
    page = seen.open(f"{server}/book/index.html")
    theme = "document.documentElement.dataset.theme"
    for _ in range(3):  # light, dark, as the system has it: in the theme's order
        if page.evaluate(theme) == "dark":
            break
        page.locator(".theme-switch-button:visible").first.click()
    assert page.evaluate(theme) == "dark"
    page.goto(f"{server}/notebooks/02_baseline_autoencoder.html")
    assert page.evaluate(theme) == "dark"
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    red, green, blue = (int(part) for part in ground.strip("rgb()").split(",")[:3])
    assert max(red, green, blue) < 80, ground
    figure = page.locator("img.figure").first
    assert figure.evaluate("i => getComputedStyle(i).filter") == "none", "its colours stay"
    assert figure.evaluate("i => getComputedStyle(i).backgroundColor") == "rgb(255, 255, 255)"


def test_the_copy_button_copies_the_cell(visit, server):
    seen = visit(permissions=["clipboard-read", "clipboard-write"])
    page = seen.open(f"{server}/notebooks/02_baseline_autoencoder.html")
    cell = page.locator("div.cell_input div.highlight").nth(1)
    cell.hover()
    cell.locator("button.copybtn").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    notebook = nbformat.read(ROOT / "notebooks" / "02_baseline_autoencoder.ipynb", as_version=4)
    code = [c.source for c in notebook.cells if c.cell_type == "code"]
    assert copied.strip() == code[1].strip()
    assert page.locator("div.cell_input button.copybtn").count() >= len(code) - 3


def test_the_keyboard_reaches_content_and_sees_where_it_is(visit, server):
    page = visit(viewport=WIDE).open(f"{server}/book/index.html")
    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.textContent.trim()")
    assert "Skip to main content" in first
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main-content"
    for _ in range(6):
        page.keyboard.press("Tab")
        marked = page.evaluate(
            "(() => { const s = getComputedStyle(document.activeElement);"
            " return s.outlineStyle !== 'none' || s.boxShadow !== 'none'; })()"
        )
        assert marked, page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
