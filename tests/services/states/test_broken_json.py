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


def test_of_long_texts_and_tokens_only_the_beginning_is_told() -> None:
    """A definition of a megabyte is not sent back. Source: Jackson, 500 characters of a text and 256 of a token."""
    text = "x" * 700
    fault = fault_of(text)
    assert fault.reason.startswith(f"Unrecognized token '{'x' * 256}...': was expecting ")
    assert fault.place(text) == f'[Source: (String)"{"x" * 500}"[truncated 200 chars]; line: 1, column: 701]'
    assert "truncated" not in fault_of("x" * 500).place("x" * 500)
