"""Reading stacks: what there is, in which status, of which resources."""

from datetime import timedelta
from typing import Any

import msgspec

from interstate.base.addresses import as_stored, at_host
from interstate.base.errors import ServiceError
from interstate.base.json import dumps
from interstate.base.time import from_micros, to_micros
from interstate.core.templates.document import parse_template
from interstate.core.templates.errors import TemplateError
from interstate.core.templates.parameters import MASK, is_secret
from interstate.core.templates.reader import read_template
from interstate.services.cloudformation.errors import ResourceMissing
from interstate.services.cloudformation.find import page_start, resources_of, scope_of, stack_named
from interstate.store.ports import Work
from interstate.store.records.cloudformation import (
    NAMES_OF_SCOPE,
    RESOURCES,
    RESOURCES_BY_PHYSICAL_ID,
    RESOURCES_OF_STACK,
    STACKS,
    STACKS_OF_SCOPE,
    Stack,
    StackResource,
)

PAGE = 100
_MICROS_MAX = 2**52  # In the year 2112.
DELETED_SHOWN = timedelta(days=90)  # Source: ListStacks


class DescribeStacks(msgspec.Struct, frozen=True, rename="pascal"):
    stack_name: str | None = None
    next_token: str | None = None


class ListStacks(msgspec.Struct, frozen=True, rename="pascal"):
    next_token: str | None = None
    stack_status_filter: list[str] = []


class DescribeStackResource(msgspec.Struct, frozen=True, rename="pascal"):
    stack_name: str
    logical_resource_id: str


class DescribeStackResources(msgspec.Struct, frozen=True, rename="pascal"):
    stack_name: str | None = None
    logical_resource_id: str | None = None
    physical_resource_id: str | None = None


class ListStackResources(msgspec.Struct, frozen=True, rename="pascal"):
    stack_name: str
    next_token: str | None = None


def describe_stacks(request: DescribeStacks, work: Work) -> dict[str, Any]:
    """One stack, or all that are not deleted, by name.

    Raises:
        StackDoesNotExist: there is no such stack.
    """
    if request.stack_name is not None:
        return {"Stacks": [shown_stack(stack_named(request.stack_name, work), work.caller.host)]}
    after = request.next_token or ""
    names = work.select(NAMES_OF_SCOPE, limit=PAGE + 1, scope=scope_of(work.caller), after=after)
    stacks = [work.get(STACKS, found.arn) for found in names[:PAGE]]
    answer: dict[str, Any] = {"Stacks": [shown_stack(stack, work.caller.host) for stack in stacks if stack is not None]}
    if len(names) > PAGE:
        answer["NextToken"] = names[PAGE - 1].name
    return answer


def shown_stack(stack: Stack, host: str = "") -> dict[str, Any]:
    """A stack as DescribeStacks shows it; secret parameters are masked, addresses of ours have the port by which the caller came (``host``)."""
    shown: dict[str, Any] = {
        "StackId": stack.arn,
        "StackName": stack.name,
        "CreationTime": stack.created,
        "StackStatus": stack.status,
        "RollbackConfiguration": {},
        "DisableRollback": False,
        "NotificationARNs": [],
        "Capabilities": stack.capabilities,
        "Tags": stack.tags,
        "EnableTerminationProtection": stack.protected,
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
        "Parameters": shown_parameters(stack),
        "Outputs": [
            {**output, "OutputValue": at_host(output["OutputValue"], host)} if "OutputValue" in output else output
            for output in stack.outputs
        ],
    }
    optional = {
        "ChangeSetId": stack.change_set,
        "DeletionTime": stack.deleted,
        "Description": stack.description,
        "LastUpdatedTime": stack.updated,
        "RoleARN": stack.role_arn,
        "StackStatusReason": stack.reason,
    }
    return shown | {name: value for name, value in optional.items() if value is not None}


def shown_parameters(stack: Stack) -> list[dict[str, str]]:
    """The values of a stack's parameters, with defaults, secrets masked."""
    if not stack.template:
        return []
    return shown_values(stack.template, stack.given)


def shown_values(template: str, given: dict[str, str]) -> list[dict[str, str]]:
    """The values of a template's parameters, as descriptions show them."""
    shown = []
    for name, declaration in parse_template(read_template(template)).parameters.items():
        value = given.get(name, _default(declaration.get("Default")))
        shown.append({"ParameterKey": name, "ParameterValue": MASK if is_secret(declaration) else value})
    return shown


def _default(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def list_stacks(request: ListStacks, work: Work) -> dict[str, Any]:
    """Stacks, the newest first; deleted ones for 90 days."""
    created, arn = from_micros(_MICROS_MAX), ""
    if request.next_token is not None:
        place, _, arn = request.next_token.partition("|")
        micros = page_start(place, default=0)
        if micros > _MICROS_MAX:
            raise TemplateError("Invalid NextToken")
        created = from_micros(micros)
    found = work.select(STACKS_OF_SCOPE, limit=PAGE + 1, scope=scope_of(work.caller), created=created, arn=arn)
    shown = [_summary(stack) for stack in found[:PAGE] if _listed(stack, request.stack_status_filter, work)]
    answer: dict[str, Any] = {"StackSummaries": shown}
    if len(found) > PAGE:
        answer["NextToken"] = f"{to_micros(found[PAGE - 1].created)}|{found[PAGE - 1].arn}"
    return answer


def _listed(stack: Stack, statuses: list[str], work: Work) -> bool:
    recent = stack.deleted is None or work.now - stack.deleted < DELETED_SHOWN
    return recent and (not statuses or stack.status in statuses)


def _summary(stack: Stack) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "StackId": stack.arn,
        "StackName": stack.name,
        "CreationTime": stack.created,
        "StackStatus": stack.status,
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
    }
    optional = {
        "DeletionTime": stack.deleted,
        "LastUpdatedTime": stack.updated,
        "StackStatusReason": stack.reason,
        "TemplateDescription": stack.description,
    }
    return summary | {name: value for name, value in optional.items() if value is not None}


def describe_stack_resource(request: DescribeStackResource, work: Work) -> dict[str, Any]:
    """One resource, with its metadata.

    Raises:
        TemplateError: there is no such stack, or no such resource in it.
    """
    stack = stack_named(request.stack_name, work, missing="name")
    resource = work.get(RESOURCES, stack.arn, request.logical_resource_id)
    if resource is None:
        raise ResourceMissing(request.logical_resource_id, stack.name)
    detail = _shown_resource(stack, resource, work.caller.host) | {"LastUpdatedTimestamp": resource.updated}
    detail["Metadata"] = dumps(resource.metadata)
    del detail["Timestamp"]
    return {"StackResourceDetail": detail}


def describe_stack_resources(request: DescribeStackResources, work: Work) -> dict[str, Any]:
    """The resources of a stack, or of the stack that has a physical resource.

    Raises:
        TemplateError: neither is named, or there is no such stack.
    """
    stack = _stack_of(request, work)
    logical_id = request.logical_resource_id
    resources = [
        _shown_resource(stack, resource, work.caller.host)
        for name, resource in resources_of(stack, work).items()
        if logical_id is None or name == logical_id
    ]
    if logical_id is not None and not resources:
        raise ResourceMissing(logical_id, stack.name)
    return {"StackResources": resources}


def _stack_of(request: DescribeStackResources, work: Work) -> Stack:
    if request.stack_name is not None:
        return stack_named(request.stack_name, work)
    if request.physical_resource_id is None:
        raise TemplateError("Either StackName or PhysicalResourceId must be specified")
    physical_id = as_stored(request.physical_resource_id)
    found = work.select(RESOURCES_BY_PHYSICAL_ID, limit=100, physical_id=physical_id)
    for resource in found:
        stack = work.get(STACKS, resource.stack)
        if stack is not None and stack.scope == scope_of(work.caller):
            return stack
    error: ServiceError = TemplateError(f"Stack for {request.physical_resource_id} does not exist")
    raise error


def _shown_resource(stack: Stack, resource: StackResource, host: str) -> dict[str, Any]:
    return {
        "StackName": stack.name,
        "StackId": stack.arn,
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": at_host(resource.physical_id, host),
        "ResourceType": resource.type,
        "Timestamp": resource.updated,
        "ResourceStatus": resource.status,
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    }


def list_stack_resources(request: ListStackResources, work: Work) -> dict[str, Any]:
    """A page of a stack's resources.

    Raises:
        TemplateError: there is no such stack.
    """
    stack = stack_named(request.stack_name, work)
    found = work.select(RESOURCES_OF_STACK, limit=PAGE + 1, stack=stack.arn, after=request.next_token or "")
    summaries = [
        {
            "LogicalResourceId": resource.logical_id,
            "PhysicalResourceId": at_host(resource.physical_id, work.caller.host),
            "ResourceType": resource.type,
            "LastUpdatedTimestamp": resource.updated,
            "ResourceStatus": resource.status,
            "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
        }
        for resource in found[:PAGE]
    ]
    answer: dict[str, Any] = {"StackResourceSummaries": summaries}
    if len(found) > PAGE:
        answer["NextToken"] = found[PAGE - 1].logical_id
    return answer
