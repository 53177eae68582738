"""Stacks: create, update, delete; each is answered when it is over.

On AWS these calls answer at once and the stack goes on in the background. Here, too, it goes on in the background, in slices
(``progress``), but the call waits for the last status as long as clients wait, so that a waiter is done at its first look. A stack
whose resource is refused is not an error of the call: nothing of the attempt remains, the stack's status and events tell the reason
(``ROLLBACK_COMPLETE``, ``UPDATE_ROLLBACK_COMPLETE``), as on AWS.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from interstate.base.json import dumps
from interstate.core.templates.errors import TemplateError
from interstate.core.templates.plan import Change, plan
from interstate.services.cloudformation.errors import (
    AlreadyExistsException,
    InsufficientCapabilitiesException,
    NothingToUpdate,
    StackMissing,
    StackNotDeletable,
    StackNotUpdatable,
)
from interstate.services.cloudformation.exports import forget_exports
from interstate.services.cloudformation.find import REVIEW, live_stack, scope_of
from interstate.services.cloudformation.prepare import (
    Prepared,
    check_capabilities,
    compared,
    prepare,
    prepare_again,
)
from interstate.services.cloudformation.progress import settled, start, start_deleting
from interstate.services.cloudformation.resources.table import replaced_by
from interstate.services.cloudformation.wanted import (
    CreateStack,
    UpdateStack,
    Wanted,
    given_values,
    go_on,
    read_body,
    refuse_unsupported,
    tag_list,
)
from interstate.services.operation import Outcome
from interstate.store.ports import Work
from interstate.store.records.cloudformation import STACK_NAMES, STACKS, Stack, StackName

NAME_MAX = 128
_NAME = re.compile("[a-zA-Z][-a-zA-Z0-9]*")
_UPDATABLE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})
_BUSY = frozenset(
    {
        "ROLLBACK_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
    }
)


class DeleteStack(msgspec.Struct, frozen=True, rename="pascal"):
    stack_name: str
    retain_resources: list[str] = []
    role_arn: str | None = msgspec.field(name="RoleARN", default=None)
    client_request_token: str | None = None
    deletion_mode: str | None = None


class UpdateTerminationProtection(msgspec.Struct, frozen=True, rename="pascal"):
    enable_termination_protection: bool
    stack_name: str


# Create -----------------------------------------------------------------------------------------------------------


def create_stack(request: CreateStack, work: Work) -> Outcome:
    """Make a stack of a template.

    Raises:
        AlreadyExistsException: the name is taken.
        InsufficientCapabilitiesException: the template makes roles, or has transforms, and the caller did not say so.
        TemplateError: the template cannot be carried out.
    """
    refuse_unsupported(request)
    if request.on_failure == "DO_NOTHING":
        raise TemplateError(
            "OnFailure DO_NOTHING has no meaning here: what was made of a stack that failed is taken back."
        )
    if live_stack(request.stack_name, work) is not None:
        raise AlreadyExistsException(f"Stack [{request.stack_name}] already exists")
    original, document = read_body(request.template_body)
    _check_auto_expand(document, request.capabilities)
    wanted = Wanted(
        name=request.stack_name,
        arn=new_arn(request.stack_name, work),
        original=original,
        document=document,
        given=given_values(request.parameters, None),
        capabilities=request.capabilities,
        tags=tag_list(request.tags),
        role_arn=request.role_arn,
        token=request.client_request_token,
        on_failure=request.on_failure or "ROLLBACK",
        protected=request.enable_termination_protection,
    )
    return go_on("create", wanted, {}, work, then=create, answer={"StackId": wanted.arn})


def new_arn(name: str, work: Work) -> str:
    """The ARN of a new stack; its last part makes it differ from a deleted one's.

    Raises:
        TemplateError: no stack can have the name.
    """
    if not _NAME.fullmatch(name):
        rule = "satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
    elif len(name) > NAME_MAX:
        rule = f"have length less than or equal to {NAME_MAX}"
    else:
        return work.caller.arn("cloudformation", f"stack/{name}/{work.entropy.uuid()}")
    raise TemplateError(
        f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy constraint: Member must {rule}"
    )


def _check_auto_expand(document: dict[str, Any], capabilities: list[str]) -> None:
    if document.get("Transform") and "CAPABILITY_AUTO_EXPAND" not in capabilities:
        raise InsufficientCapabilitiesException(["CAPABILITY_AUTO_EXPAND"])


def create(wanted: Wanted, details: Mapping[str, Any], work: Work) -> Outcome:
    """Carry out a new stack; ``details`` are not used.

    Raises:
        AlreadyExistsException: another one took the name while the template was transformed.
    """
    del details
    refuse_second(wanted, work)
    prepared = prepare(wanted.document, wanted.given, wanted.name, wanted.arn, work)
    check_capabilities(prepared.template, wanted.capabilities)
    fill(_blank(wanted, work), wanted, prepared, work)
    return settled(wanted.arn, lambda _work: {"StackId": wanted.arn}, work)


def refuse_second(wanted: Wanted, work: Work) -> None:
    """While a template is transformed, another call may take the stack's name.

    Raises:
        AlreadyExistsException: it did.
    """
    standing = live_stack(wanted.name, work)
    if standing is not None and standing.arn != wanted.arn:
        raise AlreadyExistsException(f"Stack [{wanted.name}] already exists")


def _blank(wanted: Wanted, work: Work) -> Stack:
    existing = work.get(STACKS, wanted.arn)
    if existing is not None:
        return existing  # A change set put it there for review.
    stack = Stack(
        arn=wanted.arn,
        scope=scope_of(work.caller),
        name=wanted.name,
        status="CREATE_IN_PROGRESS",
        created=work.now,
        protected=wanted.protected,
    )
    work.put(STACK_NAMES, StackName(stack.scope, stack.name, stack.arn))
    return stack


def fill(stack: Stack, wanted: Wanted, prepared: Prepared, work: Work) -> Stack:
    """Begin to make the resources of a new stack; answers with the stack as it is after the first slice."""
    return start(stack, _described(stack, wanted, prepared), wanted, work, new=True)


def _described(stack: Stack, wanted: Wanted, prepared: Prepared) -> Stack:
    return msgspec.structs.replace(
        stack,
        original=wanted.original,
        template=dumps(wanted.document),
        description=prepared.template.description,
        given=wanted.given,
        capabilities=wanted.capabilities,
        tags=stack.tags if wanted.tags is None else wanted.tags,
        role_arn=wanted.role_arn or stack.role_arn,
        reason=None,
    )


# Update -----------------------------------------------------------------------------------------------------------


def update_stack(request: UpdateStack, work: Work) -> Outcome:
    """Make a stack what a new template, or new parameters, say.

    Raises:
        TemplateError: there is no such stack, nothing would change, or the template cannot be carried out.
    """
    refuse_unsupported(request)
    stack = updatable(request.stack_name, work)
    original, document = read_body(request.template_body, stack, use_previous=request.use_previous_template)
    _check_auto_expand(document, request.capabilities)
    wanted = Wanted(
        name=stack.name,
        arn=stack.arn,
        original=original,
        document=document,
        given=given_values(request.parameters, stack),
        capabilities=request.capabilities,
        tags=tag_list(request.tags),
        role_arn=request.role_arn,
        token=request.client_request_token,
    )
    return go_on("update", wanted, {}, work, then=update, answer={"StackId": stack.arn})


def updatable(name: str, work: Work) -> Stack:
    """The stack of a name, when it can be updated.

    Raises:
        TemplateError: it is not there, or its status forbids it.
    """
    stack = live_stack(name, work)
    if stack is None or stack.status == REVIEW:
        raise StackMissing(name)
    if stack.status not in _UPDATABLE:
        raise StackNotUpdatable(stack.arn, stack.status)
    return stack


def update(wanted: Wanted, details: Mapping[str, Any], work: Work) -> Outcome:
    """Carry out an update; ``details`` are not used."""
    del details
    stack = updatable(wanted.arn, work)
    prepared = prepare(wanted.document, wanted.given, stack.name, stack.arn, work)
    check_capabilities(prepared.template, wanted.capabilities)
    if not differs(stack, wanted, prepared, work):
        raise NothingToUpdate
    change(stack, wanted, prepared, work)
    return settled(stack.arn, lambda _work: {"StackId": stack.arn}, work)


def changes_of(stack: Stack, prepared: Prepared, work: Work) -> list[Change]:
    """What an update would do."""
    return _planned(prepare_again(stack, work), prepared)


def _planned(before: Prepared, after: Prepared) -> list[Change]:
    return plan(*compared(before, after), replaced_by)


def differs(stack: Stack, wanted: Wanted, prepared: Prepared, work: Work) -> bool:
    """Whether an update would do anything at all."""
    before = prepare_again(stack, work)
    if _planned(before, prepared):
        return True
    if wanted.tags is not None and wanted.tags != stack.tags:
        return True
    policies = _policies(before) != _policies(prepared)
    return policies or before.outputs_shown() != prepared.outputs_shown()


def _policies(prepared: Prepared) -> dict[str, tuple[str, str]]:
    resources = prepared.template.resources
    return {name: (resource.deletion_policy, resource.replace_policy) for name, resource in resources.items()}


def change(stack: Stack, wanted: Wanted, prepared: Prepared, work: Work) -> Stack:
    """Begin to update a stack's resources; answers with the stack as it is after the first slice."""
    described = msgspec.structs.replace(_described(stack, wanted, prepared), updated=work.now)
    return start(stack, described, wanted, work, new=False)


# Delete -----------------------------------------------------------------------------------------------------------


def delete_stack(request: DeleteStack, work: Work) -> Outcome:
    """Delete a stack and its resources; a stack that is not there is deleted already. One that is being created is given up.

    Raises:
        TemplateError: it is protected, it is being updated or rolled back, or another stack imports what it exports.
    """
    stack = live_stack(request.stack_name, work)
    if stack is None:
        return None
    if stack.protected:
        raise TemplateError(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
    remove(stack, work, frozenset(request.retain_resources), request.client_request_token)
    return settled(stack.arn, lambda _work: None, work)


def remove(stack: Stack, work: Work, retained: frozenset[str] = frozenset(), token: str | None = None) -> Stack:
    """Begin to delete a stack's resources, then the stack; when one is refused, its slice stays.

    Raises:
        TemplateError: it is being updated or rolled back, or another stack imports what it exports.
    """
    if stack.status == "DELETE_IN_PROGRESS":
        return stack
    if stack.status in _BUSY:
        raise StackNotDeletable(stack.arn, stack.status)
    forget_exports(stack, work)
    return start_deleting(stack, retained, token, work)


def update_termination_protection(request: UpdateTerminationProtection, work: Work) -> dict[str, Any]:
    """Protect a stack from being deleted, or no longer."""
    stack = live_stack(request.stack_name, work)
    if stack is None:
        raise StackMissing(request.stack_name)
    work.put(STACKS, msgspec.structs.replace(stack, protected=request.enable_termination_protection))
    return {"StackId": stack.arn}
