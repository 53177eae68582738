"""Time to live. Source: DynamoDB Developer Guide, TTL."""

from datetime import timedelta

import pytest
from tests.services.dynamodb.conftest import Tables

from interstate.base.time import to_epoch_s
from interstate.services.dynamodb.time_to_live import BACKFILL_MAX, SWEEP_MAX


def on(tables: Tables, attribute: str = "until") -> None:
    tables(
        "UpdateTimeToLive",
        TableName="things",
        TimeToLiveSpecification={"Enabled": True, "AttributeName": attribute},
    )


def in_seconds(tables: Tables, seconds: int) -> int:
    return int(to_epoch_s(tables.world.now)) + seconds


def test_it_is_off_at_first_and_described(tables: Tables) -> None:
    def status() -> dict[str, str]:
        described: dict[str, str] = tables("DescribeTimeToLive", TableName="things")["TimeToLiveDescription"]
        return described

    assert status() == {"TimeToLiveStatus": "DISABLED"}
    on(tables)
    assert status() == {"TimeToLiveStatus": "ENABLED", "AttributeName": "until"}
    off = {"Enabled": False, "AttributeName": "until"}
    tables("UpdateTimeToLive", TableName="things", TimeToLiveSpecification=off)
    assert status() == {"TimeToLiveStatus": "DISABLED"}
    message = tables.message("UpdateTimeToLive", TableName="things", TimeToLiveSpecification=off)
    assert message == "TimeToLive is already disabled"


def test_what_has_expired_is_swept_and_the_rest_stays(tables: Tables) -> None:
    on(tables)
    tables.put(pk="soon", sk=0, until=in_seconds(tables, 100))
    tables.put(pk="later", sk=0, until=in_seconds(tables, 10_000))
    tables.put(pk="never", sk=0)
    tables.put(pk="text", sk=0, until="2026-01-01")
    tables.world.advance(timedelta(seconds=99))
    assert tables.get("soon") is not None
    tables.world.advance(timedelta(seconds=62))
    assert tables.get("soon") is None
    assert tables.get("later") is not None
    tables.world.advance(timedelta(days=1))
    assert [item["pk"]["S"] for item in tables("Scan", TableName="things")["Items"]] == ["never", "text"]


def test_the_sweep_never_pulls_the_clock(tables: Tables) -> None:
    on(tables)
    tables.put(pk="soon", sk=0, until=in_seconds(tables, 100))
    start = tables.world.now
    tables.world.run_until_idle()
    assert tables.world.now == start
    assert tables.get("soon") is not None


def test_an_earlier_expiry_brings_the_sweep_forward(tables: Tables) -> None:
    on(tables)
    tables.put(pk="late", sk=0, until=in_seconds(tables, 10_000))
    tables.put(pk="early", sk=0, until=in_seconds(tables, 10))
    tables.world.advance(timedelta(seconds=71))
    assert tables.get("early") is None


def test_a_changed_item_expires_by_its_new_instant(tables: Tables) -> None:
    on(tables)
    tables.put(pk="a", sk=0, until=in_seconds(tables, 10))
    tables.put(pk="a", sk=0, until=in_seconds(tables, 1000))
    tables.world.advance(timedelta(seconds=500))
    assert tables.get("a") is not None
    tables.world.advance(timedelta(seconds=600))
    assert tables.get("a") is None


def test_older_items_are_taken_up_in_steps_and_swept_in_steps(tables: Tables) -> None:
    for sk in range(max(BACKFILL_MAX, SWEEP_MAX) * 2 + 1):
        tables.put(pk="a", sk=sk, until=in_seconds(tables, 10))
    on(tables)
    tables.world.advance(timedelta(seconds=80))
    assert tables("Scan", TableName="things")["Count"] == 0


@pytest.mark.parametrize("seconds", ["-5", "0", "1e20", "1"])
def test_what_is_no_near_instant_never_expires(tables: Tables, seconds: str) -> None:
    on(tables)
    item = {"pk": {"S": "a"}, "sk": {"N": "0"}, "until": {"N": seconds}}
    tables("PutItem", TableName="things", Item=item)
    tables.world.advance(timedelta(days=3))
    assert tables.get("a") is not None


def test_nothing_is_swept_after_it_was_turned_off(tables: Tables) -> None:
    on(tables)
    tables.put(pk="a", sk=0, until=in_seconds(tables, 10))
    off = {"Enabled": False, "AttributeName": "until"}
    tables("UpdateTimeToLive", TableName="things", TimeToLiveSpecification=off)
    tables.world.advance(timedelta(days=1))
    assert tables.get("a") is not None


def test_an_index_forgets_expired_items(indexed: Tables) -> None:
    on(indexed)
    indexed.put(pk="a", sk=0, owner="me", until=in_seconds(indexed, 10))
    indexed.world.advance(timedelta(minutes=5))
    assert indexed("Scan", TableName="things", IndexName="byOwner")["Count"] == 0
