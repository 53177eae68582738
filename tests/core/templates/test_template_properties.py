from typing import Any

import pytest

from interstate.base.json import JSON
from interstate.core.templates.errors import TemplateError
from interstate.core.templates.properties import (
    BOOLEAN,
    DOCUMENT,
    INTEGER,
    NUMBER,
    TAGS,
    TEXT,
    TEXTS,
    Kind,
    Members,
    Named,
    check_names,
    document_text,
    shaped,
)

SHAPED: list[tuple[Kind, Any, JSON]] = [
    (TEXT, "a", "a"),
    (TEXT, 30, "30"),
    (TEXT, True, "true"),
    (INTEGER, "30", 30),
    (INTEGER, 30, 30),
    (NUMBER, "0.5", 0.5),
    (BOOLEAN, "True", True),
    (BOOLEAN, False, False),
    (DOCUMENT, {"a": [1]}, {"a": [1]}),
    (DOCUMENT, "text", "text"),
    (TEXTS, ["a", 1], ["a", "1"]),
    (Named(TEXT), {"A": 1, "B": "x"}, {"A": "1", "B": "x"}),
    (TAGS, [{"Key": "a", "Value": 1}], [{"Key": "a", "Value": "1"}]),
]


@pytest.mark.parametrize(("kind", "value", "expected"), SHAPED)
def test_values_take_the_form_of_their_type(kind: Kind, value: Any, expected: JSON) -> None:
    assert shaped("R", Members({"P": kind}), {"P": value}) == {"P": expected}


WRONG: list[tuple[Kind, Any, str]] = [
    (TEXT, ["a"], "#/P: expected type: String, found: JSONArray"),
    (TEXT, None, "#/P: expected type: String, found: Null"),
    (INTEGER, "3.5", "#/P: expected type: Integer, found: String"),
    (NUMBER, "x", "#/P: expected type: Number, found: String"),
    (BOOLEAN, "yes", "#/P: expected type: Boolean, found: String"),
    (DOCUMENT, 3, "#/P: expected type: JSONObject, found: Integer"),
    (TEXTS, "a", "#/P: expected type: JSONArray, found: String"),
    (Named(TEXT), [1.5], "#/P: expected type: JSONObject, found: JSONArray"),
    (Members({"A": TEXT}), True, "#/P: expected type: JSONObject, found: Boolean"),
    (TAGS, [{"Key": "a"}], "#/P/0: required key [Value] not found"),
    (
        Named(Members({})),
        {"x": {"y": 1}},
        "#/P/x: extraneous key [y] is not permitted (or not implemented by Interstate)",
    ),
]


@pytest.mark.parametrize(("kind", "value", "fault"), WRONG)
def test_values_of_another_form_are_refused_with_their_place(kind: Kind, value: Any, fault: str) -> None:
    with pytest.raises(TemplateError) as refused:
        shaped("R", Members({"P": kind}), {"P": value})
    assert refused.value.message == f"Properties validation failed for resource R with message:\n{fault}"


def test_names_are_checked_before_functions_are_resolved() -> None:
    kind = Members({"P": TAGS, "Q": TEXT}, frozenset({"Q"}))
    check_names("R", kind, {"P": {"Ref": "Tags"}, "Q": {"Ref": "Name"}})
    with pytest.raises(TemplateError) as refused:
        check_names("R", kind, {"P": [{"Fn::If": ["C", 1, 2]}, {"Key": 1}], "X": 1})
    assert refused.value.message == (
        "Properties validation failed for resource R with message:\n"
        "[#: required key [Q] not found, #: extraneous key [X] is not permitted (or not implemented by Interstate), "
        "#/P/1: required key [Value] not found]"
    )


@pytest.mark.parametrize(("value", "text"), [("a", "a"), ({"a": 1}, '{"a":1}')])
def test_documents_become_text(value: JSON, text: str) -> None:
    assert document_text(value) == text
