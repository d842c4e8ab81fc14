"""Download one large file over unreliable lines: resume, retry, and check what arrived."""

import hashlib
import json
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path

from filelock import FileLock
from tqdm import tqdm

from helpers.data.archives import free_bytes, megabytes
from helpers.errors import DataError

CHUNK = 1 << 18


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
class Patience:
    """How long to wait for a server, and how often.

    Attributes
    ----------
    timeout
        Seconds without a single byte after which a connection counts as dead.
    attempts
        Connections made before giving up.
    pause
        Seconds before the second attempt; doubled before each further one.
    """

    timeout: float = 30.0
    attempts: int = 6
    pause: float = 1.0


@dataclass(frozen=True)
class _Stamp:
    """What identifies the file that a partial download is a part of."""

    url: str
    etag: str | None
    modified: str | None
    total: int | None


class _PassingError(Exception):
    """Trouble that may be over at the next attempt."""


def download(
    source: Source,
    target: Path,
    patience: Patience | None = None,
    free: Callable[[Path], int] = free_bytes,
    sleep: Callable[[float], None] = time.sleep,
) -> Path:
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
    patience
        Timeouts and retries.
    free, sleep
        Give the free bytes of a disk, and wait; replaced in tests.

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
    patience = patience or Patience()
    if not source.url.startswith(("https://", "http://")):
        raise ValueError(f"{source.url} is no http or https address.")
    part = target.with_name(f"{target.name}.part")
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_name(f".{target.name}.lock")):
            if target.is_file() and not _fault(target, source):
                return target
            _persist(source, part, patience, free, sleep)
            if fault := _fault(part, source):
                _discard(part)
                raise SourceError(f"the file was corrupt and is deleted: {fault}")
            part.replace(target)
            _note(part).unlink(missing_ok=True)
    return target


def _persist(
    source: Source,
    part: Path,
    patience: Patience,
    free: Callable[[Path], int],
    sleep: Callable[[float], None],
) -> None:
    for attempt in range(1, patience.attempts + 1):
        try:
            return _receive(source, part, patience.timeout, free)
        except _PassingError as error:
            trouble = error
        if attempt < patience.attempts:
            pause = patience.pause * 2 ** (attempt - 1)
            tqdm.write(f"{part.stem}: {trouble}; next attempt in {pause:g} s", file=sys.stderr)
            sleep(pause)
    raise SourceError(
        f"gave up after {patience.attempts} attempts; the last: {trouble}. "
        "What arrived is kept, and the same command continues it"
    )


def _receive(source: Source, part: Path, timeout: float, free: Callable[[Path], int]) -> None:
    """Make one connection and append what arrives to ``part``."""
    stamp = _stamp_of(part, source)
    have = part.stat().st_size if stamp else 0
    if stamp and have == stamp.total:
        return
    request = urllib.request.Request(source.url, headers=_range(stamp, have))
    with _connection(request, timeout, part) as response:
        start, new = _offer(response, source)
        if start and not (start == have and _same(stamp, new)):
            _discard(part)
            raise _PassingError("the file on the server has changed; starting afresh")
        if new.total is not None:
            if source.bytes not in (None, new.total):
                raise SourceError(f"offers {new.total} bytes where {source.bytes} are expected")
            if (room := free(part.parent)) < new.total - start:
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


def _chunks(response: HTTPResponse, wanted: int | None) -> Iterator[bytes]:
    """Yield the body; stop at ``wanted`` bytes, and complain when fewer arrive."""
    got = 0
    while got != wanted:
        try:
            chunk = response.read1(CHUNK)
        except (OSError, HTTPException) as error:
            raise _PassingError(f"the line broke ({str(error) or type(error).__name__})") from error
        if not chunk:
            if wanted is not None:
                raise _PassingError(f"the line broke {wanted - got} bytes before the end")
            return
        got += len(chunk)
        yield chunk


@contextmanager
def _connection(
    request: urllib.request.Request, timeout: float, part: Path
) -> Iterator[HTTPResponse]:
    try:
        response = urllib.request.build_opener(_WebOnly).open(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:
            _discard(part)
            raise _PassingError("the part here is longer than the file; starting afresh") from error
        if error.code in (408, 429) or error.code >= 500:
            raise _PassingError(f"HTTP {error.code} {error.reason}") from error
        gone = "; the file is no longer at this address" if error.code in (404, 410) else ""
        raise SourceError(f"HTTP {error.code} {error.reason}{gone}") from error
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", None) or str(error) or type(error).__name__
        raise _PassingError(f"no connection ({reason})") from error
    with response:
        yield response


class _WebOnly(urllib.request.HTTPRedirectHandler):
    """Follow redirects to http and https only (urllib would also go to ftp)."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # noqa: ANN001, ANN202
        if not newurl.startswith(("https://", "http://")):
            raise SourceError(f"redirects to {newurl}, which is no http or https address")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _offer(response: HTTPResponse, source: Source) -> tuple[int, _Stamp]:
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
    return start, _Stamp(source.url, headers["ETag"], headers["Last-Modified"], size)


def _range(stamp: _Stamp | None, have: int) -> dict[str, str]:
    """Return the headers that ask for the rest of the file, if it is still the same file."""
    if not have:
        return {}
    strong = stamp.etag and not stamp.etag.startswith("W/")  # RFC 9110, 13.1.5
    guard = stamp.etag if strong else stamp.modified
    return {"Range": f"bytes={have}-"} | ({"If-Range": guard} if guard else {})


def _same(old: _Stamp, new: _Stamp) -> bool:
    # A server that continues a file need not repeat everything it said of it (RFC 9110, 15.3.7).
    return (
        new.total == old.total
        and new.etag in (None, old.etag)
        and new.modified in (None, old.modified)
    )


def _note(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _stamp_of(part: Path, source: Source) -> _Stamp | None:
    """Return what ``part`` is a part of; None when it cannot be continued from ``source``."""
    try:
        stamp = _Stamp(**json.loads(_note(part).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    known = stamp.etag or stamp.modified or stamp.total is not None
    return stamp if known and part.is_file() and stamp.url == source.url else None


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _note(part).unlink(missing_ok=True)


def _fault(path: Path, source: Source) -> str:
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


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Raise a DataError that names ``target`` for every OSError of the body."""
    # Trouble with the network never gets here: it is a _PassingError by then.
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{target} cannot be written: {error.strerror or error}. "
            "Free some space or choose another folder with --root, then run again."
        ) from error
