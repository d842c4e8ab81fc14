"""Photos of one's own, in folders as they are: no masks, any shape, perhaps no defects at all."""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

import numpy as np

from helpers.data.cache import fingerprint
from helpers.data.decode import in_parallel, read_picture
from helpers.data.groups import groups_of, held_out_groups
from helpers.data.mvtec import LITTER, SUFFIXES
from helpers.data.squares import Squares
from helpers.errors import DataError
from helpers.files import readable
from helpers.paths import named_path

Made = TypeVar("Made")
READ = SUFFIXES | {".webp"}
GOOD_NAMES = ("good", "ok", "normal", "pass")
NEEDS = {
    **dict.fromkeys((".heic", ".heif"), "HEIC, an iPhone's own format: export it as JPEG"),
    **dict.fromkeys((".avif", ".gif", ".svg", ".jxl"), "a format that is not read: save it as PNG"),
    **dict.fromkeys(
        (".dng", ".cr2", ".cr3", ".nef", ".arw", ".raw"), "a raw photo: develop it to PNG or TIFF"
    ),
}
NO_PHOTO = "no photo"
MASKS = "ground_truth"


@dataclass(frozen=True)
class Skipped:
    """A file that was left out, and why."""

    file: str
    why: str


@dataclass(frozen=True, eq=False)
class Photos:
    """Good photos to fit on, and photos to test on, if there are any; a `Category` without masks.

    Attributes
    ----------
    name
        Of the folder.
    train
        Good photos: uint8, N×3×H×H.
    test
        Photos that were held out, good ones and others: uint8, M×3×H×H; M may be 0.
    labels
        0 good, 1 not: int64, shape M.
    defects
        ``"good"``, or the name of the folder that the photo is in: str, shape M.
    squares
        How photos of any shape became square.
    fingerprint
        Digest of the files and of how they were read.
    train_files, test_files
        Names relative to the folder.
    train_groups, test_groups
        What each photo shows the same part as; the file's own name where no pattern was given.
    skipped
        Files that were left out.
    """

    name: str
    train: np.ndarray
    test: np.ndarray
    labels: np.ndarray
    defects: np.ndarray
    squares: Squares
    fingerprint: str
    train_files: tuple[str, ...]
    test_files: tuple[str, ...]
    train_groups: tuple[str, ...]
    test_groups: tuple[str, ...]
    skipped: tuple[Skipped, ...] = ()

    source = "own pictures"
    tier = ""

    def can_measure(self) -> str:
        """Say what can be measured with these photos, and what would be needed for more."""
        if self.labels.any() and not self.labels.all():
            return (
                "Image AUROC, false alarms and misses can be measured. Without masks, nothing can "
                "be said of maps: no pixel AUROC, no AUPRO."
            )
        if len(self.labels) and not self.labels.any():
            return (
                "Only false alarms can be measured. Photos of defects, in a folder of their own "
                "beside the good ones, would show what is missed."
            )
        if len(self.labels):
            return "Only misses can be measured. Held-out good photos would show false alarms."
        return "Nothing can be measured: there are no photos to test on."

    def __repr__(self) -> str:
        kinds, counts = np.unique(self.defects, return_counts=True)
        parts = ", ".join(f"{count} {kind}" for kind, count in zip(kinds, counts, strict=True))
        lines = [
            f"Photos {self.name!r}",
            f"  train: {len(self.train)} good",
            f"  test:  {parts or 'none'}",
            f"  {self.squares.describe()}",
            f"  {self.can_measure()}",
        ]
        lines += [f"  Left out: {one.file} ({one.why})" for one in self.skipped]
        return "\n".join(lines)


def list_photos(folder: str | Path) -> tuple[list[str], list[Skipped]]:
    """List the photos in a folder and the folders inside it, in the order of their names.

    Hidden files, what file managers leave behind, and masks (``ground_truth``) are passed over.

    Returns
    -------
    files
        Names relative to the folder, with ``/``.
    skipped
        Files of a kind that cannot be read, each with the reason.

    Raises
    ------
    DataError
        When the folder is none, cannot be read, or holds no photo.
    """
    folder = named_path(folder, "folder").absolute()
    files, skipped = [], []
    with readable(folder):
        if not folder.is_dir():
            raise DataError(f"{folder} is not a folder. Give the folder that your photos are in.")
        for path in _files_in(folder):
            name = path.relative_to(folder).as_posix()
            suffix = path.suffix.lower()
            if suffix in READ:
                files.append(name)
            else:
                skipped.append(Skipped(name, NEEDS.get(suffix, NO_PHOTO)))
    if not files:
        kinds = f" What is there: {skipped[0].file} ({skipped[0].why})." if skipped else ""
        raise DataError(
            f"{folder} holds no photo that can be read ({', '.join(sorted(READ))}).{kinds}"
        )
    return files, skipped


def _files_in(folder: Path) -> list[Path]:
    found = []
    for where, inside, names in os.walk(folder, onerror=_raised):
        inside[:] = [name for name in inside if not name.startswith(".") and name != MASKS]
        found += [
            Path(where, name)
            for name in names
            if not name.startswith(".") and name.lower() not in LITTER
        ]
    return sorted(found)


def _raised(error: OSError) -> None:
    raise error


def read_photo(path: Path) -> np.ndarray:
    """Decode a photo, upright: uint8, H×W×3.

    Raises
    ------
    DataError
        When it is damaged, or no picture that the book reads; see ``decode.read_image``.
    """
    return np.asarray(read_picture(path))


def without_path(path: Path, error: DataError) -> str:
    """Return what an error says of a file, for a list that names the file beside it."""
    return str(error).removeprefix(f"{path} ")


def read_each(
    folder: Path, files: Sequence[str], work: Callable[[np.ndarray], Made]
) -> tuple[dict[str, Made], list[Skipped]]:
    """Read photos, and apply ``work`` to each, uint8 H×W×3; damaged ones are left out and named.

    Returns
    -------
    made
        What ``work`` made of each photo that could be read, by its file.
    skipped
        The damaged ones, each with the reason.
    """

    def one(file: str) -> Made | Skipped:
        try:
            photo = read_photo(folder / file)
        except DataError as error:
            return Skipped(file, without_path(folder / file, error))
        return work(photo)

    found = dict(zip(files, in_parallel(one, files, "reading photos"), strict=True))
    skipped = [each for each in found.values() if isinstance(each, Skipped)]
    return {f: each for f, each in found.items() if not isinstance(each, Skipped)}, skipped


def load_photos(
    folder: str | Path,
    size: int = 256,
    group: str | None = None,
    test_share: float = 0.25,
    seed: int = 0,
) -> Photos:
    """Load a folder of photos as it is, and say what can be measured with it.

    The name of the folder that a photo is in says what it shows: ``good`` (or ``ok``, ``normal``,
    ``pass``), or else a defect. Photos in no folder of their own are good. Folders called ``train``
    and ``test`` above them are followed; where there are none, some good photos are held out.
    Photos that cannot be read are left out and named.

    Parameters
    ----------
    folder
        Where the photos are.
    size
        Side of the square pictures in pixels; photos keep their shape and are padded.
    group
        A pattern for the files' names that tells which photos are of one part; see `groups_of`.
    test_share
        Share of the good photos that is held out, where no folders say which.
    seed
        Of that choice.

    Raises
    ------
    DataError
        When there is no good photo, photos in ``train`` are not good, or photos of one group are
        both in ``train`` and in ``test``.
    """
    folder = named_path(folder, "folder").absolute()
    squares = Squares(size)
    files, skipped = list_photos(folder)
    pictures, damaged = read_each(folder, files, squares.cut)
    files = list(pictures)
    groups = files if group is None else groups_of([Path(f).name for f in files], group)
    shows = np.array([what_it_shows(file) for file in files] or [""])
    test = _for_test(folder, files, shows, groups, test_share, seed)
    stacked = np.concatenate([np.empty((0, 3, size, size), np.uint8), *pictures.values()])
    return Photos(
        name=folder.name,
        train=stacked[~test],
        test=stacked[test],
        labels=(shows[test] != "good").astype(np.int64),
        defects=shows[test],
        squares=squares,
        fingerprint=fingerprint(folder, files, squares=repr(squares)),
        train_files=_taken(files, ~test),
        test_files=_taken(files, test),
        train_groups=_taken(groups, ~test),
        test_groups=_taken(groups, test),
        skipped=(*skipped, *damaged),
    )


def what_it_shows(file: str) -> str:
    """Return what a photo shows by the folder it is in: ``"good"``, or the folder's name.

    Examples
    --------
    >>> what_it_shows("test/Normal/7.jpg"), what_it_shows("test/crack/7.jpg")
    ('good', 'crack')
    >>> what_it_shows("7.jpg"), what_it_shows("train/7.jpg")
    ('good', 'good')
    """
    above = PurePosixPath(file).parts[:-1]
    name = above[-1] if above else "good"
    return "good" if name.lower() in (*GOOD_NAMES, "train") else name


def _taken(items: Iterable[str], where: np.ndarray) -> tuple[str, ...]:
    return tuple(item for item, here in zip(items, where, strict=True) if here)


def _for_test(
    folder: Path,
    files: Sequence[str],
    shows: np.ndarray,
    groups: Sequence[str],
    share: float,
    seed: int,
) -> np.ndarray:
    """Return which photos are to test on: bool, one a photo."""
    good = shows == "good"
    if not good.any():
        raise DataError(
            f"{folder} holds no good photo: none is in a folder called "
            f"{', '.join(GOOD_NAMES)}, and none lies outside all folders."
        )
    parts = np.array([PurePosixPath(file).parts[0] for file in files])
    if not np.isin(parts, ("train", "test")).any():
        test = ~good
        names = np.array(groups)
        # A part that has a defect on any of its photos is for testing.
        test |= np.isin(names, names[test])
        rest = np.flatnonzero(~test)
        if len(set(names[rest])) > 1:
            test[rest] = held_out_groups(names[rest].tolist(), share, seed)
        if test.all():
            raise DataError(
                f"{folder}: every group has a photo of a defect, so none is left to learn from. "
                "Add good parts, or give another pattern for the groups."
            )
        return test
    train = parts == "train"
    if (train & ~good).any():
        file = files[int(np.argmax(train & ~good))]
        raise DataError(
            f"{folder / file} is to be learned from but is in no folder of good photos. Move it "
            f"to {folder / 'test' / shows[files.index(file)]}."
        )
    if not train.any():
        raise DataError(f"{folder / 'train'} holds no good photo. Put some there.")
    if both := set(_taken(groups, train)) & set(_taken(groups, ~train)) - set(files):
        raise DataError(
            f"photos of the group {min(both)!r} are both in train and elsewhere in {folder}. Keep "
            "the photos of one part together."
        )
    return ~train
