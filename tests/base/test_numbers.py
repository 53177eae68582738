import pytest

from interstate.base.numbers import whole_number


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("007", 7), ("9" * 18, 10**18 - 1), ("9" * 19, None), ("9" * 5000, None)]
    + [(text, None) for text in ("", "-1", "+1", " 1", "1_0", "1.0", "²", "٣", "x")],
)
def test_only_plain_digits_that_fit_a_column_are_a_number(text: str, number: int | None) -> None:
    assert whole_number(text) == number
