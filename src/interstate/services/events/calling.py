"""Calls of API destinations: each in its turn, a destination's slowness its own.

Theory of operation
-------------------
A call is an effect. The effects of all services share a bounded number of places, so a destination that does not answer must
not take them all: at most ``IN_FLIGHT_MAX`` calls of one destination are effects at a time, the others wait in a table, and
each that ends lets the next one go, in the same commit. The destination's rate is a bucket that holds one second of calls:
``spent_until`` is when it would be empty of debts; a call beyond it is an effect that is due later.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html (rate, time limit, retries).
"""

from datetime import timedelta

import msgspec

from interstate.base.arn import caller_of
from interstate.core.events.delivery import Failure
from interstate.core.events.http_request import (
    DEFAULT_HEADERS,
    is_retried,
    is_success,
    retry_after_s,
    target_url,
    with_headers,
)
from interstate.services.events.authorizing import keep_token
from interstate.services.events.locate import find_bus
from interstate.services.events.outcomes import delivered, failed, gone
from interstate.services.events.routing import RoutesCache, Target
from interstate.store.ports import Work
from interstate.store.records.events import Delivery
from interstate.store.records.events_connections import (
    API_DESTINATIONS,
    FLOWS,
    WAITING,
    WAITING_OF,
    ApiDestination,
    Flow,
    HttpAnswer,
    HttpCall,
    Waiting,
)

HTTP = "events.http"
IN_FLIGHT_MAX = 16
_BURST = timedelta(seconds=1)
_API_GATEWAY_RATE = 10_000


def call_destination(delivery: Delivery, target: Target, text: str, destination: ApiDestination, work: Work) -> None:
    """Call an API destination with what a target gets."""
    given = target.http
    headers = with_headers(DEFAULT_HEADERS, given.headers)
    begin(
        HttpCall(
            destination=destination.arn,
            connection=destination.connection,
            target_arn=target.arn,
            method=destination.method,
            url=target_url(destination.endpoint, given.path, given.query),
            headers=with_headers(headers, _own_headers(delivery)),
            text=text,
            delivery=delivery,
        ),
        work,
    )


def call_gateway(delivery: Delivery, target: Target, text: str, resource: str, work: Work) -> None:
    """Call an API of API Gateway: ``apiId/stage/METHOD/path`` of the target's ARN, which may hold ``*``."""
    api, _, rest = resource.partition("/")
    stage, _, rest = rest.partition("/")
    method, _, path = rest.partition("/")
    given = target.http
    before = "" if stage == "$default" else f"/{stage}"  # The default stage of an HTTP API has no part in its paths.
    url = target_url(f"http://{api}.execute-api{before}/{path}", given.path, given.query)
    begin(
        HttpCall(
            destination=target.arn,
            connection="",
            target_arn=target.arn,
            method="POST" if method in ("*", "ANY", "") else method,
            url=url,
            headers=with_headers(with_headers(_gateway_headers(delivery), given.headers), _own_headers(delivery)),
            text=text,
            delivery=delivery,
        ),
        work,
    )


def _gateway_headers(delivery: Delivery) -> dict[str, str]:
    """What EventBridge says of itself to API Gateway.

    Source: recorded in tests/aws/services/events/test_events_targets.snapshot.json of github.com/localstack/localstack.
    """
    return {
        "Content-Type": "application/json",
        "User-Agent": "AWS/EventBridge",
        "X-Amz-Source-Account": caller_of(delivery.rule).account,
        "X-Amz-Source-Arn": delivery.rule,
    }


def _own_headers(delivery: Delivery) -> dict[str, str]:
    """What stays the same when a call is repeated, by which the endpoint can tell; and the trace of the event."""
    [carried] = delivery.events
    own = {"X-Interstate-Event-Id": carried.event_id}
    return {**own, "X-Amzn-Trace-Id": carried.trace} if carried.trace else own


def begin(call: HttpCall, work: Work) -> None:
    """Let a call go, or wait for its turn."""
    flow = work.get(FLOWS, call.destination) or Flow(call.destination, 0, 0, work.now)
    if flow.in_flight >= IN_FLIGHT_MAX or flow.waiting:
        work.put(WAITING, Waiting(work.next_id(WAITING), call.destination, msgspec.json.encode(call)))
        work.put(FLOWS, msgspec.structs.replace(flow, waiting=flow.waiting + 1))
    else:
        work.put(FLOWS, _let_go(call, flow, work))


def _let_go(call: HttpCall, flow: Flow, work: Work) -> Flow:
    destination = work.get(API_DESTINATIONS, call.destination)
    rate = _API_GATEWAY_RATE if destination is None else destination.rate
    spent_until = max(flow.spent_until, work.now) + timedelta(seconds=1) / rate
    at = spent_until - _BURST
    work.later(HTTP, call, at=at if at > work.now else None)
    return Flow(call.destination, flow.in_flight + 1, flow.waiting, spent_until)


def called(call: HttpCall, answer: HttpAnswer, work: Work, cache: RoutesCache) -> None:
    """A call has ended: let the next go, and count or repeat this one."""
    _next(call, work)
    if answer.token is not None:
        keep_token(call.connection, answer.token, work)
    bus = find_bus(call.delivery.bus, work)
    route = None if bus is None else cache.of(bus, work).rules.get(call.delivery.rule)
    target = None if route is None else next((one for one in route.targets if one.id == call.delivery.target), None)
    if target is None:
        gone(call.delivery, "The rule or target is gone or disabled since the call began.", work)
        return
    if is_success(answer.status):
        delivered(call.delivery, call.delivery.events, target, work, [f"status {answer.status}"])
        return
    wait_s = retry_after_s(answer.retry_after, work.now)
    not_before = None if wait_s is None or wait_s < 0 else work.now + timedelta(seconds=min(wait_s, 86_400))
    never = wait_s is not None and wait_s < 0
    failed(call.delivery, target, _failure(answer, never=never), work, not_before=not_before)


def _failure(answer: HttpAnswer, *, never: bool) -> Failure:
    if not answer.status:
        return Failure(answer.code or "CONNECTION_FAILURE", answer.error, permanent=answer.code == "NO_PERMISSIONS")
    code = "THROTTLING" if answer.status == 429 else "ERROR_FROM_TARGET"
    if answer.status in (401, 403):
        code = "NO_PERMISSIONS"
    message = f"Unable to invoke ApiDestination endpoint: The request failed with status code {answer.status}."
    return Failure(code, f"{message} {answer.body}".strip(), permanent=never or not is_retried(answer.status))


def _next(call: HttpCall, work: Work) -> None:
    flow = work.get(FLOWS, call.destination)
    if flow is None:
        return
    flow = msgspec.structs.replace(flow, in_flight=max(0, flow.in_flight - 1))
    waiting = work.select(WAITING_OF, limit=1, destination=call.destination) if flow.waiting else []
    for row in waiting:
        work.delete(WAITING, row.id)
        following = msgspec.json.decode(row.body, type=HttpCall)
        flow = _let_go(following, msgspec.structs.replace(flow, waiting=flow.waiting - 1), work)
    if flow.in_flight or flow.spent_until > work.now:
        work.put(FLOWS, flow)
    else:
        work.delete(FLOWS, flow.destination)  # Nothing is known of a destination that is at rest.
