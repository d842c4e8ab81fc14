"""The bibliography: no key twice, no paper twice."""

import re
from pathlib import Path

TEXT = (Path(__file__).parents[2] / "book" / "references.bib").read_text(encoding="utf-8")


def test_every_key_and_every_doi_occurs_once():
    for pattern in (r"(?m)^@\w+\{([^,]+),", r"(?mi)^\s*doi\s*=\s*\{([^}]+)\}"):
        found = [value.lower() for value in re.findall(pattern, TEXT)]
        assert found
        assert len(found) == len(set(found)), sorted({v for v in found if found.count(v) > 1})
