"""One Chromium for all browser tests; the built book as files and from a server."""

import os
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",  # a camera that shows a pattern
    "--use-fake-ui-for-media-stream",  # and a reader who allows it
]
WIDE, PHONE = {"width": 1200, "height": 900}, {"width": 390, "height": 844}


def chromium():
    """Return the path of Debian's Chromium, or of the one that CHROMIUM names, or None."""
    return (
        os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    )


def book_pages():
    """Return every page of the table of contents, and the search page."""
    import yaml

    from tools.build_book import pages

    contents = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    return [*pages(contents), "search"]


@pytest.fixture(scope="session")
def browser():
    if chromium() is None:
        pytest.skip("there is no Chromium: apt-get install chromium, or name one in CHROMIUM")
    if not (HTML / "index.html").is_file():
        pytest.skip("there is no book in _build/html: run `make committed-book` first")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        browser.close()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def server():
    """Serve the book on this machine; give the address."""
    handler = partial(Quiet, directory=str(HTML))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


class Visit:
    """A page without a network that remembers what went wrong and what it weighs."""

    def __init__(self, page):
        self.page, self.errors, self.outside, self.files = page, [], [], set()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._said)
        page.on("requestfailed", lambda request: self.errors.append(f"failed: {request.url}"))
        page.on("response", self._answered)
        page.route("**/*", self._asked)

    def _said(self, message):
        if message.type == "error":
            self.errors.append(message.text)

    def _answered(self, response):
        if response.status >= 400:
            self.errors.append(f"{response.status}: {response.url}")

    def _asked(self, route):
        url = route.request.url
        if url.startswith(("file:", "data:", "blob:", "http://127.0.0.1")):
            self.files.add(url.split("?")[0].split("#")[0])
            route.continue_()
        else:
            self.outside.append(url)
            route.abort()

    def open(self, url):
        self.page.goto(url, wait_until="load")
        return self.page

    def weight(self, start):
        """Return the bytes of all files that the page asked for, by their sizes on disk."""
        return sum(
            (HTML / url.removeprefix(start).lstrip("/")).stat().st_size
            for url in self.files
            if url.startswith(start)
        )


@pytest.fixture
def visit(browser):
    """Give a visit with the given options of a browser context."""
    contexts = []

    def begin(**options):
        context = browser.new_context(**{"viewport": WIDE, **options})
        context.set_default_timeout(20_000)
        contexts.append(context)
        return Visit(context.new_page())

    yield begin
    for context in contexts:
        context.close()
