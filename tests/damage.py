"""Damaged files by the thousand: bytes after edits that hypothesis draws, the same in every run.

A few hundred are read in the tests; ``make fuzz`` reads ten thousand of each group, which
``ONE_BAD_NUT_DAMAGED`` asks for.
"""

import copy
import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

place = st.integers(0, 2**20)
byte_edits = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["cut", "flip", "drop", "double"]), place, st.integers(0, 40)),
        st.tuples(st.sampled_from(["put", "insert"]), place, st.binary(max_size=8)),
        st.tuples(
            st.sampled_from(["put"]),
            st.integers(0, 600),  # in the headers
            st.sampled_from([b"\xff" * 4, b"\x7f\xff\xff\xff", bytes(4), b"\xff\xff", b"9" * 11]),
        ),
    ),
    min_size=1,
    max_size=3,
)
# What stands where another of JSON's values belongs.
VALUES = (
    None, True, False, -1, 0, 1, 2, 0.5, 1e300, 10**40, 60_000, 10**9, "", "1", "good", "good.",
    "..", "../elsewhere/a.png", "/elsewhere/a.png", "C:\\a.png", ".a.png", "a\0", "\ud800",
    "x" * 300, [], [1], [[0, 0, 9, 0, 9, 9]], [[1, 2]], {}, {"a": 1},
    {"size": [16, 24], "counts": [0, 384]}, {"size": [60_000, 60_000], "counts": [0, 60_000**2]},
    {"size": [16, 24], "counts": "0o"},
)  # fmt: skip
tree_edits = st.lists(
    st.one_of(
        st.tuples(st.just("set"), place, st.sampled_from(range(len(VALUES)))),
        st.tuples(st.sampled_from(["delete", "twice", "copy"]), place, place),
    ),
    min_size=1,
    max_size=3,
)


def damaging(tests):
    """Return hypothesis's settings for one of so many tests that share what is to be read."""
    return settings(
        max_examples=max(1, int(os.environ.get("ONE_BAD_NUT_DAMAGED", "350")) // tests),
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def damaged_bytes(content, edits):
    """Return bytes after edits such as ("flip", place, bit); places count around."""
    for edit, at, what in edits:
        at %= len(content) + 1
        before, after = content[:at], content[at:]
        if edit == "cut":
            content = before
        elif edit == "flip" and after:
            content = before + bytes([after[0] ^ (1 << what % 8)]) + after[1:]
        elif edit == "drop":
            content = before + after[what:]
        elif edit == "double":
            content = before + after[:what] + after
        elif edit == "insert":
            content = before + what + after
        elif edit == "put":
            content = before + what + after[len(what) :]
    return content


def damaged_tree(content, edits):
    """Return a JSON content after edits such as ("delete", number of the node, …)."""
    content = {"": copy.deepcopy(content)}
    for edit, at, what in edits:
        nodes = list(_nodes(content))
        parent, key = nodes[at % len(nodes)]
        if edit == "set":
            parent[key] = copy.deepcopy(VALUES[what])
        elif edit == "copy":
            source, other = nodes[what % len(nodes)]
            parent[key] = copy.deepcopy(source[other])
        elif edit == "twice" and isinstance(parent, list):
            parent.insert(key, copy.deepcopy(parent[key]))
        elif edit == "delete" and parent is not content:
            del parent[key]
    return content[""]


def _nodes(content):
    for key in list(content) if isinstance(content, dict) else range(len(content)):
        yield content, key
        if isinstance(content[key], dict | list):
            yield from _nodes(content[key])
