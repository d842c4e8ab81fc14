"""Download one large file over unreliable lines: resume, retry, and check what arrived."""

import hashlib
import json
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.client import HTTPException, HTTPMessage, HTTPResponse, InvalidURL
from pathlib import Path
from time import monotonic, sleep

from filelock import FileLock
from tqdm import tqdm

from helpers.deadline import within
from helpers.errors import DataError
from helpers.files import free_bytes, megabytes, writable

CHUNK = 1 << 18
TIMEOUT = 30.0  # seconds without a single byte after which a connection counts as dead
ANSWER = 120.0  # seconds within which a server must have begun to send the file
WINDOW = 60.0  # seconds in which a line must bring WINDOW × SLOWEST bytes, or is given up
SLOWEST = 1_000  # bytes a second
LARGEST = 10**10  # bytes; the whole of MVTec AD is about half of it
ATTEMPTS = 6  # connections made before giving up
PAUSE = 1.0  # seconds before the second attempt; doubled before each further one


class SourceError(DataError):
    """The source at hand cannot deliver the file; another may."""


@dataclass(frozen=True)
class Source:
    """A file to download, with its size in bytes and its SHA-256 where they are known."""

    name: str
    url: str
    bytes: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class _Identity:
    """What identifies the file that a partial download is a part of."""

    url: str
    etag: str | None
    modified: str | None
    total: int | None


class _RetryError(Exception):
    """Trouble that may be over at the next attempt."""


def download(source: Source, target: Path) -> Path:
    """Download a file; what arrived before an interruption is kept and continued.

    The bytes go to ``<target>.part``, and a note beside it says which file they belong to. A part
    of another file, or of one that has changed on the server, is thrown away. The finished file is
    renamed to ``target``. Of two processes that want the same file one waits for the other.

    Parameters
    ----------
    source
        What to download, by http or https.
    target
        Where to put it. When it is there and has the size and digest, nothing is downloaded.

    Returns
    -------
    Path
        ``target``.

    Raises
    ------
    SourceError
        When this source does not deliver, or delivers something else; says why.
    DataError
        When ``target`` cannot be written.
    """
    if not source.url.startswith(("https://", "http://")):
        raise ValueError(f"{source.url} is no http or https address.")
    part = target.with_name(f"{target.name}.part")
    with writable(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_name(f".{target.name}.lock")):
            if target.is_file() and not _mismatch(target, source):
                return target
            _receive_with_retries(source, part)
            if mismatch := _mismatch(part, source):
                _discard(part)
                raise SourceError(f"the file was corrupt and is deleted: {mismatch}")
            part.replace(target)
            _note(part).unlink(missing_ok=True)
    return target


def _receive_with_retries(source: Source, part: Path) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _receive(source, part)
        except _RetryError as error:
            trouble = error
        if attempt < ATTEMPTS:
            pause = PAUSE * 2 ** (attempt - 1)
            tqdm.write(f"{part.stem}: {trouble}; next attempt in {pause:g} s", file=sys.stderr)
            sleep(pause)
    raise SourceError(
        f"gave up after {ATTEMPTS} attempts; the last: {trouble}. "
        "What arrived is kept, and the same command continues it"
    )


def _receive(source: Source, part: Path) -> None:
    """Make one connection and append what arrives to ``part``."""
    identity = _identity_of(part, source)
    have = part.stat().st_size if identity else 0
    if identity and have == identity.total:
        return
    with _connection(source.url, _range(identity, have), part) as response:
        start, new = _read_headers(response, source)
        if start and not (start == have and _is_same(identity, new)):
            _discard(part)
            raise _RetryError("the file on the server has changed; starting afresh")
        most = min(source.bytes or LARGEST, free_bytes(part.parent))
        if new.total is not None:
            if source.bytes not in (None, new.total):
                raise SourceError(f"offers {new.total} bytes where {source.bytes} are expected")
            if new.total > (source.bytes or LARGEST):
                raise SourceError(f"offers {new.total} bytes, more than any archive of this kind")
            if (room := free_bytes(part.parent)) < new.total - start:
                raise SourceError(
                    f"is {megabytes(new.total - start)} to download, and {part.parent} has "
                    f"{megabytes(room)} free"
                )
        if not start:
            _discard(part)
            _note(part).write_text(json.dumps(asdict(new)), encoding="utf-8")
        with (
            part.open("ab") as file,
            tqdm(desc=part.stem, total=new.total, initial=start, unit="B", unit_scale=True) as bar,
        ):
            for chunk in _chunks(response, None if new.total is None else new.total - start):
                file.write(chunk)
                bar.update(len(chunk))
                if new.total is None and file.tell() > most:
                    _discard(part)
                    raise SourceError(f"sends more than the {most} bytes expected or free here")


def _chunks(response: HTTPResponse, wanted: int | None) -> Iterator[bytes]:
    """Yield the body; stop at ``wanted`` bytes, and complain when fewer arrive, or too slowly."""
    got, before, begun = 0, 0, monotonic()
    while got != wanted:
        try:
            chunk = response.read1(CHUNK)
        except (OSError, HTTPException, ValueError) as error:
            raise _RetryError(f"the line broke ({str(error) or type(error).__name__})") from error
        if not chunk:
            if wanted is not None:
                raise _RetryError(f"the line broke {wanted - got} bytes before the end")
            return
        got += len(chunk)
        yield chunk
        if (passed := monotonic() - begun) >= WINDOW:
            if got - before < SLOWEST * passed and got != wanted:
                raise _RetryError(f"the line is too slow ({got - before} bytes in {passed:.0f} s)")
            before, begun = got, monotonic()


@contextmanager
def _connection(url: str, headers: dict[str, str], part: Path) -> Iterator[HTTPResponse]:
    opener = urllib.request.build_opener(_HttpRedirectsOnly)
    try:
        request = urllib.request.Request(url, headers=headers)
        response = within(ANSWER, lambda: opener.open(request, timeout=TIMEOUT))
    except SourceError:
        raise
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:
            _discard(part)
            raise _RetryError("the part here is longer than the file; starting afresh") from error
        if error.code in (408, 429) or error.code >= 500:
            raise _RetryError(f"HTTP {error.code} {error.reason}") from error
        gone = "; the file is no longer at this address" if error.code in (404, 410) else ""
        raise SourceError(f"HTTP {error.code} {error.reason}{gone}") from error
    except (ValueError, InvalidURL) as error:
        raise SourceError(f"leads to an address that is none ({error})") from error
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", None) or str(error) or type(error).__name__
        raise _RetryError(f"no connection ({reason})") from error
    with response:
        yield response


class _HttpRedirectsOnly(urllib.request.HTTPRedirectHandler):
    """Follow redirects to http and https only (urllib would also go to ftp)."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # noqa: ANN001, ANN202
        if not newurl.startswith(("https://", "http://")):
            raise SourceError(f"redirects to {newurl}, which is no http or https address")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _read_headers(response: HTTPResponse, source: Source) -> tuple[int, _Identity]:
    """Return the offset at which the body starts, and the identity of the whole file."""
    headers: HTTPMessage = response.headers
    if headers.get_content_type() == "text/html":
        raise SourceError("answers with a web page in place of the file")
    start, total = 0, headers["Content-Length"]
    if response.status == 206:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", headers["Content-Range"] or "")
        # A part that cannot be placed counts as one of another file.
        start, total = (int(found[1]), found[2]) if found else (-1, None)
    size = int(total) if total and total.isdecimal() else None
    return start, _Identity(source.url, headers["ETag"], headers["Last-Modified"], size)


def _range(identity: _Identity | None, have: int) -> dict[str, str]:
    """Return the headers that ask for the rest of the file, if it is still the same file."""
    if not have:
        return {}
    strong = identity.etag and not identity.etag.startswith("W/")  # RFC 9110, 13.1.5
    guard = identity.etag if strong else identity.modified
    return {"Range": f"bytes={have}-"} | ({"If-Range": guard} if guard else {})


def _is_same(old: _Identity, new: _Identity) -> bool:
    # A server that continues a file need not repeat everything it said of it (RFC 9110, 15.3.7).
    return (
        new.total == old.total
        and new.etag in (None, old.etag)
        and new.modified in (None, old.modified)
    )


def _note(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _identity_of(part: Path, source: Source) -> _Identity | None:
    """Return what ``part`` is a part of; None when it cannot be continued from ``source``."""
    try:
        identity = _Identity(**json.loads(_note(part).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    known = identity.etag or identity.modified or identity.total is not None
    usable = known and part.is_file() and identity.url == source.url and _is_sound(identity)
    return identity if usable else None


def _is_sound(identity: _Identity) -> bool:
    """Say whether what was noted can be sent as headers and compared with others."""
    texts = [text for text in (identity.etag, identity.modified) if text is not None]
    total = 0 if identity.total is None else identity.total
    return all(type(text) is str and text.isascii() and text.isprintable() for text in texts) and (
        type(total) is int and total >= 0
    )


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _note(part).unlink(missing_ok=True)


def _mismatch(path: Path, source: Source) -> str:
    """Return what is wrong with the size or the SHA-256 of a whole file; empty when nothing is."""
    size = path.stat().st_size
    if source.bytes not in (None, size):
        return f"{size} bytes, expected {source.bytes}"
    if source.sha256:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != source.sha256:
            return f"SHA-256 {digest}, expected {source.sha256}"
    return ""
