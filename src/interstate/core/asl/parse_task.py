"""A Task's fields: what it calls, how long that may take, under whose role.

Source: https://states-language.net/#task-state; refusals as answered by CreateStateMachine.
"""

import re

from interstate.core.asl.dataflow import compile_template
from interstate.core.asl.definition import Resource, State, Task
from interstate.core.asl.parse_errors import SECONDS_MAX, catch_of, retry_of
from interstate.core.asl.query import is_expression
from interstate.core.asl.scope import Scope, flow_of, integer_of, next_of, query_of
from interstate.core.asl.template import Template

_FUNCTION = re.compile(r"arn:[\w-]+:lambda:[\w-]*:[\w-]*:function:[\w-]+(:[\w$-]+)?\Z")
_ACTIVITY = re.compile(r"arn:[\w-]+:states:[\w-]+:\d{12}:activity:.+\Z")
_SERVICE = re.compile(
    r"arn:[\w-]+:states:[\w-]*:\d*:(?P<type>(?:aws-sdk:)?[\w-]+):(?P<action>\w+)"
    r"(?P<pattern>|\.sync|\.sync:2|\.waitForTaskToken)\Z"
)


def parse_resource(arn: str) -> Resource | None:
    """What a Task's ``Resource`` names; None when it is no ARN that a Task can have."""
    if _FUNCTION.match(arn):
        return Resource(arn, "lambda")
    if _ACTIVITY.match(arn):
        return Resource(arn, "activity")
    service = _SERVICE.match(arn)
    if service is None or service["type"] == "activity":
        return None
    return Resource(arn, "service", service["type"], service["action"], service["pattern"])  # type: ignore[arg-type]  # by the expression


def _resource(scope: Scope) -> Resource:
    reader, place = scope.reader, f"{scope.place}/Resource"
    arn = reader.string(scope.given, "Resource", scope.place)
    if arn is None:
        return Resource("", "service")
    resource = parse_resource(arn)
    if resource is None or (resource.kind == "service" and reader.is_known and not reader.is_known(arn)):
        reader.fault(_unknown(arn), place)
        return Resource(arn, "service")
    message = express_fault(resource) if reader.express else None
    if message is not None:
        reader.fault(message, place)
    return resource


def express_fault(resource: Resource) -> str | None:
    """Why an Express execution cannot have a Task of this resource; None when it can."""
    if resource.kind == "activity":
        return "Express state machine does not support Activity ARN"
    if resource.pattern == ".waitForTaskToken":  # The trailing space is Step Functions'.
        return "Express state machine does not support '.waitForTaskToken' service integration "
    return "Express state machine does not support '.sync' service integration" if resource.pattern else None


def _unknown(arn: str) -> str:
    if not arn.startswith("arn:"):
        return "Value is not a valid resource ARN"
    return (
        f"The resource provided {arn} is not recognized. The value is not a valid resource ARN, "
        "or the resource is not available in this region."
    )


def parse_task(scope: Scope) -> State:
    """A Task."""
    reader = scope.reader
    reader.required(scope.given, ("Resource",), scope.place)
    timeout = integer_of(scope, "TimeoutSeconds", 1, SECONDS_MAX)
    heartbeat = integer_of(scope, "HeartbeatSeconds", 1, SECONDS_MAX)
    if isinstance(timeout, int) and isinstance(heartbeat, int) and heartbeat >= timeout:
        reader.fault("HeartbeatSeconds must be smaller than TimeoutSeconds", f"{scope.place}/HeartbeatSeconds")
    resource = _resource(scope) if "Resource" in scope.given else Resource("", "service")
    return Task(
        scope.name,
        next_of(scope),
        flow_of(scope, has_result=True),
        resource,
        retry_of(scope),
        catch_of(scope),
        timeout,
        heartbeat,
        _credentials(scope, resource),
    )


def _credentials(scope: Scope, resource: Resource) -> Template | None:
    if "Credentials" not in scope.given:
        return None
    place = f"{scope.place}/Credentials"
    if resource.kind == "activity":
        scope.reader.fault("The field 'Credentials' is not supported for activities", place)
        return None
    if scope.jsonata and is_expression(scope.given["Credentials"]):
        return query_of(scope, "Credentials", "Credentials")
    given = scope.reader.object(scope.given["Credentials"], place)
    if given is None:
        return None
    if "RoleArn" not in given and (scope.jsonata or "RoleArn.$" not in given):
        scope.reader.fault("The field 'RoleArn' is required but was missing", place)
        return None
    if scope.jsonata:
        return query_of(scope, "Credentials", "Credentials")
    return scope.reader.compiled(lambda: compile_template(given, place), None)
