"""The record store: one layout, one reader, one guard and one verb for every experiment.

A record is a JSON file ``book/records/EXPERIMENT/PROFILE/DATA/CASE.json``: what was run (``case``,
``settings``, ``data``, ``revision``), what came of it (``result``) and how it was made
(``provenance``). ``Experiment.run`` runs what has no record, or an old one.
"""

import json
import platform
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_type_hints

from helpers.data.category import Category
from helpers.errors import DataError
from helpers.files import whole_file
from helpers.machine import this_machine
from helpers.metrics import REVISION
from helpers.paths import project_root
from helpers.plain import fields_of
from helpers.profiles import current_profile

LIBRARIES = ("numpy", "pillow", "scikit-learn", "scipy", "torch", "torchvision")
OTHER_DATA, OTHER_SETTINGS = "of other images", "of other settings"
OTHER_REVISION = "of another revision of the code"


def environment() -> dict[str, str]:
    """Return profile, machine kind, number format, Python and library versions."""
    return {
        "profile": current_profile().name,
        "machine": this_machine().describe(),
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
    }


@dataclass(frozen=True)
class Provenance:
    """How a result was made; nothing of it is compared.

    Attributes
    ----------
    seconds
        Durations, such as ``{"fit": 12.3, "predict": 0.4}``.
    environment
        Profile, machine kind, number format, Python and library versions.
    memory
        Bytes, such as ``{"fit": 3e8, "predict": 1e8, "on disk": 1e7}``; empty when not measured.
    backbone
        Which pretrained weights a detector stands on, and why these; empty when it has none.
    parameters
        How many numbers a fitted detector keeps; none when not counted.
    """

    seconds: dict[str, float]
    environment: dict[str, str] = field(default_factory=environment)
    memory: dict[str, int] = field(default_factory=dict)
    backbone: str = ""
    parameters: int | None = None


@dataclass(frozen=True)
class Plan:
    """A run that may have a record.

    Attributes
    ----------
    case
        What tells the run from the others of its experiment: plain values by name.
    settings
        Everything that was chosen, as nested dictionaries.
    data
        Category, source, size, fingerprint of the images, and what else describes them.
    revision
        Of the method and of the measures: see ``revisions``.
    work
        Does the run, and returns the experiment's result and its provenance.
    """

    case: dict[str, Any]
    settings: dict[str, Any]
    data: dict[str, Any]
    revision: dict[str, int]
    work: Callable[[], tuple[Any, Provenance]] = field(compare=False)


@dataclass(frozen=True)
class Record:
    """A run that was done; see ``Plan`` for what it shares with one.

    Attributes
    ----------
    experiment
        The experiment's name.
    case, settings, data, revision
        As planned.
    result
        What came of it, of the experiment's own type.
    provenance
        How it was made.
    """

    experiment: str
    case: dict[str, Any]
    settings: dict[str, Any]
    data: dict[str, Any]
    revision: dict[str, int]
    result: Any
    provenance: Provenance


@dataclass(frozen=True)
class Experiment:
    """Runs of one kind.

    Attributes
    ----------
    name
        Such as ``"long tail"``.
    result
        The dataclass of its results.
    command
        Makes its records.
    """

    name: str
    result: type
    command: str

    def folder(self, profile: str = "quick") -> Path:
        """Return where the book keeps the records of a profile; most experiments know but one."""
        return project_root() / "book" / "records" / slug(self.name) / profile

    def run(self, folder: Path, plans: Iterable[Plan]) -> Iterator[Record]:
        """Yield a record of each plan, after running it where there is none, or an old one.

        Each record is written at once, so a killed run goes on where it stopped.

        Raises
        ------
        DataError
            When a record cannot be written.
        """
        for plan in plans:
            record = self.kept(folder, plan)
            if record is None:
                result, provenance = plan.work()
                record = Record(
                    self.name,
                    plan.case,
                    plan.settings,
                    plan.data,
                    plan.revision,
                    result,
                    provenance,
                )
                self.write(folder, record)
            yield record

    def kept(self, folder: Path, plan: Plan) -> Record | None:
        """Return the record of this very plan; none when it is missing, damaged or old."""
        try:
            record = self.read(path_of(folder, plan))
        except DataError:
            return None
        return None if fault(record, plan) else record

    def write(self, folder: Path, record: Record) -> Path:
        """Write a record, whole or not at all.

        Raises
        ------
        DataError
            When the folder cannot be written.
        """
        path = path_of(folder, record)
        lines = (f' "{k}": {json.dumps(v, ensure_ascii=False)}' for k, v in asdict(record).items())
        with whole_file(path) as work:
            work.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
        return path

    def read(self, path: Path) -> Record:
        """Read a record and check every value's type.

        Raises
        ------
        DataError
            When the file is missing or damaged, or is a record of something else.
        """
        try:
            values = json.loads(path.read_text("utf-8"))
            # What cannot be written again is none: infinity, NaN, half a character.
            json.dumps(values, ensure_ascii=False, allow_nan=False).encode()
            types = get_type_hints(Record) | {"result": self.result}
            record = Record(**fields_of(types, values, ""))
            if record.experiment != self.name:
                raise ValueError(f"it is of the experiment '{record.experiment}'")
            if path_of(path.parent.parent, record) != path:
                raise ValueError("its case belongs into another file")
        except (OSError, ValueError, KeyError, RecursionError) as error:
            raise DataError(
                f"{path} is not a record of the experiment '{self.name}' ({error!s:.300}). "
                f"`{self.command}` makes it again."
            ) from error
        return record

    def load(self, folder: Path) -> list[Record]:
        """Return all records in a folder, by file name.

        Raises
        ------
        DataError
            When one is damaged.
        """
        return [self.read(path) for path in sorted(folder.rglob("*.json"))]


def fault(record: Record, plan: Plan) -> str:
    """Say what has changed since a record was made; empty when nothing has."""
    if record.data != plan.data:
        return OTHER_DATA
    if record.settings != plan.settings:
        return OTHER_SETTINGS
    return "" if record.revision == plan.revision else OTHER_REVISION


def path_of(folder: Path, run: Plan | Record) -> Path:
    """Return where a run is recorded: its data name the folder, its case the file."""
    data = slug("-".join(str(run.data[key]) for key in ("category", "source", "size")))
    return folder / data / f"{'_'.join(_parts(run.case))}.json"


def data_of(category: Category) -> dict[str, Any]:
    """Return what a record says of a category."""
    return {
        "category": category.name,
        "source": category.source,
        "size": category.test.shape[-1],
        "fingerprint": category.fingerprint,
    }


def revisions(method: object) -> dict[str, int]:
    """Return the revision of a method, 0 where it has none, and that of the measures."""
    return {"method": getattr(method, "revision", 0), "measures": REVISION}


def slug(text: str) -> str:
    """Return a text as a part of a file's name."""
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-")


def _parts(case: Mapping[str, Any]) -> Iterator[str]:
    for name, value in case.items():
        if isinstance(value, Mapping):
            yield from (slug(f"{key}-{changed}") for key, changed in value.items())
        elif isinstance(value, str):
            yield from filter(None, [slug(value)])
        elif value is not None:
            yield slug(f"{name}-{value}")
