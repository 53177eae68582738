"""Which bus takes the events that are put to a global endpoint, and which gets a copy.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-global-endpoints.html
"""

import msgspec

from interstate.base.arn import caller_of
from interstate.base.errors import ValidationException
from interstate.base.json import JSONObject
from interstate.core.metrics.alarms import ALARM
from interstate.services.events.locate import bus_name, find_bus
from interstate.services.events.sending import Sender
from interstate.store.ports import Work
from interstate.store.records.alarms import ALARMS
from interstate.store.records.events_endpoints import ENDPOINT_BY_ID, Endpoint


def is_healthy(endpoint: Endpoint, work: Work) -> bool:
    """Whether the first bus may be used: not while the alarm is in alarm whose name is the health check's id.

    On AWS a Route 53 health check stands between the alarm and the endpoint. There is no Route 53 here, so the id in the
    health check's ARN names the alarm itself, in the endpoint's home region. An alarm that does not exist, or lacks data, is
    no reason to leave (Route 53's "last known status").

    Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-global-endpoints.html (health check by an alarm)
    """
    name = endpoint.health_check.rpartition("/")[2]
    alarm = work.get(ALARMS, caller_of(endpoint.buses[0]).arn("cloudwatch", f"alarm:{name}"))
    return alarm is None or alarm.state != ALARM


class Road(msgspec.Struct, frozen=True):
    """The way of one call's events."""

    endpoint: Endpoint
    healthy: bool = True

    @property
    def _buses(self) -> tuple[str, str]:
        first, second = self.endpoint.buses
        return (first, second) if self.healthy else (second, first)

    @property
    def region(self) -> str:
        """Where events are taken now."""
        return caller_of(self._buses[0]).region

    def bus_for(self, arn: str) -> str:
        """The bus that takes an entry.

        Raises:
            ValidationException: the entry names a bus that is not the endpoint's.
        """
        if bus_name(arn) != bus_name(self._buses[0]):
            raise ValidationException("The event bus of the entry is not an event bus of the endpoint.")
        return self._buses[0]

    def replicate(self, event: JSONObject, trace: str | None, sender: Sender, work: Work) -> None:
        """Put a copy onto the other bus, where the endpoint says so; it keeps the event's id."""
        if not self.endpoint.replicates:
            return
        bus = find_bus(self._buses[1], work)
        if bus is not None:
            sender.send(bus, event, trace=trace, keep_id=True)


def road_of(endpoint_id: str, work: Work) -> Road:
    """The way through a global endpoint of the caller's account.

    Raises:
        ValidationException: there is none.
    """
    found = work.select(ENDPOINT_BY_ID, limit=1, endpoint_id=endpoint_id)
    if not found or not found[0].scope.startswith(work.caller.account + "/"):
        raise ValidationException(f"EndpointId '{endpoint_id}' is not valid.")
    return Road(found[0], is_healthy(found[0], work))
