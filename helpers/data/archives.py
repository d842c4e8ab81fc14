"""Take one category of MVTec AD out of an archive without trusting the archive."""

import glob
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from tqdm import tqdm

from helpers.errors import DataError
from helpers.files import free_bytes, make_folder_once, megabytes, readable, writable

LAYOUT = ("train/good", "test", "ground_truth")
MAX_ENTRIES = 100_000  # the whole of MVTec AD has about 7,000
MAX_NOTE = 1 << 20  # bytes of what a tar file may say of an entry, such as a long name
MAX_NAME, MAX_PATH = 255, 1000  # bytes
CHUNK = 1 << 20


class ArchiveError(DataError):
    """An archive that cannot be used: damaged, unsafe, or without the category."""


@dataclass(frozen=True)
class Entry:
    """One entry of an archive: ``kind`` is ``"file"``, ``"folder"`` or ``"special"``."""

    name: str
    kind: str
    size: int
    open: Callable[[], IO[bytes]]


def unpack_category(archive: Path, category: str, folder: Path) -> Path:
    """Unpack one category of MVTec AD into a new folder, whole or not at all.

    The archive (.tar.xz, .tar.gz, .tar, .zip) may hold the category at its top
    (``hazelnut/train/...``) or one folder or more down (``mvtec_anomaly_detection/hazelnut/...``);
    everything else in it is passed over. Every entry is checked all the same, and one that is a
    link or a device, or whose path is absolute or leads elsewhere, condemns the archive.

    Files are written one by one to paths made here. ``tarfile``'s own extraction, whose
    ``filter="data"`` could be evaded until mid-2025 (CVE-2025-4517), is not used.

    Parameters
    ----------
    archive
        The file to read. It is not changed.
    category
        Such as ``"hazelnut"``.
    folder
        Where the category shall be; left untouched when it is there.

    Returns
    -------
    Path
        ``folder``.

    Raises
    ------
    ArchiveError
        When the archive is missing, damaged, unsafe, or does not hold the category whole.
    DataError
        When the files do not fit on the disk or cannot be written.
    """
    if not archive.is_file():
        raise ArchiveError(f"{archive} is not there. Check the path of the archive.")

    def fill(work: Path) -> None:
        with _readable(archive):
            _write_category(archive, category, work, folder)
        check_layout(work, f"{archive}, '{category}'")

    return make_folder_once(folder, fill)


def copy_category(source: Path, category: str, folder: Path) -> Path:
    """Copy one category out of an unpacked MVTec AD, such as Kaggle's cache, whole or not at all.

    Parameters and errors are those of `unpack_category`, with a folder in the archive's place.
    """
    places = (source / category, *sorted(source.glob(f"*/{glob.escape(category)}")))
    found = next((place for place in places if (place / LAYOUT[0]).is_dir()), None)
    if found is None:
        raise ArchiveError(f"{source} holds no folder '{category}' with {LAYOUT[0]} in it.")

    def fill(work: Path) -> None:
        with readable(found):
            paths = _files_in(found)
            size = sum(path.stat().st_size for path in paths)
        _check_room(size, work, free_bytes(work), found)
        for path in paths:
            # Only what the file holds: a folder that nobody may write to could not be removed.
            with readable(path):
                data = path.open("rb")
            with data:
                _write(data, work / path.relative_to(found), folder, str(path))
        check_layout(work, str(found))

    return make_folder_once(folder, fill)


def _files_in(folder: Path) -> list[Path]:
    def refuse(error: OSError) -> None:
        raise error

    found = []
    for place, folders, files in os.walk(folder, onerror=refuse):
        for path in (Path(place, name) for name in sorted(folders) + sorted(files)):
            if path.is_file():
                found.append(path)
            elif path.is_symlink() or not path.is_dir():
                raise ArchiveError(f"{path} is neither a file nor a folder. Remove it.")
    return found


def check_layout(folder: Path, name: str = "") -> None:
    """Raise ArchiveError unless ``folder`` has the folders of an MVTec AD category."""
    for part in LAYOUT:
        with readable(folder):
            there = (folder / part).is_dir() and any((folder / part).iterdir())
        if not there:
            raise ArchiveError(
                f"{name or folder} is not a category of MVTec AD: it has no {part}, or an empty "
                "one. Remove it and fetch it again."
            )


def _write_category(archive: Path, category: str, work: Path, folder: Path) -> None:
    prefix, total, room = None, 0, free_bytes(work)
    bar = tqdm(_entries(archive), desc=f"Reading {archive.name}", unit=" files")
    for number, entry in enumerate(bar, start=1):
        path = _checked(entry, archive)
        if number > MAX_ENTRIES:
            raise ArchiveError(f"{archive} holds more than {MAX_ENTRIES:,} entries: not MVTec AD.")
        at = _position(path, category)
        if entry.kind != "file" or at is None:
            continue
        prefix = path.parts[:at] if prefix is None else prefix
        if path.parts[:at] != prefix:
            raise ArchiveError(f"{archive} holds '{category}' twice: {prefix}, {path.parts[:at]}.")
        total += entry.size
        _check_room(total, work, room, archive)
        target = work.joinpath(*path.parts[at + 1 :])
        with entry.open() as data:
            _write(data, target, folder, f"{archive} holds '{entry.name}'")
    if prefix is None:
        raise ArchiveError(
            f"{archive} does not hold the category '{category}'. Give the category's own archive "
            "or that of the whole set."
        )


def _write(data: IO[bytes], target: Path, folder: Path, source: str) -> None:
    """Copy to a new file; what goes wrong in writing is trouble with ``folder``, in reading not."""
    with writable(folder):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            file = target.open("xb")
        except (FileExistsError, NotADirectoryError):
            raise ArchiveError(f"{source} twice; refused.") from None
    with file:
        while chunk := data.read(CHUNK):
            with writable(folder):
                file.write(chunk)
                file.flush()


def _checked(entry: Entry, archive: Path) -> PurePosixPath:
    """Return the entry's path, or refuse the archive."""
    path = PurePosixPath(entry.name)
    if (
        path.is_absolute()
        or ".." in path.parts
        or "\\" in entry.name
        or ":" in entry.name  # a drive letter or an NTFS stream
        or not entry.name.isprintable()
    ):
        raise ArchiveError(f"{archive} is unsafe: the path {entry.name!r} could lead elsewhere.")
    if len(entry.name) > MAX_PATH or any(len(part.encode()) > MAX_NAME for part in path.parts):
        raise ArchiveError(f"{archive} holds a name too long for a disk: {entry.name[:80]!r}…")
    if entry.kind == "special":
        raise ArchiveError(f"{archive} is unsafe: {entry.name!r} is a link or a device, no file.")
    return path


def _position(path: PurePosixPath, category: str) -> int | None:
    if category not in path.parts[:-1] or "__MACOSX" in path.parts:
        return None
    return path.parts.index(category)


def _check_room(needed: int, folder: Path, room: int, source: Path) -> None:
    if needed > room:
        raise DataError(
            f"{source} needs more than {megabytes(needed)} unpacked, and {folder.parent} has "
            f"{megabytes(room)} free. Free some space or choose another folder with --root."
        )


def _entries(archive: Path) -> Iterator[Entry]:
    try:
        tar = tarfile.open(archive, tarinfo=_Header)  # noqa: SIM115
    except tarfile.ReadError:
        tar = None
    if tar:
        yield from _tar_entries(tar)
    elif zipfile.is_zipfile(archive):
        yield from _zip_entries(archive)
    else:
        raise ArchiveError(f"{archive} is no .tar.xz, .tar.gz, .tar or .zip archive, or damaged.")


class _Header(tarfile.TarInfo):
    """Refuses what makes ``tarfile`` allocate or go round in circles (CVE-2025-8194)."""

    @classmethod
    def frombuf(cls, buf: bytes, encoding: str, errors: str) -> "_Header":
        header = super().frombuf(buf, encoding, errors)
        is_file = header.isreg() or header.isdir()
        if header.size < 0 or (header.size > MAX_NOTE and not is_file):
            raise tarfile.ReadError(f"{header.name[:80]!r} claims {header.size} bytes")
        if header.type == tarfile.GNUTYPE_SPARSE:
            raise tarfile.ReadError(f"{header.name[:80]!r} is sparse")
        return header

    def _proc_gnusparse_10(self, *_: object) -> None:
        raise tarfile.ReadError("it holds a sparse file")


def _tar_entries(tar: tarfile.TarFile) -> Iterator[Entry]:
    with tar:
        for member in tar:
            if member.size < 0:  # as an extended header may claim
                raise tarfile.ReadError(f"{member.name[:80]!r} claims {member.size} bytes")
            kind = "file" if member.isreg() else "folder" if member.isdir() else "special"
            yield Entry(member.name, kind, member.size, lambda m=member: tar.extractfile(m))
        # Two empty blocks end a tar; the second is still unread. Reading to the very end makes
        # the decompressor compare its checksums.
        if tar.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("it ends too early")
        while tar.fileobj.read(CHUNK):
            pass


def _zip_entries(archive: Path) -> Iterator[Entry]:
    with zipfile.ZipFile(archive) as file:
        for info in file.infolist():
            plain = stat.S_IFMT(info.external_attr >> 16) in (0, stat.S_IFREG, stat.S_IFDIR)
            kind = "special" if not plain else "folder" if info.is_dir() else "file"
            yield Entry(info.orig_filename, kind, info.file_size, lambda i=info: file.open(i))


@contextmanager
def _readable(archive: Path) -> Iterator[None]:
    """Turn the many errors of the decompressors into one that names the archive."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        # The bytes decide what is raised: by tarfile, zipfile, the decompressors, struct or int().
        raise ArchiveError(
            f"{archive} is damaged or cannot be read: {str(error) or type(error).__name__}. "
            "Download it again."
        ) from error
