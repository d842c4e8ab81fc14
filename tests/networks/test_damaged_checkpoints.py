"""Damaged checkpoints, made by hypothesis: the training as it stood, or one DataError."""

import copy
import io
import resource
import zipfile

import pytest
import torch
from hypothesis import event, given
from hypothesis import strategies as st
from torch import nn

from helpers.errors import DataError
from helpers.networks.checkpoint import load_checkpoint, save_checkpoint
from helpers.networks.seeding import seeded
from tests.damage import byte_edits, damaged_bytes, damaged_tree, damaging, place, tree_edits

IDENTITY = {"images": "abc", "loss": "squared error", "settings": "[]"}
LOSSES, SECONDS = [0.5, 0.25, 0.125], 3.5
damages = damaging(3)
pytestmark = [
    pytest.mark.timeout(120 + damages.max_examples),  # far above what a slow machine takes
    pytest.mark.filterwarnings("ignore::UserWarning:torch"),
]


@pytest.fixture(scope="module", autouse=True)
def memory():
    """Hold that no claim was believed: a checkpoint of a few kilobytes needs little more."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * 1024 < 2**28


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged") / "run.pt"


def a_step(seed):
    """Return a model and its optimiser after one step."""
    with seeded(seed):
        model = nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2))
        optimiser = torch.optim.Adam(model.parameters(), 0.1)
        model(torch.rand(2, 3, 4, 4)).square().mean().backward()
        optimiser.step()
    return model, optimiser


@pytest.fixture(scope="module")
def trained():
    """Return the model and the optimiser that are written; a second step may differ in a bit."""
    return a_step(0)


@pytest.fixture(scope="module")
def content(path, trained):
    """Return the bytes of a checkpoint."""
    save_checkpoint(path, *trained, IDENTITY, LOSSES, SECONDS)
    return path.read_bytes()


@pytest.fixture(scope="module")
def stored(trained):
    return state_of(*trained)


@pytest.fixture(scope="module")
def fresh():
    """Give a model and an optimiser that the files are read into; they are the same again."""
    model, optimiser = a_step(1)
    before = state_of(model, optimiser)

    def again():
        model.load_state_dict(before["model"])
        optimiser.load_state_dict(before["optimiser"])
        return model, optimiser, before

    return again


def state_of(model, optimiser):
    state = {"model": model.state_dict(), "optimiser": optimiser.state_dict()}
    return copy.deepcopy(state)


def tensors(state):
    """Return every tensor of the two states, in order."""
    moments = state["optimiser"]["state"]
    found = [*state["model"].values(), *(v for i in sorted(moments) for v in moments[i].values())]
    return [value.clone() for value in found]


def same(one, other):
    one, other = tensors(one), tensors(other)
    return len(one) == len(other) and all(map(torch.equal, one, other))


def look_at(path, data, fresh):
    """Read bytes as a checkpoint; return what came of it, or nothing when it was refused."""
    path.write_bytes(data)
    model, optimiser, before = fresh()
    try:
        losses, seconds = load_checkpoint(path, model, optimiser, IDENTITY, most=10)
    except DataError as error:
        event("refused")
        assert path.name in str(error)
        assert "Delete it" in str(error)
        assert len(str(error)) < 2000
        assert same(state_of(model, optimiser), before)
        assert path.read_bytes() == data
        return None
    event("read")
    found = state_of(model, optimiser)
    assert all(map(torch.isfinite, (torch.tensor(v) for v in (*losses, seconds))))
    assert seconds >= 0
    assert all(value.isfinite().all() for value in tensors(found))
    assert [v.shape for v in model.state_dict().values()] == [
        v.shape for v in before["model"].values()
    ]
    model(torch.rand(2, 3, 4, 4)).square().mean().backward()
    optimiser.step()  # reads memory as the weights lie there
    return found, losses, seconds


@given(edits=byte_edits)
@damages
def test_damaged_checkpoints(path, content, stored, fresh, edits):
    found = look_at(path, damaged_bytes(content, edits), fresh)
    if found:  # it has checksums
        assert same(found[0], stored)
        assert found[1:] == (LOSSES, SECONDS)


def packed(entries):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@given(which=place, edits=byte_edits, pickle=st.booleans())
@damages
def test_damaged_entries_of_checkpoints(path, content, fresh, which, edits, pickle):
    """Damage an entry of the archive, and give it the checksum that belongs to it."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    names = [name for name in entries if name.endswith("data.pkl")] if pickle else list(entries)
    name = names[which % len(names)]
    look_at(path, packed(entries | {name: damaged_bytes(entries[name], edits)}), fresh)


TENSORS = (
    torch.tensor(float("nan")), torch.zeros(0), torch.zeros(1).expand(2**20), torch.zeros(2, 3, 3),
    torch.zeros(2, 3, 3, 3).half(), torch.zeros(1).expand(2, 3, 3, 3), torch.ones(2).to_sparse(),
    torch.zeros(2, 3, 3, 3, dtype=torch.complex64), torch.tensor(3), torch.zeros(2, device="meta"),
)  # fmt: skip


@given(
    edits=tree_edits, which=place, tensor=st.sampled_from(range(len(TENSORS))), put=st.booleans()
)
@damages
def test_damaged_values_of_checkpoints(path, content, fresh, edits, which, tensor, put):
    state = torch.load(io.BytesIO(content), weights_only=True)
    state = damaged_tree(state, edits)
    if put and isinstance(state, dict):
        parts = [state.get("model"), *_dictionaries(state.get("optimiser"))]
        slots = [(part, k) for part in parts if isinstance(part, dict) for k in part]
        if slots:
            part, key = slots[which % len(slots)]
            part[key] = TENSORS[tensor]
    buffer = io.BytesIO()
    torch.save(state, buffer)
    look_at(path, buffer.getvalue(), fresh)


def _dictionaries(value):
    if isinstance(value, dict):
        for part in value.values():
            yield from _dictionaries(part)
        yield value
