"""The download against a server on this machine that does everything servers do wrong."""

import errno
import hashlib
import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from helpers.data import download as fetching
from helpers.data.download import Source, SourceError, download
from helpers.errors import DataError

BODY = bytes(range(256)) * 400
HALF = len(BODY) // 2
DIGEST = hashlib.sha256(BODY).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serve ``server.body``; each request takes one entry off ``server.faults``."""

    def do_GET(self):
        server = self.server
        fault = server.faults.pop(0) if server.faults else ""
        wanted = self.headers["Range"]
        server.requests.append((self.path, wanted, self.headers["If-Range"]))
        if fault == "reset":
            return
        if fault.isdecimal():
            self.send_error(int(fault))
            return
        if fault.startswith("to "):
            self.send_response(302)
            self.send_header("Location", fault[3:])
            self.end_headers()
            return
        self.answer(fault, wanted)

    def answer(self, fault, wanted):
        server, body, start = self.server, self.server.body, 0
        guard = self.headers["If-Range"]
        changed = guard not in (None, server.etag, server.modified) and fault != "ignore guard"
        if wanted and not changed and fault != "ignore range":
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(body):
                self.send_error(416)
                return
        if fault == "linger":
            self.protocol_version = "HTTP/1.1"
        if fault == "slow header":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
            for _ in range(2000):
                if server.over.wait(0.01):
                    return
                self.wfile.write(b".")
                self.wfile.flush()
        self.send_response(206 if start else 200)
        if start:
            place = f"bytes {start}-{len(body) - 1}/{len(body)}"
            self.send_header("Content-Range", fault if fault.startswith("bytes") else place)
        self.send_header("Content-Type", "text/html" if fault == "page" else "application/x-xz")
        if fault.startswith("claims "):
            self.send_header("Content-Length", fault[7:])
        elif fault not in ("no length", "endless"):
            self.send_header("Content-Length", str(len(body) - start))
        if server.etag:
            self.send_header("ETag", server.etag)
        if server.modified and (fault == "ignore guard" or not guard):
            self.send_header("Last-Modified", server.modified)
        self.end_headers()
        rest = body[start:]
        while fault == "endless":
            self.send(bytes(1 << 16))
        if fault == "drip":
            while rest:
                self.send(rest[:4096])
                rest = rest[4096:]
                server.over.wait(0.005)
        if fault == "corrupt":
            rest = rest[:-1] + bytes([rest[-1] ^ 1])
        if fault in ("truncate", "stall", "slow"):
            self.send(rest[: len(rest) // 2])
            if fault == "truncate":
                return
            server.over.wait(0.2 if fault == "slow" else 20)
            rest = rest[len(rest) // 2 :] if fault == "slow" else b""
        self.send(rest + (b"surplus" if fault == "surplus" else b""))
        if fault == "linger":
            server.over.wait(20)

    def send(self, data):
        self.server.sent += len(data)  # first: the client may be done before the next line
        self.wfile.write(data)
        self.wfile.flush()

    def log_message(self, *_):
        pass


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """Be impatient; hold how long the download would have waited."""
    waited = []
    monkeypatch.setattr(fetching, "TIMEOUT", 0.3)
    monkeypatch.setattr(fetching, "ATTEMPTS", 3)
    monkeypatch.setattr(fetching, "sleep", waited.append)
    return waited


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web.daemon_threads = True
    web.handle_error = lambda *_: None  # a client that had enough
    web.body, web.etag, web.modified = BODY, '"one"', None
    web.faults, web.requests, web.sent, web.over = [], [], 0, threading.Event()
    web.address = f"http://127.0.0.1:{web.server_port}"
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield web
    web.over.set()
    web.shutdown()
    thread.join()
    web.server_close()


@pytest.fixture
def source(server):
    return Source("here", f"{server.address}/nut.tar.xz", len(BODY), DIGEST)


@pytest.fixture
def target(tmp_path):
    return tmp_path / "data" / "nut.tar.xz"


def leave_part(server, source, target):
    """Have one connection break halfway."""
    server.faults = ["truncate"]
    with (
        pytest.MonkeyPatch.context() as patch,
        pytest.raises(SourceError, match="gave up after 1 attempt"),
    ):
        patch.setattr(fetching, "ATTEMPTS", 1)
        patch.setattr(fetching, "TIMEOUT", 1)
        download(source, target)
    assert part_of(target).read_bytes() == BODY[:HALF]
    assert not target.exists()
    server.requests, server.sent = [], 0


def part_of(target):
    return target.with_name("nut.tar.xz.part")


def names(target):
    return sorted(path.name for path in target.parent.iterdir() if not path.name.startswith("."))


def test_a_plain_download(server, source, target, capsys):
    assert download(source, target) == target
    assert target.read_bytes() == BODY
    assert names(target) == ["nut.tar.xz"]
    assert server.requests == [("/nut.tar.xz", None, None)]
    out, err = capsys.readouterr()
    assert out == ""
    assert "nut.tar.xz: 100%" in err


def test_a_finished_file_is_not_fetched_again(server, source, target):
    download(source, target)
    download(source, target)
    assert len(server.requests) == 1


def test_a_finished_file_that_is_wrong_is_replaced(source, target):
    target.parent.mkdir()
    target.write_bytes(BODY[:-1] + b"!")
    download(source, target)
    assert target.read_bytes() == BODY


def test_a_wrong_file_stays_until_the_right_one_is_here(server, source, target):
    target.parent.mkdir()
    target.write_bytes(b"perhaps of use")
    server.faults = ["404"]
    with pytest.raises(SourceError):
        download(source, target)
    assert target.read_bytes() == b"perhaps of use"


@pytest.mark.parametrize("fault", ["truncate", "stall", "reset", "503", "429"])
def test_passing_trouble_is_overcome_by_trying_again(server, source, target, fault, waits):
    server.faults = [fault, fault]
    download(source, target)
    assert len(server.requests) == 3
    assert target.read_bytes() == BODY
    assert waits == [1.0, 2.0]  # doubled
    assert server.sent == len(BODY)  # not a byte twice


def test_the_number_of_attempts_is_limited(server, source, target, waits):
    server.faults = ["503"] * 9
    with pytest.raises(SourceError, match=r"gave up after 3 attempts; the last: HTTP 503"):
        download(source, target)
    assert len(server.requests) == 3
    assert waits == [1.0, 2.0]


def test_nobody_listening(source, target):
    away = Source("away", "http://127.0.0.1:9/nut.tar.xz")
    with pytest.raises(SourceError, match=r"no connection .*refused"):
        download(away, target)


def test_a_later_run_transfers_only_the_rest(server, source, target):
    leave_part(server, source, target)
    download(source, target)
    assert target.read_bytes() == BODY
    assert server.requests == [("/nut.tar.xz", f"bytes={HALF}-", '"one"')]
    assert server.sent == len(BODY) - HALF
    assert names(target) == ["nut.tar.xz"]


@pytest.mark.parametrize(
    ("etag", "modified", "guard"),
    [
        (None, "Mon, 23 Nov 2026 11:00:00 GMT", "Mon, 23 Nov 2026 11:00:00 GMT"),
        ('W/"weak"', None, None),
        (None, None, None),
    ],
    ids=["date", "weak", "size only"],
)
def test_resuming_with_other_guards(server, source, target, etag, modified, guard):
    server.etag, server.modified = etag, modified
    leave_part(server, source, target)
    download(source, target)
    assert target.read_bytes() == BODY
    assert server.requests == [("/nut.tar.xz", f"bytes={HALF}-", guard)]
    assert server.sent == len(BODY) - HALF


def test_a_server_that_ignores_ranges(server, source, target):
    leave_part(server, source, target)
    server.faults = ["ignore range"]
    download(source, target)
    assert target.read_bytes() == BODY
    assert server.sent == len(BODY)


@pytest.mark.parametrize(
    ("etag", "more"), [('"two"', b""), ('W/"two"', b""), (None, b"longer"), ('"two"', b"longer")]
)
def test_a_part_of_an_older_version_is_thrown_away(server, target, etag, more):
    source = Source("here", f"{server.address}/nut.tar.xz")
    leave_part(server, source, target)
    server.etag, server.body = etag, BODY[::-1] + more
    download(source, target)
    assert target.read_bytes() == server.body


@pytest.mark.parametrize(
    ("before", "after", "more"),
    [
        (('"one"', None), ('"two"', None), b""),
        ((None, "Sun, 22 Nov 2026 11:00:00 GMT"), (None, "Mon, 23 Nov 2026 11:00:00 GMT"), b""),
        ((None, None), (None, None), b"longer"),
    ],
    ids=["etag", "date", "size"],
)
def test_a_server_that_continues_with_another_version(server, target, before, after, more):
    source = Source("here", f"{server.address}/nut.tar.xz")
    server.etag, server.modified = before
    leave_part(server, source, target)
    server.etag, server.modified = after
    server.body, server.faults = BODY[::-1] + more, ["ignore guard"]
    download(source, target)
    assert target.read_bytes() == server.body


@pytest.mark.parametrize(
    "place", [f"bytes {HALF + 1}-{len(BODY) - 1}/{len(BODY)}", "bytes */*", "bytes"]
)
def test_a_server_that_continues_elsewhere(server, source, target, place):
    leave_part(server, source, target)
    server.faults = [place]
    assert download(source, target).read_bytes() == BODY
    assert [wanted for _, wanted, _ in server.requests] == [f"bytes={HALF}-", None]


def test_a_part_from_another_address_is_thrown_away(server, source, target):
    leave_part(server, source, target)
    download(Source("there", f"{server.address}/moved.tar.xz", len(BODY), DIGEST), target)
    assert target.read_bytes() == BODY
    assert server.requests == [("/moved.tar.xz", None, None)]


@pytest.mark.parametrize(
    "note",
    [
        "",
        "{",
        "[]",
        '{"url": 1}',
        None,
        "[" * 100_000,
        {"etag": 5},
        {"etag": ["one"]},
        {"etag": '"one"\r\nX-Injected: 1'},
        {"etag": '"caf\xe9\u4e00"'},
        {"etag": None, "modified": {}},
        {"total": "102400"},
        {"total": -1},
        {"total": True},
        {"total": 1e5},
        {"more": 1},
    ],
)
def test_a_part_that_nothing_is_known_of_is_thrown_away(server, source, target, note):
    leave_part(server, source, target)
    if isinstance(note, dict):
        sound = {"url": source.url, "etag": '"one"', "modified": None, "total": len(BODY)}
        note = json.dumps(sound | note)
    path = part_of(target).with_name("nut.tar.xz.part.json")
    path.unlink() if note is None else path.write_text(note)
    download(source, target)
    assert target.read_bytes() == BODY
    assert server.requests == [("/nut.tar.xz", None, None)]


def test_a_part_longer_than_the_file(server, source, target):
    leave_part(server, source, target)
    part_of(target).write_bytes(BODY + b"too much")
    download(source, target)
    assert target.read_bytes() == BODY
    assert [wanted for _, wanted, _ in server.requests] == [f"bytes={len(BODY) + 8}-", None]


def test_a_part_that_is_complete_needs_no_connection(server, source, target):
    leave_part(server, source, target)
    part_of(target).write_bytes(BODY)
    download(source, target)
    assert target.read_bytes() == BODY
    assert server.requests == []


@pytest.mark.parametrize("resumed", [False, True])
def test_a_corrupt_file_is_deleted_and_both_digests_named(server, source, target, resumed):
    if resumed:
        leave_part(server, source, target)
    server.faults = ["corrupt"]
    got = hashlib.sha256(BODY[:-1] + bytes([BODY[-1] ^ 1])).hexdigest()
    with pytest.raises(SourceError, match=f"SHA-256 {got}, expected {DIGEST}"):
        download(source, target)
    assert names(target) == []


def test_a_file_of_another_size_is_not_even_fetched(server, source, target):
    server.body = BODY + b"more"
    with pytest.raises(SourceError, match=f"{len(BODY) + 4} bytes where {len(BODY)} are expected"):
        download(source, target)
    assert names(target) == []


def test_a_size_that_only_the_end_shows(server, source, target):
    server.body, server.faults = BODY + b"more", ["no length"]
    with pytest.raises(SourceError, match=f"more than the {len(BODY)} bytes expected"):
        download(source, target)
    assert names(target) == []


def test_a_server_that_tells_no_length(server, source, target):
    server.faults = ["no length"]
    assert download(source, target).read_bytes() == BODY


def test_a_server_that_sends_more_than_it_said(server, target, monkeypatch, waits):
    monkeypatch.setattr(fetching, "CHUNK", 30_000)
    server.faults = ["surplus"]
    assert download(Source("here", f"{server.address}/n"), target).read_bytes() == BODY
    assert waits == []


def test_a_server_that_keeps_the_line_open(server, source, target, waits):
    server.faults = ["linger"]
    assert download(source, target).read_bytes() == BODY
    assert waits == []  # it would have timed out, had it waited for the end


@pytest.mark.parametrize(("code", "words"), [("404", "no longer at this"), ("403", "Forbidden")])
def test_a_refusal_is_final(server, source, target, code, words):
    server.faults = [code]
    with pytest.raises(SourceError, match=f"HTTP {code} .*{words}"):
        download(source, target)
    assert len(server.requests) == 1
    assert names(target) == []


def test_a_web_page_in_place_of_the_file(server, source, target):
    server.faults = ["page"]
    with pytest.raises(SourceError, match="a web page in place of the file"):
        download(Source("here", source.url), target)
    assert names(target) == []


def test_redirects_are_followed(server, source, target):
    server.faults = ["to /one", f"to {server.address}/two"]
    assert download(source, target).read_bytes() == BODY
    assert [path for path, _, _ in server.requests] == ["/nut.tar.xz", "/one", "/two"]


@pytest.mark.parametrize(
    "where",
    [
        "http://[::1",
        "http://[half/nut",
        "http://127.0.0.1:port/nut",
        f"http://{'a' * 70}..example/",
        "http://caf\xe9\x7f/",
        "https:///nut",
        "//[",
    ],
)
def test_redirects_to_nowhere_end_this_source_only(server, source, target, where):
    server.faults = [f"to {where}"] * 3
    with pytest.raises(SourceError, match="leads to an address that is none|no connection"):
        download(source, target)
    assert names(target) == []


def test_an_address_that_is_none(target):
    with pytest.raises(SourceError, match="leads to an address that is none"):
        download(Source("x", "http://[::1/nut.tar.xz"), target)


@pytest.fixture
def fast_clock(monkeypatch):
    """Let a minute pass at every look at the clock."""
    minutes = iter(range(0, 60_000, 61))
    monkeypatch.setattr(fetching, "monotonic", lambda: float(next(minutes)))


def test_a_line_too_slow_is_given_up_and_what_came_is_kept(
    server, source, target, fast_clock, monkeypatch
):
    server.faults = ["drip"] * 3
    monkeypatch.setattr(fetching, "SLOWEST", 10_000)
    with pytest.raises(SourceError, match=r"gave up after 3 attempts.*too slow \(\d+ bytes in 61"):
        download(source, target)
    assert 0 < part_of(target).stat().st_size < len(BODY)


def test_a_line_that_is_fast_enough_is_not(server, source, target, fast_clock, monkeypatch):
    monkeypatch.setattr(fetching, "SLOWEST", 1)
    server.faults = ["drip"]
    assert download(source, target).read_bytes() == BODY
    assert len(server.requests) == 1


def test_a_server_that_never_ends_its_headers(server, source, target, monkeypatch):
    monkeypatch.setattr(fetching, "ANSWER", 0.1)
    server.faults = ["slow header"] * 3
    with pytest.raises(SourceError, match=r"no connection \(no answer within 0\.1 seconds\)"):
        download(source, target)


def test_a_body_without_end_is_cut_off(server, target, monkeypatch):
    monkeypatch.setattr(fetching, "LARGEST", 300_000)
    server.faults = ["endless"]
    with pytest.raises(SourceError, match="sends more than the 300000 bytes expected or free here"):
        download(Source("here", f"{server.address}/n"), target)
    assert names(target) == []


def test_a_body_without_end_does_not_fill_the_disk(server, target, monkeypatch):
    monkeypatch.setattr(fetching, "free_bytes", lambda _: 200_000)
    server.faults = ["endless"]
    with pytest.raises(SourceError, match="sends more than the 200000 bytes expected or free here"):
        download(Source("here", f"{server.address}/n"), target)
    assert names(target) == []


@pytest.mark.parametrize("claim", [10**11, 10**40])
def test_a_claim_of_too_much_is_refused(server, target, claim):
    server.faults = [f"claims {claim}"]
    with pytest.raises(SourceError, match=f"offers {claim} bytes, more than any archive"):
        download(Source("here", f"{server.address}/n"), target)
    assert names(target) == []


@pytest.mark.parametrize("where", ["ftp://127.0.0.1/nut", "file:///etc/passwd", "gopher://x/"])
def test_redirects_to_anything_but_the_web_are_not(server, source, target, where):
    server.faults = [f"to {where}"]
    with pytest.raises(SourceError, match=where):
        download(source, target)
    assert names(target) == []


def test_redirects_in_a_circle_end(server, source, target):
    server.faults = ["to /nut.tar.xz"] * 50
    with pytest.raises(SourceError, match="HTTP 302"):
        download(source, target)
    assert len(server.requests) < 50


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/nut", "nut.tar.xz"])
def test_only_web_addresses_are_sources(target, url):
    with pytest.raises(ValueError, match="no http or https address"):
        download(Source("x", url), target)


def test_too_little_space_is_noticed_before_the_transfer(server, source, target, monkeypatch):
    with pytest.raises(SourceError, match=r"is 0 MB to download, and .*data has 0 MB free"):
        monkeypatch.setattr(fetching, "free_bytes", lambda _: len(BODY) - 1)
        download(source, target)
    assert names(target) == []


def test_a_resumed_download_needs_space_for_the_rest_only(server, source, target, monkeypatch):
    leave_part(server, source, target)
    monkeypatch.setattr(fetching, "free_bytes", lambda _: len(BODY) - HALF)
    download(source, target)
    assert target.read_bytes() == BODY


def test_a_disk_that_fills_up(server, source, target, monkeypatch):
    class Full(io.BytesIO):
        def write(self, _):
            raise OSError(errno.ENOSPC, "No space left on device")

    real = Path.open
    monkeypatch.setattr(
        Path, "open", lambda p, *a, **k: Full() if p.suffix == ".part" else real(p, *a, **k)
    )
    with pytest.raises(DataError, match=r"nut\.tar\.xz cannot be written: No space") as raised:
        download(source, target)
    assert not isinstance(raised.value, SourceError)  # no other source would help
    assert len(server.requests) == 1
    assert not target.exists()


def test_a_folder_that_cannot_be_made(tmp_path, source):
    (tmp_path / "file").write_text("a file")
    with pytest.raises(DataError, match=r"cannot be written.*Choose a folder"):
        download(source, tmp_path / "file" / "nut.tar.xz")


def test_a_read_only_folder(server, source, target, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(DataError, match="cannot be written: Permission denied"):
        download(source, target)


def test_an_interruption_keeps_what_arrived(server, source, target, monkeypatch):
    class Bar(fetching.tqdm):
        def update(self, n=1):
            if self.n + n >= 30_000:
                raise KeyboardInterrupt
            return super().update(n)

    monkeypatch.setattr(fetching, "CHUNK", 10_000)
    with monkeypatch.context() as patch:
        patch.setattr(fetching, "tqdm", Bar)
        with pytest.raises(KeyboardInterrupt):
            download(source, target)
    kept = part_of(target).stat().st_size
    assert 20_000 < kept < len(BODY)
    assert json.loads((target.parent / "nut.tar.xz.part.json").read_text())["etag"] == '"one"'
    server.requests.clear()
    download(source, target)
    assert target.read_bytes() == BODY
    assert server.requests == [("/nut.tar.xz", f"bytes={kept}-", '"one"')]


def test_of_two_at_once_one_waits_for_the_other(server, source, target):
    server.faults = ["slow"]
    with ThreadPoolExecutor(2) as pool:
        files = list(pool.map(lambda _: download(source, target), range(2)))
    assert files == [target, target]
    assert target.read_bytes() == BODY
    assert server.sent == len(BODY)
