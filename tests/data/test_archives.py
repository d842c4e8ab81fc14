"""A category comes out of an archive whole, and nothing else ever does."""

import errno
import io
import lzma
import shutil
import stat
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from helpers.data import archives
from helpers.data.archives import ArchiveError, check_layout, copy_category, unpack_category
from helpers.errors import DataError

NUT = {
    "hazelnut/train/good/000.png": b"\x89PNG one" * 99,
    "hazelnut/train/good/001.png": b"\x89PNG two" * 99,
    "hazelnut/test/good/000.png": b"good",
    "hazelnut/test/crack/000.png": b"crack",
    "hazelnut/ground_truth/crack/000_mask.png": b"mask",
    "hazelnut/license.txt": b"CC BY-NC-SA 4.0",
}
OTHERS = {"bottle/train/good/000.png": b"bottle", "license.txt": b"the set's", "readme.txt": b"!"}


def write_tar(path, files, *extra, mode="w:xz"):
    with tarfile.open(path, mode) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for info in extra:
            tar.addfile(info)
    return path


def write_zip(path, files, *extra):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)
        for info, content in extra:
            file.writestr(info, content)
    return path


def special(name, kind, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def content(folder):
    return {
        f"hazelnut/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def assert_nothing_left(root):
    """No category, and no half-made neighbour of it."""
    left = {path.name for path in root.iterdir()}
    assert left <= {".hazelnut.lock"}


@pytest.fixture
def root(tmp_path):
    (tmp_path / "mvtec").mkdir()
    return tmp_path / "mvtec"


@pytest.mark.parametrize(("suffix", "mode"), [("xz", "w:xz"), ("gz", "w:gz"), ("", "w")])
@pytest.mark.parametrize("prefix", ["", "./", "mvtec_anomaly_detection/", "a/b/"])
def test_one_category_out_of_a_tar(tmp_path, root, suffix, mode, prefix):
    files = {prefix + name: data for name, data in (OTHERS | NUT).items()}
    archive = write_tar(tmp_path / f"set.tar.{suffix}", files, mode=mode)
    folder = unpack_category(archive, "hazelnut", root / "hazelnut")
    assert folder == root / "hazelnut"
    assert content(folder) == NUT
    assert archive.is_file()
    assert {path.name for path in root.iterdir()} <= {"hazelnut", ".hazelnut.lock"}


def test_one_category_out_of_a_zip(tmp_path, root):
    mac = {"__MACOSX/hazelnut/train/good/._000.png": b"resource fork"}
    archive = write_zip(tmp_path / "set.zip", OTHERS | mac | NUT)
    assert content(unpack_category(archive, "hazelnut", root / "hazelnut")) == NUT


def test_folders_named_in_the_archive_are_no_trouble(tmp_path, root):
    archive = write_tar(tmp_path / "n.tar", NUT, special("hazelnut/train", tarfile.DIRTYPE))
    assert content(unpack_category(archive, "hazelnut", root / "hazelnut")) == NUT


def test_the_archives_own_permissions_are_not_taken_over(tmp_path, root):
    info = tarfile.TarInfo("hazelnut/test/run.sh")
    info.mode = 0o4777
    archive = write_tar(tmp_path / "n.tar", NUT, info)
    mode = (unpack_category(archive, "hazelnut", root / "hazelnut") / "test/run.sh").stat().st_mode
    assert not mode & (stat.S_ISUID | stat.S_IXUSR | stat.S_IWOTH)


def test_an_existing_folder_is_left_untouched(tmp_path, root):
    (root / "hazelnut").mkdir()
    (root / "hazelnut" / "mine.txt").write_text("keep")
    archive = write_tar(tmp_path / "n.tar", NUT)
    unpack_category(archive, "hazelnut", root / "hazelnut")
    assert content(root / "hazelnut") == {"hazelnut/mine.txt": b"keep"}


EVIL_NAMES = [
    "../evil",
    "hazelnut/../../evil",
    "hazelnut/train/../../../evil",
    "/tmp/evil",
    "C:/evil",
    "C:\\evil",
    "hazelnut\\..\\..\\evil",
    "hazelnut/train/a.png:stream",
    "hazelnut/train/a\nb.png",
]


@pytest.mark.parametrize("name", EVIL_NAMES)
@pytest.mark.parametrize("write", [write_tar, write_zip])
def test_paths_that_lead_elsewhere_condemn_the_archive(tmp_path, root, name, write):
    archive = write(tmp_path / "evil.archive", NUT | {name: b"evil"})
    with pytest.raises(ArchiveError, match=r"evil\.archive is unsafe: the path"):
        unpack_category(archive, "hazelnut", root / "hazelnut")
    assert_nothing_left(root)
    assert not list(tmp_path.rglob("evil"))


def test_a_zip_name_with_a_hidden_end_is_refused(tmp_path, root):
    archive = write_zip(tmp_path / "n.zip", NUT | {"hazelnut/test/aXb.png": b""})
    archive.write_bytes(archive.read_bytes().replace(b"aXb.png", b"a\0b.png"))
    with pytest.raises(ArchiveError, match="unsafe"):
        unpack_category(archive, "hazelnut", root / "hazelnut")
    assert_nothing_left(root)


@pytest.mark.parametrize(
    "entry",
    [
        special("hazelnut/train/good/002.png", tarfile.SYMTYPE, "/etc/passwd"),
        special("hazelnut/train/good/002.png", tarfile.SYMTYPE, "000.png"),
        special("hazelnut/train/good/002.png", tarfile.LNKTYPE, "hazelnut/train/good/000.png"),
        special("hazelnut/device", tarfile.CHRTYPE),
        special("hazelnut/device", tarfile.BLKTYPE),
        special("hazelnut/pipe", tarfile.FIFOTYPE),
        special("bottle/link", tarfile.SYMTYPE, "/"),
    ],
    ids=["link out", "link in", "hard link", "character", "block", "fifo", "other category"],
)
def test_links_and_devices_condemn_the_archive(tmp_path, root, entry):
    archive = write_tar(tmp_path / "n.tar", NUT, entry)
    with pytest.raises(ArchiveError, match="is a link or a device"):
        unpack_category(archive, "hazelnut", root / "hazelnut")
    assert_nothing_left(root)


def test_links_in_a_zip_condemn_it(tmp_path, root):
    info = zipfile.ZipInfo("hazelnut/train/good/002.png")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive = write_zip(tmp_path / "n.zip", NUT, (info, "/etc/passwd"))
    with pytest.raises(ArchiveError, match="is a link or a device"):
        unpack_category(archive, "hazelnut", root / "hazelnut")
    assert_nothing_left(root)


@pytest.mark.parametrize("write", [write_tar, write_zip])
def test_more_than_the_disk_holds_is_refused_before_it_is_written(
    tmp_path, root, write, monkeypatch
):
    bomb = NUT | {"hazelnut/test/zeros.png": bytes(3_000_000)}
    archive = write(tmp_path / "bomb.archive", bomb)
    assert archive.stat().st_size < 30_000
    with pytest.raises(DataError, match="needs more than 3 MB unpacked") as raised:
        monkeypatch.setattr(archives, "free_bytes", lambda _: 2_000_000)
        unpack_category(archive, "hazelnut", root / "hazelnut")
    assert not isinstance(raised.value, ArchiveError)
    assert_nothing_left(root)


def test_a_sparse_files_claim_counts_in_full(tmp_path, root, monkeypatch):
    info = tarfile.TarInfo("hazelnut/test/hole.png")
    info.pax_headers = {
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
        "GNU.sparse.name": info.name,
        "GNU.sparse.map": f"{10**12},0",
        "GNU.sparse.size": str(10**12),
    }
    archive = write_tar(tmp_path / "n.tar", NUT, info, mode="w:xz")
    with pytest.raises(DataError, match=r"needs more than 1,000,000 MB"):
        monkeypatch.setattr(archives, "free_bytes", lambda _: 10**9)
        unpack_category(archive, "hazelnut", root / "hazelnut")
    assert_nothing_left(root)


def test_room_is_needed_for_all_of_the_category_and_nothing_else(tmp_path, root, monkeypatch):
    archive = write_tar(tmp_path / "n.tar", {"bottle/a.png": bytes(90_000)} | NUT)
    room = sum(map(len, NUT.values()))
    with pytest.raises(DataError, match="Free some space"):
        monkeypatch.setattr(archives, "free_bytes", lambda _: room - 1)
        unpack_category(archive, "hazelnut", root / "hazelnut")
    assert_nothing_left(root)
    monkeypatch.setattr(archives, "free_bytes", lambda _: room)
    unpack_category(archive, "hazelnut", root / "hazelnut")
    assert content(root / "hazelnut") == NUT


def test_too_many_entries_are_refused(tmp_path, root, monkeypatch):
    monkeypatch.setattr(archives, "MAX_ENTRIES", len(NUT) - 1)
    with pytest.raises(ArchiveError, match="more than 5 entries"):
        unpack_category(write_tar(tmp_path / "n.tar", NUT), "hazelnut", root / "hazelnut")
    assert_nothing_left(root)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (OTHERS, "does not hold the category 'hazelnut'"),
        ({}, "does not hold the category"),
        ({"hazelnut": b"a file"}, "does not hold the category"),
        (NUT | {"copy/hazelnut/train/good/000.png": b"other"}, "holds 'hazelnut' twice"),
        (NUT | {"hazelnut/./train/good/000.png": b"other"}, "twice"),
        (NUT | {"hazelnut/train/good": b"a file"}, "twice"),
        (NUT | {"hazelnut/train/good/000.png/x": b"below a file"}, "twice"),
    ],
    ids=["others", "empty", "a file", "two places", "same file", "file and folder", "below"],
)
@pytest.mark.parametrize("write", [write_tar, write_zip])
def test_archives_of_something_else(tmp_path, root, files, message, write):
    with pytest.raises(ArchiveError, match=message):
        unpack_category(write(tmp_path / "n.archive", files), "hazelnut", root / "hazelnut")
    assert_nothing_left(root)


@pytest.mark.parametrize("part", ["train/good", "test", "ground_truth"])
def test_a_category_with_a_part_missing_is_refused(tmp_path, root, part):
    files = {name: data for name, data in NUT.items() if f"/{part}/" not in name}
    with pytest.raises(ArchiveError, match=f"has no {part}"):
        unpack_category(write_tar(tmp_path / "n.tar", files), "hazelnut", root / "hazelnut")
    assert_nothing_left(root)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 1])
def test_a_tar_cut_short_is_refused(tmp_path, root, mode, kept):
    archive = write_tar(tmp_path / "n.tar", NUT, mode=mode)
    whole = archive.read_bytes()
    if mode == "w":  # up to the end of the last file, where no file is torn, only the end missing
        whole = whole[: -(-len(whole.rstrip(b"\0")) // 512) * 512]
    archive.write_bytes(whole[: int(len(whole) * kept) - (mode != "w")])
    with pytest.raises(ArchiveError, match=r"n\.tar.* damaged"):
        unpack_category(archive, "hazelnut", root / "hazelnut")
    assert_nothing_left(root)


@pytest.mark.parametrize("mode", ["w:gz", "w:xz", "zip"])
def test_no_flipped_bit_gets_through(tmp_path, root, mode):
    archive = tmp_path / "n.archive"
    write_zip(archive, NUT) if mode == "zip" else write_tar(archive, NUT, mode=mode)
    whole = archive.read_bytes()
    got_through = 0
    end = whole.index(b"PK\1\2") if mode == "zip" else len(whole)  # a zip's directory has no sum
    for at in range(0, end, max(1, end // 40)):
        archive.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        try:
            folder = unpack_category(archive, "hazelnut", root / "hazelnut")
        except ArchiveError:
            assert_nothing_left(root)
        else:  # in a time stamp or the like: then the content must be the very same
            assert content(folder) == NUT
            got_through += 1
            shutil.rmtree(folder)
    assert got_through < 20


@pytest.mark.parametrize("data", [b"", b"<html>404</html>", b"PK\x03\x04 not really", bytes(5000)])
def test_files_that_are_no_archive(tmp_path, root, data):
    (tmp_path / "n.tar.xz").write_bytes(data)
    with pytest.raises(ArchiveError, match=r"n\.tar\.xz"):
        unpack_category(tmp_path / "n.tar.xz", "hazelnut", root / "hazelnut")
    assert_nothing_left(root)


def test_a_missing_archive_is_named(tmp_path, root):
    with pytest.raises(ArchiveError, match=r"gone\.zip is not there"):
        unpack_category(tmp_path / "gone.zip", "hazelnut", root / "hazelnut")


def test_an_encrypted_zip_is_refused(tmp_path, root):
    archive = write_zip(tmp_path / "n.zip", NUT)
    data = bytearray(archive.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    archive.write_bytes(data)
    with pytest.raises(ArchiveError, match="encrypted"):
        unpack_category(archive, "hazelnut", root / "hazelnut")
    assert_nothing_left(root)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_full_disk_leaves_nothing_half_made(tmp_path, root, monkeypatch, number):
    archive = write_tar(tmp_path / "n.tar", NUT)

    class Full(io.BytesIO):
        def write(self, _):
            raise OSError(number, "No space left on device")

    monkeypatch.setattr(Path, "open", lambda *_: Full())
    with pytest.raises(DataError, match="cannot be written: No space left") as raised:
        unpack_category(archive, "hazelnut", root / "hazelnut")
    assert not isinstance(raised.value, ArchiveError)  # the archive is not to blame
    assert_nothing_left(root)
    assert archive.is_file()


def test_a_file_in_place_of_the_root(tmp_path):
    (tmp_path / "mvtec").write_text("a file")
    archive = write_tar(tmp_path / "n.tar", NUT)
    with pytest.raises(DataError, match="cannot be written"):
        unpack_category(archive, "hazelnut", tmp_path / "mvtec" / "hazelnut")
    assert (tmp_path / "mvtec").read_text() == "a file"


def unpacked(folder):
    for name, data in NUT.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


@pytest.mark.parametrize("below", ["", "mvtec_anomaly_detection"])
def test_one_category_out_of_a_folder(tmp_path, root, below):
    source = tmp_path / "cache"
    unpacked(source / below)
    assert content(copy_category(source, "hazelnut", root / "hazelnut")) == NUT
    assert (source / below / "hazelnut/train/good/000.png").is_file()


def test_a_folder_without_the_category(tmp_path, root):
    with pytest.raises(ArchiveError, match="holds no folder 'bottle'"):
        copy_category(unpacked(tmp_path / "cache"), "bottle", root / "bottle")


def test_a_copy_that_does_not_fit_is_refused(tmp_path, root, monkeypatch):
    with pytest.raises(DataError, match="Free some space"):
        monkeypatch.setattr(archives, "free_bytes", lambda _: 99)
        copy_category(unpacked(tmp_path / "c"), "hazelnut", root / "hazelnut")
    assert_nothing_left(root)


def test_check_layout_names_the_folder(tmp_path):
    with pytest.raises(ArchiveError, match=r"nut is not a category of MVTec AD: it has no train"):
        check_layout(tmp_path / "nut")


def test_check_layout_wants_files(tmp_path):
    unpacked(tmp_path)
    check_layout(tmp_path / "hazelnut")
    (tmp_path / "hazelnut/ground_truth/crack/000_mask.png").unlink()
    (tmp_path / "hazelnut/ground_truth/crack").rmdir()
    with pytest.raises(ArchiveError, match="no ground_truth, or an empty one"):
        check_layout(tmp_path / "hazelnut")


def bomb(kind, megabytes):
    """Return a header of ``kind`` that claims this much."""
    info = tarfile.TarInfo("hazelnut/test/x")
    info.type, info.size = kind, megabytes * 1_000_000
    return info.tobuf(tarfile.GNU_FORMAT)


NOTES = [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("kind", NOTES)
def test_what_is_said_of_an_entry_may_not_be_endless(tmp_path, root, kind, first):
    archive, megabytes = tmp_path / "n.tar.xz", 50
    before = b"" if first else write_tar(archive, NUT, mode="w").read_bytes().rstrip(b"\0")
    before += bytes(-len(before) % 512)
    with lzma.open(archive, "w", preset=0) as file:
        file.write(before)
        file.write(bomb(kind, megabytes))
        for _ in range(megabytes):
            file.write(bytes(1_000_000))
    tracemalloc.start()
    with pytest.raises(ArchiveError, match=r"n\.tar\.xz"):
        unpack_category(archive, "hazelnut", root / "hazelnut")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000
    assert_nothing_left(root)


def test_a_claim_below_zero_does_not_go_round_in_circles(tmp_path, root):
    info = tarfile.TarInfo("hazelnut/test/x")
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[124:136] = (-512).to_bytes(12, "big", signed=True)
    header[148:156] = b"%06o\0 " % tarfile.calc_chksums(bytes(header))[0]
    (tmp_path / "n.tar").write_bytes(bytes(header) + bytes(1024))
    with pytest.raises(ArchiveError, match=r"n\.tar"):
        unpack_category(tmp_path / "n.tar", "hazelnut", root / "hazelnut")
    info.pax_headers = {"size": "-5000"}
    write_tar(tmp_path / "n.tar", NUT, info)
    with pytest.raises(ArchiveError, match=r"n\.tar"):
        unpack_category(tmp_path / "n.tar", "hazelnut", root / "hazelnut")
    assert_nothing_left(root)


def test_sparse_files_are_refused(tmp_path, root):
    old = tarfile.TarInfo("hazelnut/test/x")
    old.type = tarfile.GNUTYPE_SPARSE
    new = tarfile.TarInfo("hazelnut/test/x")
    new.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "x"}
    for info in (old, new):
        archive = write_tar(tmp_path / "n.tar", NUT, info)
        with pytest.raises(ArchiveError, match=r"n\.tar.*sparse"):
            unpack_category(archive, "hazelnut", root / "hazelnut")
        assert_nothing_left(root)


@pytest.mark.parametrize("name", ["n" * 256, "\u4e00" * 90])
@pytest.mark.parametrize("write", [write_tar, write_zip])
def test_names_too_long_for_a_disk_are_the_archives_fault(tmp_path, root, name, write):
    archive = write(tmp_path / "n.archive", NUT | {f"hazelnut/test/{name}": b""})
    with pytest.raises(ArchiveError, match="holds a name too long for a disk"):
        unpack_category(archive, "hazelnut", root / "hazelnut")
    assert_nothing_left(root)


def test_a_folder_that_cannot_be_copied_whole_is_named(tmp_path, root):
    source = unpacked(tmp_path / "cache")
    (source / "hazelnut" / "test" / "gone.png").symlink_to("nowhere")
    with pytest.raises(ArchiveError, match=r"gone\.png is neither a file nor a folder"):
        copy_category(source, "hazelnut", root / "hazelnut")
    assert_nothing_left(root)


def test_a_folder_with_a_link_to_a_folder_is_refused(tmp_path, root):
    source = unpacked(tmp_path / "cache")
    (source / "hazelnut" / "test" / "up").symlink_to(source)
    with pytest.raises(ArchiveError, match="up is neither a file nor a folder"):
        copy_category(source, "hazelnut", root / "hazelnut")
    assert_nothing_left(root)


def test_permissions_are_not_copied(tmp_path, root):
    source = unpacked(tmp_path / "cache")
    (source / "hazelnut" / "test").chmod(0o555)
    (source / "hazelnut" / "test" / "good" / "000.png").chmod(0o444)
    folder = copy_category(source, "hazelnut", root / "hazelnut")
    for path in (folder / "test", folder / "test" / "good" / "000.png"):
        assert path.stat().st_mode & stat.S_IWUSR
