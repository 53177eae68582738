"""Change sets: what an update would do, worked out and kept until it is carried out.

``aws cloudformation deploy`` and ``sam deploy`` go this way for new stacks too.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from interstate.base.errors import NotImplementedHere
from interstate.base.json import dumps
from interstate.core.templates.errors import TemplateError
from interstate.core.templates.plan import Action, Change
from interstate.core.templates.reader import read_template
from interstate.services.cloudformation.describe import shown_values
from interstate.services.cloudformation.errors import (
    AlreadyExistsException,
    ChangeSetNotFoundException,
    InvalidChangeSetStatusException,
    StackDoesNotExist,
)
from interstate.services.cloudformation.find import REVIEW, live_stack, resources_of, scope_of
from interstate.services.cloudformation.history import save_status
from interstate.services.cloudformation.prepare import Prepared, check_capabilities, prepare
from interstate.services.cloudformation.progress import settled
from interstate.services.cloudformation.resources.table import TYPES
from interstate.services.cloudformation.stacks import (
    change,
    changes_of,
    differs,
    fill,
    new_arn,
    refuse_second,
    updatable,
)
from interstate.services.cloudformation.wanted import (
    CreateChangeSet,
    Wanted,
    given_values,
    go_on,
    read_body,
    refuse_unsupported,
    tag_list,
)
from interstate.services.operation import Answer, Outcome
from interstate.store.ports import Work
from interstate.store.records.cloudformation import (
    CHANGE_SETS,
    CHANGE_SETS_OF_STACK,
    STACK_NAMES,
    STACKS,
    ChangeSet,
    Stack,
    StackName,
    StackResource,
)

PAGE = 100
NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."


class ChangeSetRequest(msgspec.Struct, frozen=True, rename="pascal"):
    change_set_name: str
    stack_name: str | None = None
    next_token: str | None = None
    disable_rollback: bool = False
    client_request_token: str | None = None


class ListChangeSets(msgspec.Struct, frozen=True, rename="pascal"):
    stack_name: str
    next_token: str | None = None


def create_change_set(request: CreateChangeSet, work: Work) -> Outcome:
    """Work out what a template would change; nothing is carried out.

    Raises:
        AlreadyExistsException: the stack has a change set of this name.
        TemplateError: the stack is not there (UPDATE) or is (CREATE), or the template is none.
    """
    refuse_unsupported(request)
    if request.change_set_type == "IMPORT":
        raise NotImplementedHere("change sets that import resources")
    stack = _stack_for(request, work)
    arn = _stack_arn(request, stack, work)
    change_set = work.caller.arn("cloudformation", f"changeSet/{request.change_set_name}/{work.entropy.uuid()}")
    _check_free(request.change_set_name, arn, work)
    original, document = read_body(request.template_body, stack, use_previous=request.use_previous_template)
    wanted = Wanted(
        name=arn.split("/")[1],
        arn=arn,
        original=original,
        document=document,
        given=given_values(request.parameters, stack),
        capabilities=request.capabilities,
        tags=tag_list(request.tags),
        role_arn=request.role_arn,
        token=request.client_token,
    )
    details = {
        "arn": change_set,
        "name": request.change_set_name,
        "kind": request.change_set_type,
        "description": request.description,
    }
    return go_on("review", wanted, details, work, then=review, answer={"Id": change_set, "StackId": arn})


def _stack_for(request: CreateChangeSet, work: Work) -> Stack | None:
    stack = live_stack(request.stack_name, work)
    if request.change_set_type == "UPDATE":
        if stack is None:
            raise TemplateError(f"Stack [{request.stack_name}] does not exist")
        return updatable(stack.arn, work)
    if stack is not None and stack.status != REVIEW:
        raise TemplateError(
            f"Stack [{stack.name}] already exists and cannot be created again with the changeSet [{request.change_set_name}]."
        )
    return stack


def _stack_arn(request: CreateChangeSet, stack: Stack | None, work: Work) -> str:
    if stack is not None:
        return stack.arn
    if request.stack_name.startswith("arn:"):
        raise StackDoesNotExist(request.stack_name)
    return new_arn(request.stack_name, work)


def _check_free(name: str, stack: str, work: Work) -> None:
    if any(found.name == name for found in work.select(CHANGE_SETS_OF_STACK, limit=1000, stack=stack, after="")):
        raise AlreadyExistsException(f"ChangeSet {name} already exists for stack {stack}")


def review(wanted: Wanted, details: Mapping[str, Any], work: Work) -> Answer:
    """Keep the change set with its changes, or with the reason why it has none.

    Raises:
        AlreadyExistsException: another one took its name, or its stack's, while the template was transformed.
    """
    refuse_second(wanted, work)
    _check_free(details["name"], wanted.arn, work)
    stack = work.get(STACKS, wanted.arn) or _reviewed(wanted, work)
    blank = ChangeSet(
        arn=details["arn"],
        scope=stack.scope,
        stack=stack.arn,
        name=details["name"],
        kind=details["kind"],
        status="CREATE_COMPLETE",
        execution_status="AVAILABLE",
        created=work.now,
        original=wanted.original,
        template=dumps(wanted.document),
        given=wanted.given,
        capabilities=wanted.capabilities,
        tags=wanted.tags,
        changes=[],
        description=details["description"],
        role_arn=wanted.role_arn,
    )
    try:
        prepared = prepare(wanted.document, wanted.given, stack.name, stack.arn, work)
        check_capabilities(prepared.template, wanted.capabilities)
        changes, reason = _changes(stack, wanted, prepared, work)
    except TemplateError as error:
        changes, reason = [], error.message
    if reason is not None:
        blank = msgspec.structs.replace(blank, status="FAILED", execution_status="UNAVAILABLE", reason=reason)
    work.put(CHANGE_SETS, msgspec.structs.replace(blank, changes=changes))
    return {"Id": blank.arn, "StackId": stack.arn}


def _reviewed(wanted: Wanted, work: Work) -> Stack:
    """A stack that is only a name until its change set is carried out."""
    stack = Stack(wanted.arn, scope_of(work.caller), wanted.name, REVIEW, work.now)
    work.put(STACKS, stack)
    work.put(STACK_NAMES, StackName(stack.scope, stack.name, stack.arn))
    save_status(stack, REVIEW, work, "User Initiated", wanted.token)
    return stack


def _changes(stack: Stack, wanted: Wanted, prepared: Prepared, work: Work) -> tuple[list[dict[str, Any]], str | None]:
    if stack.status == REVIEW:
        added = [Change(Action.CREATE, name, prepared.template.resources[name].type) for name in prepared.order]
        return [_shown_change(change, {}) for change in added], None
    if not differs(stack, wanted, prepared, work):
        return [], NO_CHANGES
    standing = resources_of(stack, work)
    return [_shown_change(change, standing) for change in changes_of(stack, prepared, work)], None


_ACTIONS = {Action.CREATE: "Add", Action.UPDATE: "Modify", Action.REPLACE: "Modify", Action.DELETE: "Remove"}


def _shown_change(change: Change, standing: Mapping[str, StackResource]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "Action": _ACTIONS[change.action],
        "LogicalResourceId": change.logical_id,
        "ResourceType": change.type,
        "Scope": [],
        "Details": [],
    }
    if change.logical_id in standing:
        shown["PhysicalResourceId"] = standing[change.logical_id].physical_id
    if change.action in {Action.UPDATE, Action.REPLACE}:
        replaced = "True" if change.action is Action.REPLACE else "False" if change.certain else "Conditional"
        shown |= {"Scope": ["Properties"], "Replacement": replaced}
        replacing = TYPES[change.type].replacing
        shown["Details"] = [
            {
                "Target": {
                    "Attribute": "Properties",
                    "Name": name,
                    "RequiresRecreation": "Always" if name in replacing else "Never",
                },
                "Evaluation": "Static",
                "ChangeSource": "DirectModification",
            }
            for name in change.properties
        ]
    return {"Type": "Resource", "ResourceChange": shown}


def change_set_named(name: str, stack_name: str | None, work: Work) -> ChangeSet:
    """A change set by its ARN, or by its name and its stack's.

    Raises:
        ChangeSetNotFoundException: there is none.
    """
    if name.startswith("arn:"):
        found = work.get(CHANGE_SETS, name)
        if found is not None:
            return found
        raise ChangeSetNotFoundException(name)
    if stack_name is None:
        raise TemplateError("StackName must be specified if ChangeSetName is not specified as an ARN.")
    stack = live_stack(stack_name, work)
    if stack is None:
        raise TemplateError(f"Stack [{stack_name}] does not exist")
    for change_set in work.select(CHANGE_SETS_OF_STACK, limit=1000, stack=stack.arn, after=""):
        if change_set.name == name:
            return change_set
    raise ChangeSetNotFoundException(name)


def describe_change_set(request: ChangeSetRequest, work: Work) -> dict[str, Any]:
    """A change set with all of its changes.

    Raises:
        ChangeSetNotFoundException: there is none.
    """
    change_set = change_set_named(request.change_set_name, request.stack_name, work)
    shown: dict[str, Any] = {
        **_summary(change_set),
        "Parameters": shown_values(change_set.template, change_set.given),
        "NotificationARNs": [],
        "RollbackConfiguration": {},
        "Capabilities": change_set.capabilities,
        "Tags": change_set.tags or [],
        "Changes": change_set.changes,
    }
    return shown


def _summary(change_set: ChangeSet) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "ChangeSetName": change_set.name,
        "ChangeSetId": change_set.arn,
        "StackId": change_set.stack,
        "StackName": change_set.stack.split("/")[1],
        "CreationTime": change_set.created,
        "ExecutionStatus": change_set.execution_status,
        "Status": change_set.status,
        "IncludeNestedStacks": False,
    }
    optional = {"Description": change_set.description, "StatusReason": change_set.reason}
    return summary | {name: value for name, value in optional.items() if value is not None}


def list_change_sets(request: ListChangeSets, work: Work) -> dict[str, Any]:
    """The change sets of a stack that were not carried out."""
    stack = live_stack(request.stack_name, work)
    if stack is None:
        raise TemplateError(f"Stack [{request.stack_name}] does not exist")
    found = work.select(CHANGE_SETS_OF_STACK, limit=PAGE + 1, stack=stack.arn, after=request.next_token or "")
    answer: dict[str, Any] = {"Summaries": [_summary(change_set) for change_set in found[:PAGE]]}
    if len(found) > PAGE:
        answer["NextToken"] = found[PAGE - 1].arn
    return answer


def delete_change_set(request: ChangeSetRequest, work: Work) -> dict[str, Any]:
    """Forget a change set; one that is not there is forgotten already."""
    try:
        change_set = change_set_named(request.change_set_name, request.stack_name, work)
    except ChangeSetNotFoundException:
        return {}
    work.delete(CHANGE_SETS, change_set.arn)
    return {}


def execute_change_set(request: ChangeSetRequest, work: Work) -> Outcome:
    """Carry out a change set; the stack has its last status when this answers.

    Raises:
        InvalidChangeSetStatusException: it holds no changes, or was carried out.
        TemplateError: the stack is no longer what it was worked out for.
    """
    refuse_unsupported(request)
    change_set = change_set_named(request.change_set_name, request.stack_name, work)
    if change_set.execution_status != "AVAILABLE":
        raise InvalidChangeSetStatusException(change_set.arn, change_set.status)
    stack = work.get(STACKS, change_set.stack)
    assert stack is not None, change_set
    wanted = Wanted(
        name=stack.name,
        arn=stack.arn,
        original=change_set.original,
        document=read_template(change_set.template),
        given=change_set.given,
        capabilities=change_set.capabilities,
        tags=change_set.tags,
        role_arn=change_set.role_arn,
        token=request.client_request_token,
    )
    prepared = prepare(wanted.document, wanted.given, stack.name, stack.arn, work)
    stack = msgspec.structs.replace(stack, change_set=change_set.arn)
    if stack.status == REVIEW:
        fill(stack, wanted, prepared, work)
    else:
        change(stack, wanted, prepared, work)
    _forget(change_set, work)
    return settled(stack.arn, lambda _work: {}, work)


def _forget(executed: ChangeSet, work: Work) -> None:
    """The one that was carried out stays to be described; the others were worked out for another stack."""
    for found in work.select(CHANGE_SETS_OF_STACK, limit=1000, stack=executed.stack, after=""):
        if found.arn != executed.arn:
            work.delete(CHANGE_SETS, found.arn)
    done = msgspec.structs.replace(executed, execution_status="EXECUTE_COMPLETE")
    work.put(CHANGE_SETS, done)
