"""The record store: what is written comes back, damage is named, what is old runs again."""

import json
from dataclasses import dataclass, field, replace

import pytest

from helpers.errors import DataError
from helpers.experiments import store
from helpers.experiments.store import Experiment, Plan, Provenance, fault, path_of
from helpers.metrics import REVISION
from helpers.metrics.report import check_shares


@dataclass(frozen=True)
class Inner:
    low: float
    counts: list[int]


@dataclass(frozen=True)
class Result:
    auroc: float
    inner: Inner
    by_class: dict[str, float]
    rows: list[list[int]]
    spare: int | None = None

    def __post_init__(self):
        check_shares({"auroc": self.auroc})


@dataclass
class Work:
    """Counts how often it is done."""

    done: list[str] = field(default_factory=list)

    def __call__(self):
        self.done.append("once")
        result = Result(0.75, Inner(1, [3, 4]), {"crack": 0.5}, [[1, 0], [0, 2]])
        return result, Provenance({"fit": 1.5})


EXPERIMENT = Experiment("trial run", Result, "make trials")
DATA = {"category": "nut", "source": "MVTec AD", "size": 32, "fingerprint": "abc"}


@pytest.fixture
def plan():
    return Plan(
        case={"method": "A, b", "variant": {"batch size": "32"}, "alpha": 0.2, "seed": 0},
        settings={"width": 3, "sides": [1, 2], "seconds": None},
        data=DATA,
        revision={"method": 1, "measures": REVISION},
        work=Work(),
    )


def done(folder, *plans):
    return list(EXPERIMENT.run(folder, plans))


def test_a_record_comes_back_as_it_was(plan, tmp_path):
    (record,) = done(tmp_path, plan)
    path = tmp_path / "nut-mvtec-ad-32" / "a-b_batch-size-32_alpha-0.2_seed-0.json"
    assert EXPERIMENT.read(path) == record == EXPERIMENT.load(tmp_path)[0]
    assert record.result == Work()()[0]
    assert record.provenance.environment["profile"] == "quick"
    assert {"machine", "python", "torch"} <= set(record.provenance.environment)


def test_a_second_call_runs_nothing(plan, tmp_path):
    assert done(tmp_path, plan) == done(tmp_path, plan)
    assert len(plan.work.done) == 1


def test_a_killed_run_goes_on_where_it_stopped(plan, tmp_path):
    other = replace(plan, case=plan.case | {"seed": 1})
    runs = EXPERIMENT.run(tmp_path, [plan, other])
    next(runs)
    runs.close()
    assert len(EXPERIMENT.load(tmp_path)) == 1
    done(tmp_path, plan, other)
    assert len(plan.work.done) == 2, "the two plans share their work"


def test_what_was_killed_while_it_wrote_leaves_nothing(plan, tmp_path, monkeypatch):
    def killed(values, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(store.json, "dumps", killed)
    with pytest.raises(KeyboardInterrupt):
        done(tmp_path, plan)
    monkeypatch.undo()
    assert EXPERIMENT.load(tmp_path) == []


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"data": DATA | {"fingerprint": "other"}}, store.OTHER_DATA),
        ({"settings": {"width": 4}}, store.OTHER_SETTINGS),
        ({"revision": {"method": 2, "measures": REVISION}}, store.OTHER_REVISION),
        ({"revision": {"method": 1, "measures": REVISION + 1}}, store.OTHER_REVISION),
    ],
)
def test_the_guard_sees_other_data_settings_and_revisions(plan, tmp_path, changed, what):
    (record,) = done(tmp_path, plan)
    assert fault(record, plan) == ""
    later = replace(plan, **changed)
    assert fault(record, later) == what
    assert EXPERIMENT.kept(tmp_path, later) is None
    (again,) = done(tmp_path, later)
    assert len(plan.work.done) == 2
    assert fault(again, later) == ""


def test_runs_are_told_apart_by_their_fields(plan, tmp_path):
    """A comma in a name is no field: a changed A is not the method called "A, batch size 32"."""
    cases = [
        {"method": "A", "variant": {}, "seed": 0},
        {"method": "A, batch size 32", "variant": {}, "seed": 0},
        {"method": "A", "variant": {"batch size": "32"}, "seed": 0},
        {"method": "A", "variant": {"batch size": "32", "loss": "SSIM"}, "seed": 0},
        {"method": "A", "variant": {}, "seed": 10},
    ]
    plans = [replace(plan, case=case) for case in cases]
    assert len({path_of(tmp_path, each) for each in plans}) == len(plans)
    assert [record.case for record in done(tmp_path, *plans)] == cases


def changed_file(plan, tmp_path, change):
    done(tmp_path, plan)
    path = path_of(tmp_path, plan)
    values = json.loads(path.read_text("utf-8"))
    change(values)
    path.write_text(json.dumps(values), "utf-8")
    return path


DAMAGE = {
    "a missing field": lambda v: v.pop("settings"),
    "a missing figure": lambda v: v["result"].pop("auroc"),
    "a missing figure within": lambda v: v["result"]["inner"].pop("low"),
    "a field that nobody knows": lambda v: v["result"].update(extra=1),
    "text for a number": lambda v: v["result"].update(auroc="0.75"),
    "a truth for a number": lambda v: v["result"].update(auroc=True),
    "a fraction for a count": lambda v: v["result"]["inner"].update(counts=[1.5]),
    "a number for a list": lambda v: v["result"].update(rows=3),
    "a list for a dictionary": lambda v: v["result"].update(by_class=[]),
    "nothing for a number": lambda v: v["result"].update(auroc=None),
    "a share above 1": lambda v: v["result"].update(auroc=1.5),
    "not a number": lambda v: v["result"].update(auroc=float("nan")),
    "infinity in the settings": lambda v: v["settings"].update(width=float("inf")),
    "another experiment": lambda v: v.update(experiment="other"),
    "another case": lambda v: v["case"].update(seed=7),
    "data without a size": lambda v: v["data"].pop("size"),
    "no dictionary": lambda v: v.update(result=[1]),
}


@pytest.mark.parametrize("change", DAMAGE.values(), ids=DAMAGE)
def test_damage_is_named_when_read_and_run_again(plan, tmp_path, change):
    path = changed_file(plan, tmp_path, change)
    with pytest.raises(DataError, match=r"seed-0\.json is not a record .*`make trials` makes it"):
        EXPERIMENT.load(tmp_path)
    (record,) = done(tmp_path, plan)
    assert len(plan.work.done) == 2
    assert EXPERIMENT.read(path) == record


def test_a_figure_that_was_not_measured_yet_may_be_missing(plan, tmp_path):
    path = changed_file(plan, tmp_path, lambda values: values["result"].pop("spare"))
    assert EXPERIMENT.read(path).result.spare is None
    assert len(done(tmp_path, plan)) == len(plan.work.done) == 1


@pytest.mark.parametrize("content", ["", "{", "[1]", "{}", "3"])
def test_what_is_no_record_at_all_is_named(plan, tmp_path, content):
    done(tmp_path, plan)
    path = path_of(tmp_path, plan)
    path.write_text(content, "utf-8")
    with pytest.raises(DataError, match="is not a record of the experiment 'trial run'"):
        EXPERIMENT.read(path)


def test_a_missing_record_is_named(tmp_path):
    with pytest.raises(DataError, match=r"gone\.json is not a record"):
        EXPERIMENT.read(tmp_path / "gone.json")
    assert EXPERIMENT.load(tmp_path / "none") == []


def test_an_unwritable_folder_is_named(plan, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="cannot be written"):
        done(tmp_path / "file", plan)


def test_a_method_without_a_revision_has_number_0():
    assert store.revisions(object()) == {"method": 0, "measures": REVISION}
