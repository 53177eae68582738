"""Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html; refusals as recorded in
tests/aws/services/events/test_events_schedule.py of github.com/localstack/localstack."""

from datetime import UTC, datetime

import pytest

from interstate.core.events.schedule import InvalidSchedule, next_after, parse_schedule

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)  # A Thursday.

NEXT = [
    ("rate(1 minute)", datetime(2026, 1, 1, 12, 1, tzinfo=UTC)),
    ("rate(5 minutes)", datetime(2026, 1, 1, 12, 5, tzinfo=UTC)),
    ("rate(2 hours)", datetime(2026, 1, 1, 14, 0, tzinfo=UTC)),
    ("rate(1 day)", datetime(2026, 1, 2, 12, 0, tzinfo=UTC)),
    ("cron(0 12 * * ? *)", datetime(2026, 1, 2, 12, 0, tzinfo=UTC)),
    ("cron(0/15 * * * ? *)", datetime(2026, 1, 1, 12, 15, tzinfo=UTC)),
    ("cron(0 2 ? * SAT *)", datetime(2026, 1, 3, 2, 0, tzinfo=UTC)),
    ("cron(0 18 ? * MON-FRI *)", datetime(2026, 1, 1, 18, 0, tzinfo=UTC)),
    ("cron(0 8 1 * ? *)", datetime(2026, 2, 1, 8, 0, tzinfo=UTC)),
    ("cron(15 10 ? * 6L 2027)", datetime(2027, 1, 29, 10, 15, tzinfo=UTC)),
    ("cron(15 10 ? * 6L 2002-2005)", None),
]


@pytest.mark.parametrize(("expression", "expected"), NEXT, ids=[row[0] for row in NEXT])
def test_when_a_schedule_fires_next(expression: str, expected: datetime | None) -> None:
    assert next_after(parse_schedule(expression), NOW) == expected


REFUSED = [
    *("rate(10 seconds)", "rate(10 years)", "rate(1 minutes)", "rate(1 hours)", "rate(1 days)", "rate(10 minute)"),
    *("rate(10 hour)", "rate(10 day)", "rate()", "rate(10)", "rate(10 minutess)", "rate(foo minutes)"),
    *("rate(0 minutes)", "rate(-10 minutes)", "rate(10 MINUTES)", "rate( 10 minutes )", " rate(10 minutes)"),
    *(
        "cron(0 1 * * * *)",
        "cron(7 20 * * NOT *)",
        "cron(INVALID)",
        "cron(0 dummy ? * MON-FRI *)",
        "cron(71 8 1 * ? *)",
    ),
    *("at(2026-01-01T00:00:00)", "", "rate(99999999999999 days)"),
]


@pytest.mark.parametrize("expression", REFUSED)
def test_what_is_no_schedule(expression: str) -> None:
    with pytest.raises(InvalidSchedule):
        parse_schedule(expression)
