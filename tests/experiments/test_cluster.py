"""Runs by Dask: the records of a run without it, whoever is killed, and clear words otherwise."""

import os
import signal
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import distributed
import pytest

from helpers.deadline import within
from helpers.errors import DataError, MissingError
from helpers.experiments import cluster, engine
from helpers.experiments.cluster import ClusterError, Passport, Recipe, UnfitError
from helpers.experiments.store import Experiment, Plan, Provenance


@dataclass(frozen=True)
class Result:
    square: float


EXPERIMENT = Experiment("trial run", Result, "make trials")
LOCK = threading.Lock()


def trials(log, count, source="generated"):
    """Plan so many runs, each of which notes in a folder that it has begun."""

    def work(seed):
        with LOCK:
            (log / f"at-{seed}").touch()
            number, at_once = (len(list(log.glob(each))) for each in (f"{seed}-*", "at-*"))
            (log / f"{seed}-{number}-{at_once}").write_text(str(os.getpid()))
        if seed == 13:
            raise ArithmeticError("unlucky")
        while (log / f"hold-{seed}").exists():
            time.sleep(0.01)
        (log / f"at-{seed}").unlink()
        return Result(seed**2 / 7), Provenance({"fit": 0.1})

    for seed in range(count):
        yield Plan(
            case={"method": "A", "seed": seed},
            settings={"width": 3},
            data={"category": "nut", "source": source, "size": 32},
            revision={"method": 1},
            work=partial(work, seed),
        )


def begun(log):
    return sorted(int(path.name.split("-")[0]) for path in log.glob("[0-9]*"))


def until(condition):
    def wait():
        while not condition():
            time.sleep(0.01)

    within(240, wait)


@pytest.fixture
def log(tmp_path):
    folder = tmp_path / "log"
    folder.mkdir()
    return folder


@contextmanager
def threads(workers=1, **options):
    """Give a client of workers that are threads of this process."""
    place = distributed.LocalCluster(
        n_workers=workers, processes=False, dashboard_address=":0",
        **{"threads_per_worker": 1} | options,
    )  # fmt: skip
    with place, distributed.Client(place) as client:
        yield client


def made(client, folder, *recipes, tell=print):
    asked = [one for recipe in recipes for one in recipe.planned(here=False)]
    return list(cluster.run(client, EXPERIMENT, folder, asked, tell))


def without_times(found):
    found = [replace(one, provenance=None) for one in found]
    return sorted(found, key=lambda one: one.case["seed"])


def test_the_records_are_those_of_a_run_without_it_and_nothing_is_done_twice(log, tmp_path):
    here = list(EXPERIMENT.run(tmp_path / "here", trials(log, 4)))
    recipe = Recipe.here(partial(trials, log, 4))
    with threads() as client:
        there = made(client, tmp_path / "there", recipe)
        again = made(client, tmp_path / "there", recipe)
    assert without_times(EXPERIMENT.load(tmp_path / "there")) == without_times(here)
    assert without_times(there) == without_times(again) == without_times(here)
    assert begun(log) == sorted([0, 1, 2, 3] * 2)


def test_a_killed_worker_loses_the_run_it_was_at_and_nothing_else(log, tmp_path):
    recipe, hold = Recipe.here(partial(trials, log, 5)), log / "hold-3"
    hold.touch()
    with ThreadPoolExecutor() as pool, engine.connected("local:2") as client:
        running = pool.submit(made, client, tmp_path, recipe)
        until(lambda: any(path.read_text() for path in log.glob("3-*")))
        (begin,) = log.glob("3-*")
        os.kill(int(begin.read_text()), signal.SIGKILL)
        until(lambda: begun(log).count(3) == 2)
        hold.unlink()
        assert len(running.result()) == 5
    assert begun(log) == [0, 1, 2, 3, 3, 4]


def test_a_lost_scheduler_is_told_and_the_next_call_goes_on(log, tmp_path):
    recipe, hold = Recipe.here(partial(trials, log, 5)), log / "hold-2"
    hold.touch()
    with ThreadPoolExecutor() as pool, threads() as client:
        running = pool.submit(made, client, tmp_path, recipe)
        until(lambda: 2 in begun(log))
        done = len(EXPERIMENT.load(tmp_path))
        client.loop.add_callback(client.scheduler_comm.comm.abort)
        with pytest.raises(ClusterError, match=r"inproc://.* has stopped\. .* where it stopped"):
            running.result()
        hold.unlink()
        client.wait_for_workers(1)
        made(client, tmp_path, recipe)
    assert len(EXPERIMENT.load(tmp_path)) == 5 > done
    assert all(begun(log).count(seed) == 1 for seed in (0, 1, 3, 4))


def test_one_gpu_gets_one_run_at_a_time(log, tmp_path):
    with threads(threads_per_worker=4, resources={"GPU": 1}) as client:
        assert len(made(client, tmp_path, Recipe.here(partial(trials, log, 8)))) == 8
    assert {path.name.split("-")[2] for path in log.glob("[0-9]*")} == {"1"}


@pytest.fixture
def passport(monkeypatch):
    """Let the client ask for something else than what it has."""
    real = Passport.of

    def ask(change):
        monkeypatch.setattr(Passport, "of", lambda folder: change(real(folder)))

    return ask


def refused(folder, log, **options):
    """Return what is said of a worker; no run may have begun."""
    with threads(**options) as client, pytest.raises(UnfitError) as caught:
        made(client, folder, Recipe.here(partial(trials, log, 2)))
    assert begun(log) == []
    return str(caught.value)


def test_workers_of_other_versions_are_refused(passport, log, tmp_path):
    passport(lambda own: replace(own, versions=own.versions | {"torch": "9.9"}))
    told = refused(tmp_path, log)
    assert "torch" in told and ", not 9.9. Install" in told
    assert "numpy" not in told
    passport(lambda own: replace(own, versions=own.versions | {"the project's code": "abc"}))
    assert f"it has the project's code {cluster.CODE}, not abc" in refused(tmp_path, log)


def test_a_disk_that_is_not_shared_is_said(passport, log, tmp_path):
    passport(lambda own: replace(own, content="of another disk"))
    assert "mount it under the same path" in refused(tmp_path, log)
    passport(lambda own: replace(own, mark=tmp_path / "elsewhere" / ".disk"))
    assert "elsewhere is not the one of the machine that asks" in refused(tmp_path, log)


def test_a_worker_of_several_threads_is_refused(log, tmp_path):
    assert "2 runs at once in one process" in refused(tmp_path, log, threads_per_worker=2)


def test_an_unfit_worker_that_comes_later_is_sent_away(log, tmp_path, monkeypatch):
    said = {}

    def fault(self, dask_worker):
        first = said.setdefault(dask_worker.name, "")
        said[dask_worker.name] = "it is late" if dask_worker.name == 1 else ""
        return first

    monkeypatch.setattr(Passport, "fault", fault)
    told = []
    with threads(2) as client:
        found = made(client, tmp_path, Recipe.here(partial(trials, log, 6)), tell=told.append)
        assert len(client.scheduler_info()["workers"]) == 1
    assert len(found) == 6 and begun(log) == list(range(6))
    assert len(told) == 1 and "was refused: it is late" in told[0]


def test_a_run_that_fails_is_tried_again_and_the_others_are_done(log, tmp_path):
    with threads() as client, pytest.raises(ClusterError, match="1 of 15 .*'seed': 13.* the first"):
        made(client, tmp_path, Recipe.here(partial(trials, log, 15)))
    assert len(EXPERIMENT.load(tmp_path)) == 14
    assert begun(log).count(13) == 1 + cluster.RETRIES


def test_other_images_on_a_worker_are_named(log, tmp_path):
    there, _ = zip(*Recipe.here(partial(trials, log, 1)).planned(here=False), strict=True)
    asked = [(there[0], plan) for plan in trials(log, 1, "MVTec AD")]
    with threads() as client, pytest.raises(ClusterError) as caught:
        list(cluster.run(client, EXPERIMENT, tmp_path, asked))
    assert "MVTEC_ROOT" in str(caught.value.__cause__)
    assert begun(log) == []


def test_the_variables_that_decide_travel_with_the_recipe(monkeypatch):
    monkeypatch.setenv("ONE_BAD_NUT_CATEGORY", "grid")
    monkeypatch.delenv("MVTEC_ROOT", raising=False)
    recipe = Recipe.here(lambda: [os.environ["ONE_BAD_NUT_CATEGORY"], *os.environ.keys()])
    monkeypatch.setenv("ONE_BAD_NUT_CATEGORY", "other")
    monkeypatch.setenv("MVTEC_ROOT", "elsewhere")
    planned = [plan for _, plan in recipe.planned()]
    assert planned[0] == "grid"
    assert "MVTEC_ROOT" not in planned


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("lokal", "Did you mean 'local'"),
        ("slrum:3", "Did you mean 'slurm'"),
        ("local:two", "A number may follow"),
        ("host", "scheduler's address, such as 'tcp://host:8786'"),
    ],
)
def test_an_unknown_place_names_the_nearest(where, told):
    with pytest.raises(DataError, match=told), engine.connected(where):
        pass


@pytest.mark.parametrize("answer", [None, b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_an_address_without_a_scheduler_is_named(answer, monkeypatch):
    """Nobody listens there, somebody says nothing, or it is another server."""
    monkeypatch.setattr(engine, "ANSWER", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        where = f"tcp://127.0.0.1:{server.getsockname()[1]}"

        def reply():
            connection, _ = server.accept()
            connection.sendall(answer)
            time.sleep(1)

        if answer is None:
            server.close()
        else:
            threading.Thread(target=reply, daemon=True).start()
        with pytest.raises(DataError, match=f"answers at {where} .*python -m dask scheduler"):
            within(30, engine.connected(where).__enter__)


@pytest.mark.parametrize(("where", "package"), [("local", "distributed"), ("pbs", "dask_jobqueue")])
def test_without_the_extra_it_says_what_to_install(where, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingError, match=f"package {package}: pip install"):
        engine.connected(where).__enter__()


def test_a_queue_without_settings_is_told_what_it_lacks():
    with pytest.raises(DataError, match="settings for slurm lack"):
        engine.connected("slurm:2").__enter__()


def test_each_worker_here_has_its_cores_or_a_gpu_of_its_own(monkeypatch):
    made = []
    monkeypatch.setattr(distributed, "SpecCluster", lambda spec, *_, **__: made.append(spec))
    monkeypatch.setattr("dask.system.CPU_COUNT", 6)
    monkeypatch.setattr(engine, "_gpus", lambda: ["2", "5"])
    engine._local(0)
    options = [worker["options"] for worker in made[-1].values()]
    assert [one["env"]["CUDA_VISIBLE_DEVICES"] for one in options] == ["2", "5"]
    assert all(one["resources"] == {"GPU": 1} and one["nthreads"] == 1 for one in options)
    with pytest.raises(DataError, match="asks for 3 workers, and each needs a GPU: there are 2"):
        engine._local(3)
    monkeypatch.setattr(engine, "_gpus", list)
    engine._local(3)
    assert len(made[-1]) == 3
