"""What came onto a bus and how each delivery went is kept for some days, and found by the event's id."""

from pathlib import Path

from tests.services.events.conftest import Bench

from interstate.base.errors import ServiceError
from interstate.base.json import loads
from interstate.core.events.numbers import place_of
from interstate.services.events.log_upkeep import LOG_DAYS
from interstate.store.records.due import SETTINGS, Setting
from interstate.store.records.events import ATTEMPTS, ATTEMPTS_OF_LOG, LOG, Attempt
from interstate.store.tables import Scalar

ROWS = Scalar("SELECT (SELECT count(*) FROM events_log) + (SELECT count(*) FROM events_attempts)", (LOG, ATTEMPTS))


def attempts(bench: Bench, event_id: str) -> list[Attempt]:
    place = place_of(event_id)
    assert place is not None
    found: list[Attempt] = bench.world.run(lambda work: work.select(ATTEMPTS_OF_LOG, limit=99, log=place[0], after=0))
    return [attempt for attempt in found if place[1] in attempt.places]


def rows(bench: Bench) -> int:
    count: int = bench.world.run(lambda work: work.scalar(ROWS))
    return count


class Busy(ServiceError):
    code = "TooManyRequestsException"


def test_an_event_is_found_by_its_id(bench: Bench) -> None:
    bench.rule("r", bench.queue("q"))
    entries = [{"Source": source, "DetailType": "t", "Detail": "{}"} for source in ("shop", "other", "shop")]
    ids = [entry["EventId"] for entry in bench("PutEvents", Entries=entries)["Entries"]]
    bench.world.run_due()
    row, _ = place_of(ids[0]) or (0, 0)
    kept = bench.world.run(lambda work: work.get(LOG, row))
    assert [event["id"] for event in loads(kept.body)] == ids  # type: ignore[union-attr, index]  # a list
    assert [place_of(event_id) for event_id in ids] == [(row, 0), (row, 1), (row, 2)]
    assert [attempt.outcome for attempt in attempts(bench, ids[0])] == ["DELIVERED"]
    assert attempts(bench, ids[1]) == []


def test_each_attempt_and_wait_is_kept(bench: Bench) -> None:
    dead = {"DeadLetterConfig": {"Arn": bench.queue("dead")}, "RetryPolicy": {"MaximumRetryAttempts": 2}}
    bench.rule("r", {"Arn": "arn:aws:lambda:us-east-1:000000000000:function:f", **dead})
    bench.others.error = Busy("busy")
    event_id = bench.put()["EventId"]
    bench.advance(hours=1)
    told = attempts(bench, event_id)
    assert [attempt.outcome for attempt in told] == ["AGAIN", "AGAIN", "SENT_TO_DLQ"]
    assert [attempt.retries for attempt in told] == [0, 1, 2]
    assert [attempt.next_at for attempt in told[:2]] == [attempt.at for attempt in told[1:]]
    assert {(attempt.code, attempt.message) for attempt in told} == {("THROTTLING", "busy")}


def test_a_queue_that_does_not_let_eventbridge_in_gets_nothing(bench: Bench) -> None:
    bench.rule("r", {"Arn": bench.queue("closed", open_to=None), "DeadLetterConfig": {"Arn": bench.queue("dead")}})
    event_id = bench.put()["EventId"]
    assert bench.messages("closed") == []
    [dead] = bench.received("dead")
    assert dead["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
    assert [attempt.outcome for attempt in attempts(bench, event_id)] == ["SENT_TO_DLQ"]


def test_a_closed_dead_letter_queue_is_told(bench: Bench) -> None:
    closed = bench.queue("closed", open_to="sns.amazonaws.com")
    bench.rule("r", {"Arn": closed, "DeadLetterConfig": {"Arn": closed}})
    assert [attempt.outcome for attempt in attempts(bench, bench.put()["EventId"])] == ["DLQ_REFUSED"]


def test_a_target_role_acts_for_its_account(bench: Bench) -> None:
    closed = bench.queue("closed", open_to=None)
    bench.rule("r", {"Arn": closed, "RoleArn": "arn:aws:iam::000000000000:role/r"})
    bench.put()
    assert len(bench.messages("closed")) == 1


def test_old_rows_are_forgotten_in_bounded_steps(bench: Bench) -> None:
    bench.rule("r", bench.queue("q"))
    for _ in range(700):
        bench.put()
    assert rows(bench) == 1400
    bench.advance(days=2)
    assert rows(bench) == 1400
    bench.put()
    bench.advance(days=2)
    assert rows(bench) == 2
    bench.world.run(lambda work: work.put(SETTINGS, Setting(LOG_DAYS, "1")))
    bench.advance(hours=2)
    assert rows(bench) == 0


def test_the_log_survives(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.rule("r", bench.queue("q"))
    event_id = bench.put()["EventId"]
    bench.world = bench.world.restart()
    assert [attempt.outcome for attempt in attempts(bench, event_id)] == ["DELIVERED"]
    bench.world.close()
