"""The events of a stack: what happened to it and to its resources."""

from typing import Any

import msgspec

from interstate.base.addresses import at_host
from interstate.base.time import to_iso
from interstate.services.cloudformation.carry_out import Log
from interstate.services.cloudformation.find import page_start, stack_named
from interstate.store.ports import Work
from interstate.store.records.cloudformation import EVENTS, EVENTS_OF_STACK, Stack, StackEvent

STACK_TYPE = "AWS::CloudFormation::Stack"
PAGE = 100


def save_log(stack: Stack, log: Log, work: Work, token: str | None = None) -> None:
    """Write down what happened to resources, in order."""
    for entry in log.entries:
        _save(stack, entry.logical_id, entry.physical_id, entry.type, entry.status, entry.reason, token, work=work)


def save_status(stack: Stack, status: str, work: Work, reason: str | None = None, token: str | None = None) -> None:
    """Write down what happened to the stack itself."""
    _save(stack, stack.name, stack.arn, STACK_TYPE, status, reason, token, work=work)


def _save(stack: Stack, *fields: str | None, work: Work) -> None:
    logical_id, physical_id, type_, status, reason, token = fields
    event = StackEvent(
        id=work.next_id(EVENTS),
        stack=stack.arn,
        at=work.now,
        logical_id=logical_id or "",
        physical_id=physical_id or "",
        type=type_ or "",
        status=status or "",
        reason=reason,
        token=token,
    )
    work.put(EVENTS, event)


class DescribeStackEvents(msgspec.Struct, frozen=True, rename="pascal"):
    stack_name: str
    next_token: str | None = None


def describe_stack_events(request: DescribeStackEvents, work: Work) -> dict[str, Any]:
    """A stack's events, the latest first; of a deleted stack by its ARN.

    Raises:
        StackMissing: there is no such stack.
    """
    stack = stack_named(request.stack_name, work, missing="event")
    below = page_start(request.next_token, default=2**62)
    found = work.select(EVENTS_OF_STACK, limit=PAGE + 1, stack=stack.arn, below=below)
    answer: dict[str, Any] = {"StackEvents": [_shown(stack, event, work.caller.host) for event in found[:PAGE]]}
    if len(found) > PAGE:
        answer["NextToken"] = str(found[PAGE - 1].id)
    return answer


def _shown(stack: Stack, event: StackEvent, host: str) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "StackId": stack.arn,
        "StackName": stack.name,
        "EventId": f"{event.logical_id}-{event.status}-{to_iso(event.at)}-{event.id}",
        "LogicalResourceId": event.logical_id,
        "PhysicalResourceId": at_host(event.physical_id, host),
        "ResourceType": event.type,
        "Timestamp": event.at,
        "ResourceStatus": event.status,
    }
    if event.reason is not None:
        shown["ResourceStatusReason"] = event.reason
    if event.token is not None:
        shown["ClientRequestToken"] = event.token
    return shown
