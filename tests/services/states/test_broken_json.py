"""Source: the words of Jackson's parser, as Step Functions hands them on."""

import pytest

from interstate.services.states.broken_json import fault_of


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "Unexpected end-of-input"),
        ("[" * 100_000, "Document nesting depth exceeds the maximum allowed"),
        ("9" * 5000, "Invalid value"),
        ("-" + "9" * 5000, "Invalid value"),
        ("NaN", "Invalid value"),
        ('"\\ud800"', "Invalid value"),
        ("{]", "Unexpected character (']' (code 93)): was expecting double-quote to start field name"),
    ],
)
def test_every_text_that_is_not_json_has_a_reason(text: str, reason: str) -> None:
    assert fault_of(text).reason == reason
