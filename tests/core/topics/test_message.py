from typing import Any

import pytest

from interstate.core.topics.errors import InvalidParameterException, InvalidParameterValueException
from interstate.core.topics.message import (
    Attribute,
    check_subject,
    read_attributes,
    read_texts,
    size_bytes,
)


def test_a_plain_message_is_the_same_for_all() -> None:
    assert read_texts("hi", None) == ("hi", {})


def test_a_structured_message_has_texts_for_protocols() -> None:
    assert read_texts('{"default": "d", "sqs": "q", "x": 7}', "json") == ("d", {"sqs": "q"})


@pytest.mark.parametrize(
    ("message", "structure", "fault"),
    [
        ("", None, "Invalid parameter: Empty message"),
        ("hi", "xml", "Invalid parameter: MessageStructure"),
        ("hi", "json", "Invalid parameter: Message Structure - JSON message body failed to parse"),
        ("[]", "json", "Invalid parameter: Message Structure - JSON message body failed to parse"),
        ('{"sqs": "q"}', "json", "Invalid parameter: Message Structure - No default entry in JSON message body"),
        ('{"default": 1}', "json", "Invalid parameter: Message Structure - No default entry in JSON message body"),
    ],
)
def test_a_message_that_is_not_of_its_structure_is_refused(message: str, structure: str | None, fault: str) -> None:
    with pytest.raises(InvalidParameterException) as refused:
        read_texts(message, structure)
    assert refused.value.message == fault


@pytest.mark.parametrize("subject", [None, "Order 7", "x" * 100])
def test_subjects_are_short_lines(subject: str | None) -> None:
    check_subject(subject)


@pytest.mark.parametrize("subject", ["", "x" * 101, "a\nb", "a\tb", " a"])
def test_other_subjects_are_refused(subject: str) -> None:
    with pytest.raises(InvalidParameterException, match="Invalid parameter: Subject"):
        check_subject(subject)


def test_attributes_keep_their_type_and_value() -> None:
    given: dict[str, dict[str, Any]] = {
        "s": {"DataType": "String", "StringValue": "a"},
        "a": {"DataType": "String.Array", "StringValue": '["a"]'},
        "n": {"DataType": "Number", "StringValue": " -1.5e3 "},
        "b": {"DataType": "Binary", "BinaryValue": b"\x00"},
    }
    assert {name: value.api() for name, value in read_attributes(given).items()} == given


@pytest.mark.parametrize(
    ("attribute", "fault"),
    [
        ({"DataType": "Float", "StringValue": "1"}, "invalid message attribute type"),
        ({"DataType": "", "StringValue": "1"}, "must contain non-empty message attribute type"),
        ({"DataType": "String", "StringValue": ""}, "must contain non-empty message attribute value"),
        ({"DataType": "String", "BinaryValue": b"a"}, "must contain non-empty message attribute value"),
        ({"DataType": "Binary"}, "must contain non-empty message attribute value"),
        ({"DataType": "Number", "StringValue": "many"}, "Could not cast message attribute 'x' value to number."),
    ],
)
def test_other_attributes_are_refused(attribute: dict[str, Any], fault: str) -> None:
    with pytest.raises(InvalidParameterValueException, match=fault):
        read_attributes({"x": attribute})


def test_names_types_and_values_count() -> None:
    assert size_bytes("주문", {"n": Attribute("Binary", None, b"12")}) == 6 + 1 + 6 + 2
    assert size_bytes("", {"n": Attribute("String", "ab")}) == 1 + 6 + 2
