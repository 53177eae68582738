"""What a call counts in CloudWatch. Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html"""

from typing import Any

from tests.services.lambda_.conftest import Cloud

from interstate.store.records.metrics import SERIES, Series
from interstate.store.tables import Select

ALL = Select(SERIES, "id > :after OR id <= :after", "id")


def counted(cloud: Cloud) -> set[tuple[str, bool]]:
    """The metrics of AWS/Lambda, and whether they are of one function."""
    found: list[Series] = cloud.world.run(lambda work: work.select(ALL, limit=100, after=0))
    return {(one.name, bool(one.dimensions)) for one in found if one.namespace == "AWS/Lambda"}


def test_a_call_is_counted_for_its_function_and_over_all() -> None:
    cloud = Cloud()
    cloud.create("Pay", lambda event: event)
    cloud.call("Invoke", FunctionName="Pay")
    assert counted(cloud) == {("Invocations", True), ("Invocations", False), ("Errors", True), ("Duration", True)}


def test_errors_throttles_and_events_are_counted() -> None:
    cloud = Cloud()

    def refuse(_event: Any) -> Any:
        raise InterruptedError("TooManyRequestsException")

    cloud.create("Full", refuse)
    cloud.create("Bad", lambda _event: 1 // 0)
    cloud.call("Invoke", FunctionName="Full", InvocationType="Event")
    cloud.call("Invoke", FunctionName="Bad")
    cloud.world.run_due()
    names = {name for name, _ in counted(cloud)}
    assert {"AsyncEventsReceived", "Throttles", "Errors"} <= names
