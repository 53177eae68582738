"""Partner event sources, as the partner and as the customer. Source: EventBridge API Reference; user guide, eb-saas."""

from typing import Any

import pytest
from tests.services.events.conftest import Bench

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError

NAME = "aws.partner/shop.example/orders"
PARTNER = Caller("111111111111")


def partner(bench: Bench, operation: str, **request: Any) -> Any:
    return bench.world.call("events", operation, request, caller=PARTNER)


def offer(bench: Bench) -> str:
    arn: str = partner(bench, "CreatePartnerEventSource", Name=NAME, Account="000000000000")["EventSourceArn"]
    return arn


def put(bench: Bench, source: str = NAME) -> Any:
    entry = {"Source": source, "DetailType": "Order Placed", "Detail": '{"n":1}'}
    answer = partner(bench, "PutPartnerEvents", Entries=[entry])
    bench.world.run_due()
    return answer


def test_a_source_reaches_the_bus_that_the_customer_made_for_it(bench: Bench) -> None:
    assert offer(bench) == f"arn:aws:events:us-east-1::event-source/{NAME}"
    assert bench("DescribeEventSource", Name=NAME)["State"] == "PENDING"
    put(bench)
    bench("CreateEventBus", Name=NAME, EventSourceName=NAME)
    described = bench("DescribeEventSource", Name=NAME)
    assert (described["State"], described["CreatedBy"], "ExpirationTime" in described) == (
        "ACTIVE",
        PARTNER.account,
        False,
    )
    bench.rule("r", bench.queue("q"), pattern='{"detail-type":["Order Placed"]}', bus=NAME)
    answer = put(bench)
    [event] = bench.events("q")
    assert event["id"] == answer["Entries"][0]["EventId"]
    assert (event["source"], event["account"]) == (NAME, "000000000000")


def test_a_deactivated_source_brings_nothing(bench: Bench) -> None:
    offer(bench)
    bench("CreateEventBus", Name=NAME, EventSourceName=NAME)
    bench.rule("r", bench.queue("q"), pattern=f'{{"source":["{NAME}"]}}', bus=NAME)
    bench("DeactivateEventSource", Name=NAME)
    put(bench)
    assert bench.events("q") == []
    bench("ActivateEventSource", Name=NAME)
    put(bench)
    assert len(bench.events("q")) == 1


def test_a_source_that_nobody_matches_is_deleted_after_two_weeks(bench: Bench) -> None:
    offer(bench)
    bench.advance(days=13)
    assert bench("DescribeEventSource", Name=NAME)["State"] == "PENDING"
    bench.advance(days=1)
    assert bench("DescribeEventSource", Name=NAME)["State"] == "DELETED"
    assert bench.error("CreateEventBus", Name=NAME, EventSourceName=NAME)[0] == "InvalidStateException"


def test_a_bus_that_goes_leaves_its_source_waiting(bench: Bench) -> None:
    offer(bench)
    bench("CreateEventBus", Name=NAME, EventSourceName=NAME)
    bench("DeleteEventBus", Name=NAME)
    assert bench("DescribeEventSource", Name=NAME)["State"] == "PENDING"
    assert bench.error("ActivateEventSource", Name=NAME)[0] == "InvalidStateException"


def test_both_sides_list_their_own(bench: Bench) -> None:
    offer(bench)
    partner(bench, "CreatePartnerEventSource", Name=NAME, Account="222222222222")
    partner(bench, "CreatePartnerEventSource", Name=NAME + "-2", Account="222222222222")
    prefix = "aws.partner/shop.example/"
    sources = partner(bench, "ListPartnerEventSources", NamePrefix=prefix)["PartnerEventSources"]
    assert [source["Name"] for source in sources] == [NAME, NAME + "-2"]
    accounts = partner(bench, "ListPartnerEventSourceAccounts", EventSourceName=NAME)["PartnerEventSourceAccounts"]
    assert [account["Account"] for account in accounts] == ["000000000000", "222222222222"]
    assert [source["Name"] for source in bench("ListEventSources")["EventSources"]] == [NAME]
    assert partner(bench, "DescribePartnerEventSource", Name=NAME)["Name"] == NAME
    with pytest.raises(ServiceError, match="does not exist"):
        bench("DescribePartnerEventSource", Name=NAME)
    partner(bench, "DeletePartnerEventSource", Name=NAME, Account="000000000000")
    assert bench("ListEventSources")["EventSources"] == []


def test_what_partners_are_refused(bench: Bench) -> None:
    offer(bench)
    with pytest.raises(ServiceError) as refusal:
        offer(bench)
    assert refusal.value.code == "ResourceAlreadyExistsException"
    other = put(bench, "aws.partner/shop.example/none")
    assert (other["FailedEntryCount"], other["Entries"][0]["ErrorCode"]) == (1, "ResourceNotFoundException")
    assert bench.error("CreateEventBus", Name="x", EventSourceName=NAME)[0] == "ValidationException"
    assert bench.error("DescribeEventSource", Name="aws.partner/a/b")[0] == "ResourceNotFoundException"
    assert bench.error("CreateEventBus", Name="aws.partner/a/b", EventSourceName="aws.partner/a/b")[0] == (
        "ResourceNotFoundException"
    )
