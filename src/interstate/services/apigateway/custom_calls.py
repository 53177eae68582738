"""What custom integrations call: functions, at once or later, and operations of services that speak JSON."""

from collections.abc import Callable
from typing import Any

import msgspec

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.base.json import BrokenJSON, loads
from interstate.core.functions.names import FunctionName, parse_function_name
from interstate.services.apigateway import custom, direct, response
from interstate.services.apigateway.exchange import Exchange, message
from interstate.services.apigateway.integrations import function_of, substituted
from interstate.services.apigateway.synchronous import when_ended
from interstate.services.doors import Response
from interstate.services.operation import Answer, Outcome, Perform
from interstate.services.states.starting import StartSyncExecution
from interstate.services.states.synchronous import start_sync_execution
from interstate.store.ports import Work
from interstate.store.records.apigateway import Integration
from interstate.store.records.lambda_ import Invocation, InvocationResult


def call_custom(
    exchange: Exchange, integration: Integration, finished: Callable[[Response], Answer], work: Work
) -> Outcome:
    """Send what the template makes of the request; answer what the other makes of the result."""
    payload = custom.payload_of(exchange, integration)
    if isinstance(payload, Response):
        return finished(payload)
    if ":action/" in integration.uri:
        return _action(payload, exchange, integration, finished, work)
    event = custom.event_of(payload)
    if isinstance(event, Response):
        return finished(event)
    named = function_of(integration.uri, exchange.variables)
    name = parse_function_name(named, Caller(exchange.account, exchange.region)) if named else None
    if name is None:
        return finished(custom.internal_error())
    if integration.parameters.get("integration.request.header.X-Amz-Invocation-Type") == "'Event'":
        return finished(_submitted(name, event, exchange, integration, work))
    call = Invocation(
        request_id=work.entropy.uuid(),
        function=name.arn,
        payload=event,
        qualifier=name.qualifier,
        trace=exchange.header("x-amzn-trace-id"),
    )

    def answered(result: InvocationResult) -> Answer:
        if result.duration_ms > integration.timeout_ms:
            return finished(response.timed_out())
        return finished(custom.of_function(exchange, integration, result))

    return Perform("lambda.invoke", call, answered)


def _submitted(name: FunctionName, event: str, exchange: Exchange, integration: Integration, work: Work) -> Response:
    """An asynchronous call.

    Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-integration-async.html
    """
    request: dict[str, Any] = {"FunctionName": name.arn, "InvocationType": "Event", "Payload": event.encode()}
    if name.qualifier:
        request["Qualifier"] = name.qualifier
    try:
        work.call("lambda", "Invoke", request, caller=custom.caller_of(exchange))
    except ServiceError as error:
        return custom.of_service(exchange, integration, error)
    return custom.of_service(exchange, integration, b"")


def _action(
    payload: str, exchange: Exchange, integration: Integration, finished: Callable[[Response], Answer], work: Work
) -> Outcome:
    """Call an operation of a service that speaks JSON, in this transaction."""
    action = custom.action_of(substituted(integration.uri, exchange.variables))
    if action is None:
        return finished(custom.internal_error())
    service, operation = action

    def answered(answer: Response) -> Answer:
        return finished(custom.of_service(exchange, integration, answer.body))

    try:
        request = loads(payload)
        if not isinstance(request, dict):
            return finished(message(400, "Could not parse request body into json: an object is expected"))
        if operation == "StartSyncExecution":
            with work.overlay():
                return when_ended(start_sync_execution(msgspec.convert(request, StartSyncExecution), work), answered)
        return answered(direct.answered(work.call(service, operation, request, caller=custom.caller_of(exchange))))
    except BrokenJSON as error:
        return finished(message(400, f"Could not parse request body into json: {error}"))
    except ServiceError as error:
        return finished(custom.of_service(exchange, integration, error))
