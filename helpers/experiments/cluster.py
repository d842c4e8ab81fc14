"""Runs in several processes or on several machines, by Dask: one task a record.

A worker plans a run anew, does it, and writes its record into the store, which lies on a disk that
all share. So no pictures travel, and what is done stays done, whoever is killed. See ``engine`` for
where the workers are.
"""

import ctypes
import hashlib
import os
import platform
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, replace
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

from helpers.errors import DataError
from helpers.experiments.store import LIBRARIES, Experiment, Plan, Record, fault, path_of
from helpers.files import readable, whole_file

if TYPE_CHECKING:
    from distributed import Client, Future, Worker

# What decides the plans must be the same everywhere; device and threads are each machine's own.
DECIDING = ("MVTEC_ROOT", "ONE_BAD_NUT_PROFILE", "ONE_BAD_NUT_CATEGORY", "ONE_BAD_NUT_WEIGHTS")
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # in glibc's malloc.h
RETRIES = 2  # of a run that raises an error; where a worker dies, Dask has others go on


class ClusterError(RuntimeError):
    """Runs that could not be done; those that were have their records."""


class UnfitError(ClusterError):
    """A worker that may not make records: its address, and why."""

    def __init__(self, worker: str, reason: object) -> None:
        super().__init__(worker, reason)

    def __str__(self) -> str:
        return "the worker {} was refused: {}".format(*self.args)


def _code() -> str:
    """Return a digest of the project's code as it is when this process imports it."""
    package = Path(__file__).parents[1]
    digest = hashlib.blake2b(digest_size=4)
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


CODE = _code()


def versions() -> dict[str, str]:
    """Return what client and workers must have in common."""
    packages = {name: version(name) for name in (*LIBRARIES, "distributed")}
    return {"the project's code": CODE, "python": platform.python_version()} | packages


@dataclass(frozen=True)
class Passport:
    """What a worker must have to make records.

    Attributes
    ----------
    mark, content
        A file beside the records, and what is in it: something that no other disk has.
    versions
        The client's; see ``versions``.
    """

    mark: Path
    content: str
    versions: dict[str, str]

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Make the one for records in a folder."""
        mark = folder / ".disk"
        if not mark.is_file():
            with whole_file(mark) as work:
                work.write_text(secrets.token_hex())
        with readable(mark):
            return cls(mark, mark.read_text(), versions())

    def fault(self, dask_worker: "Worker") -> str:
        """Say, on a worker, why it may not make records; empty when it may."""
        state, mine = dask_worker.state, versions().items()
        other = [
            f"{name} {found}, not {self.versions[name]}"
            for name, found in mine
            if found != self.versions[name]
        ]
        if other:
            return (
                f"it has {'; '.join(other)}. Install there what requirements.txt says, and start "
                "it again from the same checkout."
            )
        if not self.mark.is_file() or self.mark.read_text() != self.content:
            return (
                f"its {self.mark.parent} is not the one of the machine that asks. Records go to a "
                "disk that all machines share: mount it under the same path."
            )
        at_once = min(state.nthreads, state.total_resources.get("GPU", state.nthreads))
        if at_once > 1:
            return (
                f"it would do {at_once:g} runs at once in one process. Start it with `--nthreads "
                "1`; `--nworkers` makes more of them."
            )
        return ""


@dataclass(frozen=True)
class Recipe:
    """How to plan runs, on whichever machine.

    Attributes
    ----------
    plans
        Makes the plans; small, for it travels with every task.
    environment
        The variables ``DECIDING``; ``None`` for one that is not set.
    """

    plans: Callable[[], Iterable[Plan]]
    environment: dict[str, str | None]

    @classmethod
    def here(cls, plans: Callable[[], Iterable[Plan]]) -> Self:
        """Make one for the variables as they are."""
        return cls(plans, {name: os.environ.get(name) for name in DECIDING})

    def planned(self, here: bool = True) -> list[tuple[Self, Plan]]:
        """Plan the runs, with the recipe's variables, which stay set.

        Those to do elsewhere hold no pictures.
        """
        for name, value in self.environment.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
        plans = self.plans()
        return [(self, plan if here else replace(plan, work=_elsewhere)) for plan in plans]


def run(
    client: "Client",
    experiment: Experiment,
    folder: Path,
    asked: Sequence[tuple[Recipe, Plan]],
    tell: Callable[[str], object] = print,
) -> Iterator[Record]:
    """Yield a record of each plan as workers finish them; see ``Experiment.run``.

    If workers have a resource GPU (``--resources GPU=1``), a run takes one of it.

    Parameters
    ----------
    client
        From ``engine.connected``.
    experiment, folder
        Of the records.
    asked
        Plans, each with the recipe it comes from.
    tell
        Is given what the user should know meanwhile.

    Raises
    ------
    DataError
        When the folder cannot be written.
    UnfitError
        When a worker may not make records. One that comes later is told of, and closed.
    ClusterError
        When the scheduler stops; or at the end, when some runs have failed.
    """
    from distributed import as_completed

    if not asked:
        return
    passport, failed = Passport.of(folder), []
    if not client.scheduler_info()["workers"]:
        tell("Waiting for a first worker; the set-up page says how to start one.")
        client.wait_for_workers(1)
    for address, reason in client.run(passport.fault, on_error="return").items():
        if reason:
            raise UnfitError(address, reason if isinstance(reason, str) else repr(reason))
    scheduler = client.scheduler_info(n_workers=-1)
    gpus = any(worker["resources"].get("GPU") for worker in scheduler["workers"].values())
    about, refused = {}, set()

    def ask(recipe: Recipe, wanted: Plan, time: int = 0) -> "Future":
        plan = (str(folder), wanted.case, wanted.settings, wanted.data, wanted.revision, CODE)
        future = client.submit(
            _made, experiment, folder, recipe, wanted, passport,
            # Asked for by another, or again after this client has died, it is the same task.
            key=(experiment.name, hashlib.blake2b(repr(plan).encode()).hexdigest(), time),
            retries=RETRIES,
            resources={"GPU": 1} if gpus else None,
        )  # fmt: skip
        about[future] = recipe, wanted, time
        return future

    completed = as_completed([ask(one, replace(plan, work=_elsewhere)) for one, plan in asked])
    for future in completed:
        recipe, wanted, time = about.pop(future)
        try:  # the scheduler may be lost between the two questions
            found = future.exception() or future.result()
        except CancelledError as lost:
            found = lost
        if isinstance(found, CancelledError):
            raise ClusterError(
                f"the scheduler at {scheduler['address']} has stopped. Start it and its workers, "
                "and run again: it goes on where it stopped."
            ) from None
        if future.status == "error":
            failed.append((wanted.case, found))
            tell(f"{wanted.case} failed: {found!r}")
        elif isinstance(found, UnfitError):
            if found.args[0] not in refused:
                tell(str(found))
                client.retire_workers([found.args[0]])
                refused.add(found.args[0])
            completed.add(ask(recipe, wanted, time + 1))
        else:
            yield found
    if failed:
        raise ClusterError(
            f"{len(failed)} of {len(asked)} runs failed, {failed[0][0]} the first. The others have "
            "their records; run again when the cause is mended."
        ) from failed[0][1]


_plans: dict[Path, Plan] = {}  # on a worker: those of one recipe that it has not done
_planning = Lock()


def _made(
    experiment: Experiment, folder: Path, recipe: Recipe, wanted: Plan, passport: Passport
) -> Record | UnfitError:
    """Do a run on a worker, unless its record has appeared since it was asked for.

    What is wrong with the worker is returned, not raised: this worker would try again.
    """
    from distributed import get_worker

    worker = get_worker()
    if reason := passport.fault(worker):
        return UnfitError(worker.address, reason)

    _keep_memory()

    def work() -> Any:
        return _planned(folder, recipe, wanted).work()

    (record,) = experiment.run(folder, [replace(wanted, work=work)])
    return record


def _planned(folder: Path, recipe: Recipe, wanted: Plan) -> Plan:
    """Plan a run here. The worker forgets it, so that nothing fitted stays in its memory."""
    path = path_of(folder, wanted)
    with _planning:
        plan = _plans.pop(path, None)
        if plan is None or fault(plan, wanted):
            _plans.clear()
            with redirect_stdout(StringIO()):
                _plans.update({path_of(folder, one): one for _, one in recipe.planned()})
            plan = _plans.pop(path, None)
    if reason := fault(plan, wanted) if plan else "not planned":
        raise DataError(
            f"on {platform.node()} the run {wanted.case} is {reason}. MVTEC_ROOT is "
            f"{os.environ.get('MVTEC_ROOT')}: it must lead to the same images everywhere."
        )
    return plan


def _keep_memory() -> None:
    """Let freed memory be used again, as in a process that is no worker.

    Dask has it go back to the system at once (``MALLOC_TRIM_THRESHOLD_``), which makes training
    take up to twice as long; the two numbers are the largest that glibc comes to by itself.
    """
    with suppress(OSError, AttributeError):  # only glibc has it
        libc = ctypes.CDLL("libc.so.6")
        for parameter, largest in ((M_MMAP_THRESHOLD, 32 << 20), (M_TRIM_THRESHOLD, 64 << 20)):
            libc.mallopt(parameter, largest)


def _elsewhere() -> Any:
    raise NotImplementedError("a worker plans the run again")
