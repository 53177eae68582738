from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.tables.item_strategies import canonical_numbers, number_texts

from interstate.core.tables import numbers
from interstate.core.tables.errors import InvalidInput

# Source: DynamoDB Developer Guide, Naming rules and data types, Number (what is kept and what is trimmed).
CANONICAL = (
    ("0", "0"),
    ("-0", "0"),
    ("0.000", "0"),
    ("1", "1"),
    ("+1", "1"),
    ("007", "7"),
    ("1.50", "1.5"),
    ("1.", "1"),
    (".5", "0.5"),
    ("-.5", "-0.5"),
    ("1e2", "100"),
    ("1E-3", "0.001"),
    ("123456789012345678901234567890123456780000", "123456789012345678901234567890123456780000"),
    ("1e125", "1" + "0" * 125),
    ("1e-130", "0." + "0" * 129 + "1"),
    ("9.9999999999999999999999999999999999999e125", "9" * 38 + "0" * 88),
)

REFUSED = (
    ("", "The parameter cannot be converted to a numeric value"),
    ("b", "The parameter cannot be converted to a numeric value: b"),
    ("1 ", "The parameter cannot be converted to a numeric value: 1 "),
    ("NaN", "The parameter cannot be converted to a numeric value: NaN"),
    ("Infinity", "The parameter cannot be converted to a numeric value: Infinity"),
    ("1_0", "The parameter cannot be converted to a numeric value: 1_0"),
    ("١", "The parameter cannot be converted to a numeric value: ١"),
    (".", "The parameter cannot be converted to a numeric value: ."),
    ("1e126", "Number overflow. Attempting to store a number with magnitude larger than supported range"),
    ("-1e126", "Number overflow. Attempting to store a number with magnitude larger than supported range"),
    ("1e-131", "Number underflow. Attempting to store a number with magnitude smaller than supported range"),
    ("1e999999999", "Number overflow. Attempting to store a number with magnitude larger than supported range"),
    ("1" * 39, "Attempting to store more than 38 significant digits in a Number"),
    ("0." + "1" * 39, "Attempting to store more than 38 significant digits in a Number"),
)

# Source: DynamoDB Developer Guide, Item sizes: a byte for two significant digits and one more; a minus sign counts.
SIZES = (("0", 1), ("1", 2), ("12", 2), ("123", 3), ("-123", 4), ("1000000", 2), ("0.0012", 2), ("12.3", 3))


@pytest.mark.parametrize(("text", "expected"), CANONICAL)
def test_a_number_has_one_form(text: str, expected: str) -> None:
    assert numbers.canonical(text) == expected


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_is_no_number_in_range_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        numbers.canonical(text)
    assert refused.value.message == message


@pytest.mark.parametrize(("text", "size"), SIZES)
def test_sizes_count_significant_digits(text: str, size: int) -> None:
    assert numbers.size_bytes(text) == size


@given(number_texts())
def test_the_canonical_text_is_the_same_number_and_its_own_canonical_text(text: str) -> None:
    canonical = numbers.canonical(text)
    assert Decimal(canonical) == Decimal(text)
    assert numbers.canonical(canonical) == canonical


@given(canonical_numbers(), canonical_numbers())
def test_sortable_bytes_are_ordered_as_the_numbers_are(one: str, two: str) -> None:
    left, right = numbers.sortable(one), numbers.sortable(two)
    assert (left < right) is (Decimal(one) < Decimal(two))
    assert (left == right) is (one == two)


@given(st.lists(st.integers(-1000, 1000).map(lambda n: numbers.canonical(str(Decimal(n) / 100)))))
def test_sorting_bytes_sorts_near_numbers(texts: list[str]) -> None:
    assert sorted(texts, key=numbers.sortable) == sorted(texts, key=Decimal)


@given(st.integers(-(10**30), 10**30), st.integers(-(10**30), 10**30), st.integers(0, 6))
def test_sums_are_exact(one: int, two: int, scale: int) -> None:
    left, right, total, rest = (numbers.canonical(f"{number}e-{scale}") for number in (one, two, one + two, one - two))
    assert numbers.add(left, right) == total
    assert numbers.subtract(left, right) == rest


def test_a_sum_that_needs_more_digits_is_refused() -> None:
    with pytest.raises(InvalidInput, match="more than 38 significant digits"):
        numbers.add("1" + "0" * 50, "0.1")


@given(st.integers(0, 10**38 - 1) | st.integers(0, 10**38 - 1).map(lambda number: number * 10**30 % 10**38))
def test_whole_numbers_are_read_sorted_and_measured_as_all_others(number: int) -> None:
    text = str(number)
    assert numbers.canonical(text) == numbers.canonical(f"{text}.0") == text
    assert numbers.canonical(f"0{text}") == text
    significant = text.strip("0")
    assert numbers.size_bytes(text) == (len(significant) + 1) // 2 + 1
    assert (numbers.sortable(text) < numbers.sortable(str(number + 1))) is True
    assert numbers.sortable(f"-{text}") < b"\x01" or number == 0


@pytest.mark.parametrize("text", ["\u0661", "\u00b2", "1" * 39, "00", "007"])
def test_only_plain_digits_without_leading_zeros_stand_as_they_are(text: str) -> None:
    try:
        found = numbers.canonical(text)
    except InvalidInput:
        return
    assert found != text
