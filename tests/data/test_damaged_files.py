"""Damaged pictures, archives, caches and notes: the right result, or one error with the name."""

import hashlib
import io
import json
import lzma
import resource
import shutil
import struct
import tarfile
import zipfile
import zlib
from contextlib import contextmanager
from http.client import HTTPMessage
from unittest.mock import MagicMock

import numpy as np
import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st
from PIL import Image

from helpers.data import download as downloading
from helpers.data.archives import unpack_category
from helpers.data.cache import cached
from helpers.data.decode import (
    MOST_PIXELS,
    read_header,
    read_image,
    read_mask,
    read_orientation,
    upright_size,
)
from helpers.data.download import Source, SourceError, download
from helpers.errors import DataError
from tests.damage import byte_edits, damaged_bytes, damaging, place

FORMATS = ("png", "jpg", "tif", "bmp", "webp")
ARCHIVES = ("tar", "tar.gz", "tar.xz", "zip")
damages = damaging(14)
pytestmark = [
    pytest.mark.timeout(120 + damages.max_examples),  # far above what a slow machine takes
    pytest.mark.filterwarnings("ignore::UserWarning:PIL"),
    pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning"),
]
PIXELS = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)


@pytest.fixture(scope="module", autouse=True)
def memory():
    """Hold that no claim was believed: all of this needs no more than a picture of full size."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * 1024 < 10 * MOST_PIXELS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged")


@contextmanager
def naming(*names):
    """Let one kind of error through, which names the file and is of a length to be read."""
    try:
        yield
    except DataError as error:
        event("refused")
        assert any(name in str(error) for name in names), error
        assert len(str(error)) < 2000
    else:
        event("read")


# ---- pictures


@pytest.fixture(scope="module")
def pictures(folder):
    """Return each format's file of the same pixels, turned as EXIF can say it."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a nut"
    made = {}
    for ending in FORMATS:
        buffer = io.BytesIO()
        options = {"bmp": {}, "webp": {"lossless": True, "exif": exif}}.get(ending, {"exif": exif})
        kind = {"jpg": "jpeg", "tif": "tiff"}.get(ending, ending)
        Image.fromarray(PIXELS).save(buffer, kind, **options)
        made[ending] = buffer.getvalue()
    return made


def look_at(path):
    """Read a file in every way there is; return its pixels, or nothing."""
    found = []
    for read in (read_header, read_orientation, upright_size, lambda p: read_mask(p, 8, (16, 16))):
        with naming(path.name):
            read(path)
    with naming(path.name):
        found.append(read_image(path, 16))
        assert found[0].shape == (3, 16, 16)
        assert found[0].dtype == np.uint8
    return found


@pytest.mark.parametrize("ending", FORMATS)
@given(edits=byte_edits)
@damages
def test_damaged_pictures(folder, pictures, ending, edits):
    path = folder / f"picture.{ending}"
    path.write_bytes(damaged_bytes(pictures[ending], edits))
    found = look_at(path)
    if found and ending == "png":  # it has checksums
        np.testing.assert_array_equal(found[0], np.rot90(PIXELS, -1).transpose(2, 0, 1))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


sides = st.sampled_from([0, 1, 15, 16, 17, 8192, 8193, 60_000, 2**31 - 1, 2**32 - 1])


@given(
    width=sides,
    height=sides,
    depth=st.sampled_from([0, 1, 2, 4, 8, 16, 255]),
    colour=st.sampled_from([0, 1, 2, 3, 4, 6, 9]),
    kind=st.sampled_from([b"acTL", b"eXIf", b"tRNS", b"iCCP", b"zTXt", b"PLTE", b"gAMA"]),
    more=st.one_of(st.binary(max_size=30), st.just(b"x\0\0" + zlib.compress(bytes(10**8), 9))),
)
@example(8192, 8192, 8, 2, b"gAMA", b"")
@example(8192, 8192, 16, 6, b"gAMA", b"")
@damages
def test_pngs_that_claim_what_they_like(folder, width, height, depth, colour, kind, more):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    path = folder / "claims.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(kind, more)
        + chunk(b"IDAT", zlib.compress(bytes(900)))
        + chunk(b"IEND", b"")
    )
    look_at(path)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0x0100, 0x0101, 0x0102, 0x0106, 0x0111, 0x0112, 0x0116, 0x0117]),
            st.integers(0, 14),
            st.sampled_from([0, 1, 2, 1000, 2**32 - 1]),
            st.integers(0, 2**32 - 1),
        ),
        max_size=6,
    )
)
@damages
def test_exif_and_tiff_that_say_what_they_like(folder, tags):
    entries = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    block = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)
    (folder / "bare.tif").write_bytes(block)
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, "jpeg", exif=b"Exif\0\0" + block)
    (folder / "photo.jpg").write_bytes(buffer.getvalue())
    look_at(folder / "bare.tif")
    look_at(folder / "photo.jpg")


# ---- archives

NUT = {
    "hazelnut/train/good/000.png": b"one" * 400,
    "hazelnut/test/good/000.png": b"good",
    "hazelnut/test/crack/000.png": b"crack",
    "hazelnut/ground_truth/crack/000_mask.png": b"mask",
}


def packed(kind, files=NUT, infos=()):
    buffer = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        return buffer.getvalue()
    mode = {"tar": "w", "tar.gz": "w:gz", "tar.xz": "w:xz"}[kind]
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for info in infos:
            archive.addfile(info)
    return buffer.getvalue()


def unpack(folder, name, content):
    """Unpack an archive; return the files that came out, and hold that nothing else did."""
    archive, root = folder / name, folder / "place" / "mvtec"
    archive.write_bytes(content)
    root.mkdir(parents=True)
    before = {path for path in folder.rglob("*") if root not in path.parents}
    found = None
    try:
        with naming(name):
            unpack_category(archive, "hazelnut", root / "hazelnut")
            made = [path for path in (root / "hazelnut").rglob("*") if path.is_file()]
            found = {f"hazelnut/{p.relative_to(root / 'hazelnut')}": p.read_bytes() for p in made}
        left = {path.name for path in root.iterdir()} - {".hazelnut.lock"}
        assert left == ({"hazelnut"} if found is not None else set())
        assert {path for path in folder.rglob("*") if root not in path.parents} == before
        assert not [path for path in folder.rglob("*") if path.is_symlink()]
    finally:
        shutil.rmtree(folder / "place")
    return found


@pytest.mark.parametrize("kind", ARCHIVES)
@given(edits=byte_edits)
@example([("drop", 0, 1)])
@damages
def test_damaged_archives(folder, kind, edits):
    found = unpack(folder, f"nut.{kind}", damaged_bytes(packed(kind), edits))
    if found is not None and kind in ("tar.gz", "tar.xz"):  # they have checksums
        assert found == NUT
    if found is not None:
        assert sum(map(len, found.values())) < 3000


NAMES = (
    "hazelnut/test/a.png", "../evil", "/tmp/evil", "hazelnut/../../evil", "hazelnut", "hazelnut/",
    "C:\\evil", "hazelnut/test", "hazelnut/test/good/000.png/below", "", ".", "n" * 300,
    "hazelnut/" + "d/" * 600, "hazelnut/test/caf\udce9.png", "copy/hazelnut/train/good/0.png",
)  # fmt: skip


@given(
    name=st.sampled_from(NAMES),
    kind=st.sampled_from([*b"01234567LKSgx"]),
    link=st.sampled_from(["", "/etc/passwd", "hazelnut/train/good/000.png"]),
    size=st.sampled_from([0, 1, 5000, 2**33 - 1, 2**80, -1, -5000]),
    said=st.dictionaries(
        st.sampled_from(["size", "path", "linkpath", "GNU.sparse.major", "GNU.sparse.minor",
                         "GNU.sparse.name", "GNU.sparse.map", "GNU.sparse.size", "mtime"]),
        st.sampled_from(["0", "1", "-1", "-5000", "9" * 30, "../evil", "/tmp/evil", "x", "1,2,3"]),
        max_size=3,
    ),
    packing=st.sampled_from(["tar", "tar.xz"]),
)  # fmt: skip
@damages
def test_archives_that_claim_what_they_like(folder, name, kind, link, size, said, packing):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.pax_headers = bytes([kind]), link, said
    info.size = size if abs(size) < 2**63 else 0
    buffer = info.tobuf(tarfile.PAX_FORMAT if said else tarfile.GNU_FORMAT)
    content = packed("tar").rstrip(b"\0")
    content += bytes(-len(content) % 512) + buffer + bytes(10240)
    if packing == "tar.xz":
        content = lzma.compress(content, preset=0)
    unpack(folder, f"claims.{packing}", content)


# ---- the cache


def arrays():
    return {"masks": PIXELS[:, :, 0] > 99, "test": PIXELS, "train": PIXELS[::-1].copy()}


@given(
    file=st.sampled_from(["masks.npy", "test.npy", "train.npy", "sums.json"]),
    other=st.sampled_from(["", "masks.npy", "test.npy", "train.npy", "sums.json"]),
    edits=st.one_of(st.none(), byte_edits),
)
@damages
def test_damaged_caches(folder, file, other, edits):
    kept = folder / "cache" / "key"
    cached(kept, ("masks", "test", "train"), arrays)
    content = (kept / file).read_bytes()
    if other:  # one in the place of another
        content = (kept / other).read_bytes()
    (kept / file).unlink()
    if edits is not None:
        (kept / file).write_bytes(damaged_bytes(content, edits))
    found = cached(kept, ("masks", "test", "train"), arrays)
    again = cached(kept, ("masks", "test", "train"), lambda: pytest.fail("made again"))
    for name, array in arrays().items():
        np.testing.assert_array_equal(found[name], array, strict=True)
        np.testing.assert_array_equal(again[name], array, strict=True)
    assert not list(kept.parent.glob(".*part*"))


# ---- a download's note

BODY = bytes(range(256)) * 20
SOURCE = Source("here", "http://localhost/nut.tar.xz", len(BODY), hashlib.sha256(BODY).hexdigest())


class Response:
    """What a server answers that continues a file when it is asked to."""

    def __init__(self, headers):
        start = int(headers.get("Range", "bytes=0-")[6:-1])
        if headers.get("If-Range") not in (None, '"one"') or start >= len(BODY):
            start = 0
        self.body, self.headers = io.BytesIO(BODY[start:]), HTTPMessage()
        self.status = 206 if start else 200
        self.headers["Content-Length"] = str(len(BODY) - start)
        self.headers["ETag"] = '"one"'
        if start:
            self.headers["Content-Range"] = f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"

    def read1(self, size):
        return self.body.read(size)


@contextmanager
def connection(url, headers, part):
    assert url == SOURCE.url
    for value in headers.values():
        value.encode("ascii")
        assert value.isprintable(), "this could be another header"
    yield Response(headers)


json_values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9),
        st.sampled_from(["one", '"one"', SOURCE.url, 100, len(BODY), '"a"\r\nb: c']),
    ),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)  # fmt: skip


@given(
    note=st.one_of(
        json_values,
        st.fixed_dictionaries(
            {"url": st.just(SOURCE.url), "etag": json_values, "modified": json_values},
            optional={"total": json_values, "more": json_values},
        ),
    ),
    edits=st.one_of(st.just([]), byte_edits),
    have=st.one_of(st.none(), place),
    damage=st.one_of(st.just([]), byte_edits),
)
@damages
def test_damaged_notes_of_downloads(folder, note, edits, have, damage):
    place = folder / "downloads"
    place.mkdir()
    text = json.dumps(note).encode()
    (place / "nut.part.json").write_bytes(damaged_bytes(text, edits))
    if have is not None:
        (place / "nut.part").write_bytes(damaged_bytes(BODY[: have % (len(BODY) + 5)], damage))
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(downloading, "_connection", connection)
            patch.setattr(downloading, "sleep", lambda _: None)
            patch.setattr(downloading, "tqdm", MagicMock())
            try:
                download(SOURCE, place / "nut")
            except SourceError as error:
                assert "corrupt" in str(error)
                assert [p.name for p in place.iterdir() if p.name[0] != "."] == []
                download(SOURCE, place / "nut")
        assert (place / "nut").read_bytes() == BODY
        assert [p.name for p in place.iterdir() if p.name[0] != "."] == ["nut"]
    finally:
        shutil.rmtree(place)
