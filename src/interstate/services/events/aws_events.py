"""AWS's own events, which appear on the default bus: status changes of executions and the like.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events.html ("Events from AWS services").
"""

from collections.abc import Sequence

from interstate.base.arn import Caller
from interstate.base.json import JSONObject
from interstate.core.events.envelope import envelope
from interstate.services.events.locate import bus_arn, find_bus
from interstate.services.events.routing import RoutesCache
from interstate.services.events.sending import send
from interstate.store.ports import Work

_CACHE = RoutesCache()  # Shared with the service's table: pure memory (see ``routing``).


def routes_cache() -> RoutesCache:
    """The cache of this process."""
    return _CACHE


def put_aws_event(  # noqa: PLR0917 an event has these parts
    work: Work, caller: Caller, source: str, detail_type: str, detail: JSONObject, resources: Sequence[str]
) -> None:
    """Put an event of an AWS service (``aws.states``) on the default bus of an account and region.

    Costs one look at the bus as long as it has no rule and no archive.
    """
    bus = find_bus(bus_arn(None, caller), work)
    if bus is None or not bus.revision:
        return
    event = envelope(
        event_id=work.entropy.uuid(),
        detail_type=detail_type,
        source=source,
        account=caller.account,
        time=work.now,
        region=caller.region,
        resources=resources,
        detail=detail,
    )
    send(bus, event, work, _CACHE)
