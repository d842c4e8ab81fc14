"""Where runs are done: here, by workers on this machine, or on a cluster, all by Dask.

The environment variable ``ONE_BAD_NUT_CLUSTER`` says it: ``local``, a scheduler's address, or
``slurm``, ``pbs`` or ``lsf``; after a colon, how many workers or jobs, such as ``local:2``.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import psutil
import torch

from helpers.errors import DataError, MissingError, did_you_mean
from helpers.machine import this_machine

if TYPE_CHECKING:
    from distributed import Client, SpecCluster

VARIABLE = "ONE_BAD_NUT_CLUSTER"
QUEUES = {"slurm": "SLURMCluster", "pbs": "PBSCluster", "lsf": "LSFCluster"}
ANSWER = 10  # seconds that a scheduler has to answer
MEMORY = 4 << 30  # bytes for a worker; the records' largest fit took most of that
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@contextmanager
def connected(where: str) -> "Iterator[Client]":
    """Connect to Dask, and start what is to be started.

    Parameters
    ----------
    where
        See the module. Without a number, ``local`` has a worker for each GPU, else for each core,
        as far as the memory goes; a queue has one job.

    Raises
    ------
    DataError
        When it is nothing of that, or asks for more workers than there are GPUs; when Dask is
        missing, the address does not answer, or the queue's settings lack something.
    """
    kind, _, number = where.partition(":")
    if "://" not in where and (kind not in ("local", *QUEUES) or not (number or "1").isdecimal()):
        raise DataError(
            f"{VARIABLE} is '{where}'. {did_you_mean(kind, ['local', *QUEUES])} A number may "
            "follow, as in 'local:2'; or give a scheduler's address, such as 'tcp://host:8786'."
        )
    try:
        dask = import_module("distributed")
        queues = import_module("dask_jobqueue") if kind in QUEUES else None
    except ImportError as error:
        raise MissingError(
            f"{VARIABLE} is '{where}', which needs the package {error.name}: pip install "
            "distributed dask-jobqueue. Without the variable, runs are done one by one."
        ) from error
    with ExitStack() as stack:
        place: Any = where
        if kind == "local":
            place = stack.enter_context(_local(int(number or 0)))
        elif queues:
            try:
                place = stack.enter_context(getattr(queues, QUEUES[kind])())
            except ValueError as error:
                raise DataError(
                    f"Dask's settings for {kind} lack something ({error}). The set-up page shows a "
                    "jobqueue.yaml."
                ) from error
            place.adapt(minimum_jobs=1, maximum_jobs=int(number or 1))
        # It would print where in Dask a connection was lost; ``cluster.run`` says what to do.
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
        try:
            client = dask.Client(place, timeout=ANSWER)
        except Exception as error:  # what is no scheduler may answer anything
            raise DataError(
                f"no scheduler of Dask answers at {where} ({error}). Start one there, `python -m "
                f"dask scheduler`, or correct {VARIABLE}; a firewall may be between."
            ) from error
        yield stack.enter_context(client)


def _local(workers: int) -> "SpecCluster":
    """Start workers here, each with its share of the cores and a GPU of its own; 0 for as many."""
    import dask
    from dask.system import CPU_COUNT
    from distributed import Nanny, Scheduler, SpecCluster

    gpus = _gpus()
    if gpus and workers > len(gpus):
        raise DataError(
            f"{VARIABLE} asks for {workers} workers, and each needs a GPU: there are {len(gpus)}. "
            "With ONE_BAD_NUT_DEVICE=cpu they use none."
        )
    fitting = min(CPU_COUNT, psutil.virtual_memory().total // MEMORY)
    count = workers or len(gpus) or max(1, fitting)
    before = dict.fromkeys(THREADS, max(1, CPU_COUNT // count)) | {"TQDM_DISABLE": 1}
    options = {"nthreads": 1, "memory_limit": 0, "silence_logs": logging.WARNING}
    spec = {number: {"cls": Nanny, "options": options} for number in range(count)}
    for number, gpu in enumerate(gpus[:count]):
        own = {"resources": {"GPU": 1}, "env": {"CUDA_VISIBLE_DEVICES": gpu}}
        spec[number] = {"cls": Nanny, "options": options | own}
    scheduler = {"cls": Scheduler, "options": {"host": "127.0.0.1", "dashboard_address": ":0"}}
    # These count before a worker imports anything; what the user has set counts more.
    environ = {f"distributed.nanny.pre-spawn-environ.{k}": v for k, v in before.items()}
    with dask.config.set(environ):
        return SpecCluster(spec, scheduler, silence_logs=logging.WARNING)


def _gpus() -> list[str]:
    """Return the GPUs that runs would use, as ``CUDA_VISIBLE_DEVICES`` names them."""
    if this_machine().device != "cuda":
        return [] if this_machine().device == "cpu" else ["0"]
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return named.split(",") if named else [str(i) for i in range(torch.cuda.device_count())]
