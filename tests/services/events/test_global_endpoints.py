"""Global endpoints. Source: EventBridge API Reference; user guide, eb-global-endpoints."""

from typing import Any

from tests.services.events.conftest import Bench

from interstate.base.arn import Caller
from interstate.runtime.testing import World
from interstate.services.cloudwatch import SERVICE as CLOUDWATCH
from interstate.services.events import SERVICE as EVENTS
from interstate.store.ports import Work
from interstate.store.records.events import LOG, LOG_OF_BUS, Logged

CHECK = "arn:aws:route53:::healthcheck/1"
FAR = Caller(region="eu-west-1")
NEAR_BUS = "arn:aws:events:us-east-1:000000000000:event-bus/orders"
FAR_BUS = "arn:aws:events:eu-west-1:000000000000:event-bus/orders"


def config(**members: Any) -> dict[str, Any]:
    return {
        "Name": "e",
        "RoutingConfig": {"FailoverConfig": {"Primary": {"HealthCheck": CHECK}, "Secondary": {"Route": "eu-west-1"}}},
        "EventBuses": [{"EventBusArn": FAR_BUS}, {"EventBusArn": NEAR_BUS}],
        "RoleArn": "arn:aws:iam::000000000000:role/r",
        **members,
    }


def buses(bench: Bench) -> None:
    bench("CreateEventBus", Name="orders")
    bench.world.call("events", "CreateEventBus", {"Name": "orders"}, caller=FAR)


def logged(bench: Bench, bus: str) -> list[Logged]:
    found: list[Logged] = bench.world.run(lambda work: work.select(LOG_OF_BUS, limit=99, bus=bus, after=0))
    assert LOG is LOG_OF_BUS.table
    return found


def put(bench: Bench, endpoint_id: str) -> str:
    entry = {"Source": "shop", "DetailType": "t", "Detail": "{}", "EventBusName": "orders"}
    answer = bench("PutEvents", Entries=[entry], EndpointId=endpoint_id)
    event_id: str = answer["Entries"][0]["EventId"]
    return event_id


def test_an_endpoint_is_made_described_changed_and_deleted(bench: Bench) -> None:
    buses(bench)
    created = bench("CreateEndpoint", **config())
    assert created["State"] == "CREATING"
    described = bench("DescribeEndpoint", Name="e")
    assert described["State"] == "ACTIVE"
    assert described["EventBuses"] == [{"EventBusArn": NEAR_BUS}, {"EventBusArn": FAR_BUS}]
    assert described["EndpointUrl"] == f"https://{described['EndpointId']}.endpoint.events.amazonaws.com"
    assert described["ReplicationConfig"] == {"State": "ENABLED"}
    updated = bench("UpdateEndpoint", Name="e", Description="d", ReplicationConfig={"State": "DISABLED"})
    assert (updated["State"], updated["ReplicationConfig"]) == ("UPDATING", {"State": "DISABLED"})
    [listed] = bench("ListEndpoints", NamePrefix="e")["Endpoints"]
    assert listed["Description"] == "d"
    assert bench.world.call("events", "ListEndpoints", {}, caller=FAR)["Endpoints"] == []
    assert len(bench.world.call("events", "ListEndpoints", {"HomeRegion": "us-east-1"}, caller=FAR)["Endpoints"]) == 1
    bench("DeleteEndpoint", Name="e")
    assert bench.error("DescribeEndpoint", Name="e") == ("ResourceNotFoundException", "Endpoint e does not exist.")


def test_events_go_to_the_first_bus_and_a_copy_to_the_other(bench: Bench) -> None:
    buses(bench)
    bench("CreateEndpoint", **config())
    event_id = put(bench, bench("DescribeEndpoint", Name="e")["EndpointId"])
    assert [event_id.encode() in row.body for bus in (NEAR_BUS, FAR_BUS) for row in logged(bench, bus)] == [True, True]


def test_an_alarm_sends_events_to_the_second_bus_and_back() -> None:
    world = World([EVENTS, CLOUDWATCH])
    for caller in (Caller(), FAR):
        world.call("events", "CreateEventBus", {"Name": "orders"}, caller=caller)
    check = {
        "Primary": {"HealthCheck": "arn:aws:route53:::healthcheck/orders-home"},
        "Secondary": {"Route": "eu-west-1"},
    }
    members = config(ReplicationConfig={"State": "DISABLED"}, RoutingConfig={"FailoverConfig": check})
    world.call("events", "CreateEndpoint", members)
    endpoint_id = world.call("events", "DescribeEndpoint", {"Name": "e"})["EndpointId"]
    alarm = {
        "AlarmName": "orders-home",
        "Namespace": "AWS/Events",
        "MetricName": "IngestionToInvocationStartLatency",
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 5,
        "Threshold": 30_000.0,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    world.call("cloudwatch", "PutMetricAlarm", alarm)
    entry = {"Source": "shop", "DetailType": "t", "Detail": "{}", "EventBusName": "orders"}

    def rows(work: Work) -> tuple[int, int]:
        near, far = (len(work.select(LOG_OF_BUS, limit=99, bus=bus, after=0)) for bus in (NEAR_BUS, FAR_BUS))
        return near, far

    def put() -> tuple[int, int]:
        world.call("events", "PutEvents", {"Entries": [entry], "EndpointId": endpoint_id})
        near, far = world.run(rows)
        return near, far

    assert put() == (1, 0)
    state = {"AlarmName": "orders-home", "StateValue": "ALARM", "StateReason": "a drill"}
    world.call("cloudwatch", "SetAlarmState", state)
    assert put() == (1, 1)
    world.call("cloudwatch", "SetAlarmState", {**state, "StateValue": "OK"})
    assert put() == (2, 1)
    world.close()


def test_what_endpoints_refuse(bench: Bench) -> None:
    assert bench.error("CreateEndpoint", **config())[0] == "ResourceNotFoundException"
    buses(bench)
    assert bench.error("CreateEndpoint", **{**config(), "RoleArn": None})[0] == "ValidationException"
    twice = [{"EventBusArn": NEAR_BUS}, {"EventBusArn": NEAR_BUS}]
    assert bench.error("CreateEndpoint", **config(EventBuses=twice))[0] == "ValidationException"
    other = [{"EventBusArn": NEAR_BUS}, {"EventBusArn": FAR_BUS + "x"}]
    assert bench.error("CreateEndpoint", **config(EventBuses=other))[0] == "ValidationException"
    foreign = [{"EventBusArn": NEAR_BUS}, {"EventBusArn": FAR_BUS.replace("000000000000", "111111111111")}]
    assert bench.error("CreateEndpoint", **config(EventBuses=foreign))[0] == "ValidationException"
    bench("CreateEndpoint", **config())
    assert bench.error("CreateEndpoint", **config())[0] == "ResourceAlreadyExistsException"
    endpoint_id = bench("DescribeEndpoint", Name="e")["EndpointId"]
    entry = {"Source": "shop", "DetailType": "t", "Detail": "{}"}
    assert bench.error("PutEvents", Entries=[entry], EndpointId=endpoint_id)[0] == "ValidationException"
