"""Fetch a category of MVTec AD: ``python -m helpers.data.fetch hazelnut``."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from filelock import FileLock

from helpers.data.archives import ArchiveError, check_layout, copy_category, unpack_category
from helpers.data.download import Source, SourceError, download
from helpers.errors import DataError, did_you_mean
from helpers.files import readable, writable
from helpers.paths import data_folder, named_path

PAGE = "https://www.mvtec.com/company/research/datasets/mvtec-ad"
KAGGLE_SET = "ipythonx/mvtec-ad"  # named by the coursework; several public notebooks use it
SHARES = "https://www.mydrive.ch/shares"  # where MVTec's page links to

# MVTec replaces these addresses now and then (anomalib's issues #250, #3121, #3167, #3441, #3608
# tell of it). These are the ones of 2026, as read off MVTec's page by the download scripts of
# several public projects, which agree on them, stable-datasets among them. Nobody publishes the
# sizes or digests of these archives.
CATEGORY_ARCHIVES = {
    "bottle": "150452/132a93367fb17cdf968dfb5c4013f6e7/download/420937370-1629958698",
    "cable": "150453/10f960e07fec2838b2cd512586633a32/download/420937413-1629958794",
    "capsule": "150454/e0ce6dd74eb150f46c0d98131b3703f2/download/420937454-1629958872",
    "carpet": "150455/eac7fbce84d93a5094e13f391170eca4/download/420937484-1629959013",
    "grid": "150456/bb0b2e3dc804ccb8b4485e01f8e4493b/download/420937487-1629959044",
    "hazelnut": "150457/51d49f65e84bdc100ff8035d7dd783ea/download/420937545-1629959162",
    "leather": "150458/923030ce14e10a7d147e95d0f8885f6b/download/420937607-1629959262",
    "metal_nut": "150459/c68856a21dca589b0f8ff6d4ee0f18f4/download/420937637-1629959294",
    "pill": "150460/d4f1c04da67034ccc8d8b5fa3e73f244/download/420938129-1629960351",
    "screw": "150461/242f454cc6385e5693c4fd4b94567d1e/download/420938130-1629960389",
    "tile": "150462/5479f0fdc97bc6fa16eab0cb0cf0109f/download/420938133-1629960456",
    "toothbrush": "150463/895a1a5fb84b958f07417784b060434b/download/420938134-1629960477",
    "transistor": "150464/99b8ea0332438d64fcc2475ee73f9c29/download/420938166-1629960554",
    "wood": "150465/d5b4115b720cdb54d217e75636e6e374/download/420938383-1629960649",
    "zipper": "150466/bd155b557520edaf692d9bfdb915c24a/download/420938385-1629960680",
}

# The SHA-256 is that of anomalib's MVTecAD data module, unchanged over three changes of address;
# the size is in the download scripts of two public projects, one of them beside this digest.
WHOLE_SET = Source(
    "MVTec, the whole set",
    f"{SHARES}/150996/b52ecdcbf521176e9db9c731f2304b27/download/420938113-1629960298/"
    "mvtec_anomaly_detection.tar.xz",
    bytes=5_264_982_680,
    sha256="cf4313b13603bec67abb49ca959488f7eedce2a9f7795ec54446c649ac98cd3d",
)


def mvtec_sources(category: str) -> tuple[Source, ...]:
    """Return MVTec's own archives that hold a category, the smallest first."""
    url = f"{SHARES}/{CATEGORY_ARCHIVES[category]}/{category}.tar.xz"
    return Source(f"MVTec, {category} alone", url), WHOLE_SET


def kaggle_folder() -> Path:
    """Download the Kaggle copy with ``kagglehub`` and return the folder in its cache."""
    try:
        import kagglehub
    except ImportError:
        raise SourceError("the package kagglehub is missing: pip install kagglehub") from None
    try:
        return Path(kagglehub.dataset_download(KAGGLE_SET))
    except Exception as error:  # kagglehub's errors are those of requests and many of its own
        raise SourceError(f"kagglehub failed: {type(error).__name__}: {error}") from error


def fetch(category: str, root: Path, source: str | None = None) -> Path:
    """Put a category of MVTec AD at ``root/category``, whole or not at all.

    Parameters
    ----------
    category
        Such as ``"hazelnut"``.
    root
        The folder that holds the categories.
    source
        ``"mvtec"``, ``"kaggle"``, or the path of an archive or unpacked folder at hand. When not
        given, MVTec and then Kaggle are tried.

    Returns
    -------
    Path
        ``root/category``; left untouched when it is there.

    Raises
    ------
    ValueError
        When there is no such category.
    DataError
        When no source delivers (says what to do by hand) or the disk is full or read-only.
    """
    if category not in CATEGORY_ARCHIVES:
        raise ValueError(
            f"MVTec AD has no category '{category}'. {did_you_mean(category, CATEGORY_ARCHIVES)}"
        )
    folder = named_path(root, "--root") / category
    root = folder.parent
    with writable(folder):
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / f".{category}.fetch.lock"):
            if not folder.exists():
                _fetch_new(folder, source)
            check_layout(folder)
    return folder


def _fetch_new(folder: Path, source: str | None) -> Path:
    if source not in (None, "mvtec", "kaggle"):
        return _take(named_path(source, "--source"), folder)
    failures = []
    for name, deliver in _routes(folder, source):
        try:
            return deliver()
        except (SourceError, ArchiveError) as error:
            failures.append(f"- {name}: {error}")
    raise DataError(_by_hand(folder, failures))


def _routes(folder: Path, source: str | None) -> Iterator[tuple[str, Callable[[], Path]]]:
    if source != "kaggle":
        for offer in mvtec_sources(folder.name):
            yield f"{offer.name} ({offer.url})", lambda o=offer: _from_mvtec(o, folder)
    if source != "mvtec":
        yield f"Kaggle ({KAGGLE_SET})", lambda: _take(kaggle_folder(), folder)


def _from_mvtec(source: Source, folder: Path) -> Path:
    archive = download(source, folder.parent / source.url.rpartition("/")[2])
    try:
        unpack_category(archive, folder.name, folder)
    except ArchiveError:
        archive.unlink(missing_ok=True)
        raise
    if archive.name.startswith(folder.name):  # the whole set is kept, for other categories
        archive.unlink()
    return folder


def _take(found: Path, folder: Path) -> Path:
    take = copy_category if found.is_dir() else unpack_category
    return take(found, folder.name, folder)


def _by_hand(folder: Path, failures: list[str]) -> str:
    category, root = folder.name, folder.parent
    archive = root / f"{category}.tar.xz"
    to_root = "" if root == data_folder() / "mvtec" else f' --root "{root}"'
    return "\n".join(
        [
            f"No source delivered '{category}':",
            *failures,
            "",
            "To get it by hand:",
            f"1. Open {PAGE}",
            f"   and download {archive.name}",
            "   (or the whole set, mvtec_anomaly_detection.tar.xz; then use that name below).",
            f"2. Move it to {archive}",
            f'3. Run: python -m helpers.data.fetch {category} --source "{archive}"{to_root}',
        ]
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m helpers.data.fetch", description=__doc__)
    parser.add_argument("category", help="such as hazelnut")
    parser.add_argument(
        "--source",
        metavar="mvtec|kaggle|PATH",
        help="MVTec, Kaggle, or an archive at hand (default: MVTec, then Kaggle)",
    )
    parser.add_argument(
        "--root",
        type=Path,
        default=data_folder() / "mvtec",
        help="folder that holds the categories (default: data/mvtec)",
    )
    arguments = parser.parse_args(argv)
    try:
        with readable(arguments.root):
            there = (arguments.root / arguments.category).exists()
        folder = fetch(arguments.category, arguments.root, arguments.source)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. The same command continues where it stopped.", file=sys.stderr)
        return 130
    print(f"{folder} is there already; nothing was changed." if there else f"{folder} is ready.")
    looked_in = Path(os.environ.get("MVTEC_ROOT") or data_folder() / "mvtec")
    if looked_in.resolve() != arguments.root.resolve():
        print(f"The notebooks look in {looked_in}: set MVTEC_ROOT to {arguments.root} to use it.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
