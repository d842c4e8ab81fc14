"""Good photos to fit on: read, measured, and cut into square pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from helpers.data.cache import fingerprint
from helpers.data.decode import read_header
from helpers.data.groups import groups_of
from helpers.data.photos import (
    Skipped,
    list_photos,
    read_each,
    what_it_shows,
)
from helpers.data.squares import Squares
from helpers.errors import DataError
from helpers.inspection.look import Look, copies, look_at, warnings
from helpers.paths import named_path


@dataclass(frozen=True, eq=False)
class GoodPhotos:
    """Photos of good products, each as one square picture or as tiles.

    Attributes
    ----------
    folder
        Where they are.
    files
        N names relative to the folder.
    groups
        N names: photos of one part share theirs.
    looks
        Size, light and focus of each.
    thumbnails
        float32, N×32×32, grey levels.
    pictures
        N arrays, uint8, T×3×S×S.
    squares
        How they were cut.
    fingerprint
        Digest of the files.
    skipped
        What was left out, and why.
    """

    folder: Path
    files: tuple[str, ...]
    groups: tuple[str, ...]
    looks: tuple[Look, ...]
    thumbnails: np.ndarray
    pictures: tuple[np.ndarray, ...]
    squares: Squares
    fingerprint: str
    skipped: tuple[Skipped, ...] = ()

    def warnings(self, other_kind: np.ndarray | None = None) -> list[str]:
        """Say what to look at before these photos are trusted; see ``look.two_kinds``."""
        pairs = copies(self.thumbnails, self.groups)
        return warnings(self.files, self.looks, pairs, other_kind)


def gather(
    folder: str | Path,
    squares: Squares,
    group: str | None = None,
    files: Sequence[str] | None = None,
) -> GoodPhotos:
    """Read photos of a folder, which must be good; damaged ones are left out and named.

    Parameters
    ----------
    folder
        Where they are; folders inside it are looked into.
    squares
        How to cut them.
    group
        A pattern for the files' names that tells which photos are of one part.
    files
        Which photos to read, relative to the folder; all that it holds when not given.

    Raises
    ------
    DataError
        When none can be read, some lie in a folder of good photos and others beside it, or a name
        tells no group.
    """
    folder = named_path(folder, "folder").absolute()
    skipped: list[Skipped] = []
    if files is None:
        files, skipped = list_photos(folder)
        _check_all_good(folder, files)
    if group is not None:
        groups_of([Path(file).name for file in files], group)  # before an hour of reading
    read, damaged = read_each(folder, files, lambda photo: (*look_at(photo), squares.cut(photo)))
    if not read:
        raise DataError(f"none of the {len(files)} photos can be read. {damaged[0].why}")
    kept = list(read)
    names = [Path(file).name for file in kept]
    looks, thumbnails, pictures = zip(*read.values(), strict=True)
    return GoodPhotos(
        folder=folder,
        files=tuple(kept),
        groups=tuple(kept) if group is None else groups_of(names, group),
        looks=looks,
        thumbnails=np.stack(thumbnails),
        pictures=pictures,
        squares=squares,
        fingerprint=fingerprint(folder, kept),
        skipped=(*skipped, *damaged),
    )


def smallest_long_side(folder: str | Path) -> int:
    """Return the shortest long side of a folder's photos, in pixels, by their headers."""
    folder = named_path(folder, "folder").absolute()
    sides = []
    for file in list_photos(folder)[0]:
        try:
            sides.append(max(read_header(folder / file)[:2]))
        except DataError:  # told when it is read
            continue
    if not sides:
        raise DataError(f"no photo in {folder} can be read.")
    return min(sides)


def _check_all_good(folder: Path, files: Sequence[str]) -> None:
    named = [file for file in files if "/" in file and what_it_shows(file) == "good"]
    others = [file for file in files if what_it_shows(file) != "good"]
    if named and others:
        raise DataError(
            f"{folder} holds good photos and others, such as {others[0]}. Give the folder that "
            f"holds good ones alone: {(folder / named[0]).parent}"
        )
