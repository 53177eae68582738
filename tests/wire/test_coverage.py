from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from interstate.wire.coverage import coverage
from interstate.wire.model import Models


@dataclass(frozen=True)
class Row:
    name: str


@dataclass(frozen=True)
class Rows:
    name: str
    operations: Sequence[Row]
    notes: Mapping[str, str] = field(default_factory=dict)


def test_the_page_tells_what_is_implemented_with_its_notes_and_what_is_refused(models: Models) -> None:
    page = coverage([Rows("sts", [Row("GetCallerIdentity")], {"GetCallerIdentity": "Believes everyone."})], models)
    assert "| GetCallerIdentity | Believes everyone. |" in page
    assert "Refused (10): AssumeRole, " in page
    assert "| AWS STS (`sts`) | 1 | 11 |" in page
    assert "(`s3`)" in page


def test_an_operation_that_aws_does_not_have_is_a_bug(models: Models) -> None:
    with pytest.raises(AssertionError, match="Nonsense"):
        coverage([Rows("sts", [Row("Nonsense")])], models)
