"""Damaged records, made by hypothesis: what is read can be written again, or one DataError."""

import json

import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from helpers.errors import DataError
from helpers.experiments.detection import DETECTION
from helpers.experiments.detectors import DETECTORS
from helpers.experiments.long_tail import LONG_TAIL
from helpers.experiments.promptable import PROMPTABLE
from helpers.experiments.segmentation import SEGMENTATION
from helpers.experiments.store import Plan
from tests.damage import byte_edits, damaged_bytes, damaged_tree, damaging, tree_edits

EXPERIMENTS = (DETECTORS, LONG_TAIL, SEGMENTATION, PROMPTABLE, DETECTION)
damages = damaging(3)
pytestmark = pytest.mark.timeout(120 + damages.max_examples)  # far above what a slow machine takes


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged")


@pytest.fixture(scope="module")
def records(folder):
    """Return the book's smallest record of each experiment: as an object, and as its bytes."""
    found = []
    for experiment in EXPERIMENTS:
        path = min(experiment.folder().rglob("*.json"), key=lambda p: (p.stat().st_size, p.name))
        found.append((experiment, experiment.read(path), path.read_bytes()))
    return found


def look_at(folder, experiment, record, content):
    """Read bytes in the place of a record, as a report and as an experiment that goes on do."""
    path = experiment.write(folder, record)
    path.write_bytes(content)
    plan = Plan(record.case, record.settings, record.data, record.revision, lambda: None)
    kept = experiment.kept(folder, plan)
    try:
        found = experiment.read(path)
    except DataError as error:
        event("refused")
        assert path.name in str(error)
        assert experiment.command in str(error)
        assert len(str(error)) < 2000
        str(error).encode()  # a terminal can show it
        assert kept is None
        return
    event("read")
    assert found.experiment == experiment.name
    assert kept in (found, None)
    assert experiment.read(experiment.write(folder, found)) == found
    for number in numbers(found.result):
        assert abs(number) < float("inf")


def numbers(value):
    """Yield every number of a result."""
    parts = vars(value).values() if hasattr(value, "__dict__") else ()
    parts = value.values() if isinstance(value, dict) else value if type(value) is list else parts
    for part in parts:
        yield from numbers(part)
    if isinstance(value, int | float):
        yield value


which = st.integers(0, len(EXPERIMENTS) - 1)


@given(which=which, edits=byte_edits)
@damages
def test_damaged_records(folder, records, which, edits):
    experiment, record, content = records[which]
    look_at(folder, experiment, record, damaged_bytes(content, edits))


@given(which=which, edits=tree_edits)
@damages
def test_damaged_values_of_records(folder, records, which, edits):
    experiment, record, content = records[which]
    changed = damaged_tree(json.loads(content), edits)
    look_at(folder, experiment, record, json.dumps(changed).encode())


WORDS = {
    **{
        word: word
        for word in ("null", "true", "-1", "1e999", "NaN", "-Infinity", "0.5", "{}", "[]")
    },
    "a long number": "9" * 400,
    "a longer number": "9" * 5000,
    "lists in lists": "[" * 100_000,
    "dictionaries in dictionaries": '{"a":' * 100_000,
    "no text": '"\\ud800"',
    "a long text": '"' + "x" * 3000 + '"',
    "a null byte": "\0",
    "a mark of byte order": "\ufeff",
}


@given(which=which, at=st.integers(0, 2**20), word=st.sampled_from(sorted(WORDS)))
@example(which=0, at=0, word="a mark of byte order")
@example(which=3, at=62, word="lists in lists")
@example(which=3, at=400, word="a long number")
@damages
def test_damaged_words_of_records(folder, records, which, at, word):
    """Put a word in the place of a number."""
    experiment, record, content = records[which]
    text = content.decode()
    at %= len(text)
    start = next((i for i in range(at, len(text)) if text[i].isdigit()), at)
    end = next((i for i in range(start, len(text)) if text[i] not in "0123456789.e-"), start)
    look_at(folder, experiment, record, (text[:start] + WORDS[word] + text[end:]).encode())
