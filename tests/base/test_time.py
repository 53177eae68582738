"""Instants and their published formats."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis.strategies import datetimes, just

from interstate.base.time import from_micros, parse_iso, to_epoch_s, to_iso, to_iso_s, to_micros, to_millis

AT = datetime(2026, 11, 21, 8, 56, 14, 123456, tzinfo=UTC)
INSTANTS = datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9000, 1, 1), timezones=just(UTC))  # noqa: DTZ001 hypothesis wants naive bounds


@given(INSTANTS)
def test_microseconds_keep_every_instant(at: datetime) -> None:
    assert from_micros(to_micros(at)) == at


@given(INSTANTS)
def test_what_is_printed_is_read_again_to_the_millisecond(at: datetime) -> None:
    assert timedelta(0) <= at - parse_iso(to_iso(at)) < timedelta(milliseconds=1)


def test_formats() -> None:
    assert to_iso(AT) == "2026-11-21T08:56:14.123Z"
    assert to_iso_s(AT) == "2026-11-21T08:56:14Z"
    assert to_epoch_s(AT) == to_millis(AT) / 1000 == 1795251374.123


@pytest.mark.parametrize(
    "text", ["2026-11-21T08:56:14", "2026-11-21", "now", "2026-13-21T08:56:14Z", "", "0001-01-01T00:00:00+14:00"]
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_iso(text)
