"""Stacks: create, update, delete. Each is one transaction, and answered when it is over.

On AWS these calls answer at once and the stack goes on in the background; here the stack has reached its last status when the
call answers, so that a client's waiter is done at its first look. A stack whose resource is refused is not an error of the
call: nothing of the attempt remains, the stack's status and events tell the reason (``ROLLBACK_COMPLETE``,
``UPDATE_ROLLBACK_COMPLETE``), as on AWS.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from interstate.base.json import dumps
from interstate.core.templates.errors import TemplateError
from interstate.core.templates.plan import Change, plan
from interstate.core.templates.reader import read_template
from interstate.services.cloudformation.carry_out import (
    Log,
    OutputValue,
    ResourceFailed,
    Site,
    carry_out,
    delete_all,
    resolve_outputs,
)
from interstate.services.cloudformation.errors import (
    AlreadyExistsException,
    InsufficientCapabilitiesException,
    NothingToUpdate,
    StackMissing,
    StackNotUpdatable,
)
from interstate.services.cloudformation.exports import forget_exports, save_exports, save_imports
from interstate.services.cloudformation.find import REVIEW, live_stack, resources_of, scope_of
from interstate.services.cloudformation.history import save_log, save_status
from interstate.services.cloudformation.prepare import Prepared, check_capabilities, prepare
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
from interstate.services.operation import Answer, Outcome
from interstate.store.ports import Work
from interstate.store.records.cloudformation import (
    CHANGE_SETS,
    CHANGE_SETS_OF_STACK,
    STACK_NAMES,
    STACKS,
    Stack,
    StackName,
    StackResource,
)

NAME_MAX = 128
_NAME = re.compile("[a-zA-Z][-a-zA-Z0-9]*")
_UPDATABLE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})


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
            "OnFailure DO_NOTHING has no meaning here: a stack is one transaction, kept or dropped as a whole."
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


def create(wanted: Wanted, details: Mapping[str, Any], work: Work) -> Answer:
    """Carry out a new stack; ``details`` are not used.

    Raises:
        AlreadyExistsException: another one took the name while the template was transformed.
    """
    del details
    refuse_second(wanted, work)
    prepared = prepare(wanted.document, wanted.given, wanted.name, wanted.arn, work)
    check_capabilities(prepared.template, wanted.capabilities)
    fill(_blank(wanted, work), wanted, prepared, work)
    return {"StackId": wanted.arn}


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
    """Make the resources of a new stack; answers with the stack in its last status."""
    save_status(stack, "CREATE_IN_PROGRESS", work, "User Initiated", wanted.token)
    described = _described(stack, wanted, prepared)
    log = Log()
    try:
        with work.overlay():
            found = carry_out(Site(work, stack.name, stack.arn, log), prepared, {})
            outputs = _outputs(described, prepared, found, work)
    except ResourceFailed as failed:
        return _rolled_back(described, wanted, failed, log, work)
    save_log(stack, log, work, wanted.token)
    return _settled(described, "CREATE_COMPLETE", outputs, work, wanted.token)


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


def _outputs(stack: Stack, prepared: Prepared, found: Mapping[str, StackResource], work: Work) -> list[OutputValue]:
    """Resolve outputs and keep exports and imports, as part of what may be refused."""
    try:
        outputs = resolve_outputs(prepared, found)
        save_exports(stack, outputs, work)
        save_imports(stack, prepared, work)
    except TemplateError as error:
        raise ResourceFailed(stack.name, "OUTPUT", error.message) from error
    return outputs


def _settled(stack: Stack, status: str, outputs: list[OutputValue], work: Work, token: str | None) -> Stack:
    shown = [_shown_output(output) for output in outputs]
    settled = msgspec.structs.replace(stack, status=status, outputs=shown)
    work.put(STACKS, settled)
    save_status(settled, status, work, token=token)
    return settled


def _shown_output(output: OutputValue) -> dict[str, str]:
    shown = {"OutputKey": output.name, "OutputValue": output.value}
    if output.description is not None:
        shown["Description"] = output.description
    if output.export is not None:
        shown["ExportName"] = output.export
    return shown


def _rolled_back(stack: Stack, wanted: Wanted, failed: ResourceFailed, log: Log, work: Work) -> Stack:
    """Write down why nothing stands."""
    save_log(stack, log, work, wanted.token)
    reason = _rollback_reason(failed, "create")
    save_status(stack, "ROLLBACK_IN_PROGRESS", work, reason, wanted.token)
    made = [entry for entry in log.entries if entry.status == "CREATE_COMPLETE"]
    undone = Log()
    for entry in reversed(made):
        undone.add(entry.logical_id, entry.physical_id, entry.type, "DELETE_COMPLETE")
    save_log(stack, undone, work, wanted.token)
    if wanted.on_failure == "DELETE":
        return _gone(stack, work, wanted.token)
    settled = msgspec.structs.replace(stack, status="ROLLBACK_COMPLETE", reason=reason)
    work.put(STACKS, settled)
    save_status(settled, "ROLLBACK_COMPLETE", work, token=wanted.token)
    return settled


def _rollback_reason(failed: ResourceFailed, verb: str) -> str:
    if failed.verb == "OUTPUT":
        return failed.reason
    return f"The following resource(s) failed to {verb}: [{failed.logical_id}]. Rollback requested by user."


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


def update(wanted: Wanted, details: Mapping[str, Any], work: Work) -> Answer:
    """Carry out an update; ``details`` are not used."""
    del details
    stack = updatable(wanted.arn, work)
    prepared = prepare(wanted.document, wanted.given, stack.name, stack.arn, work)
    check_capabilities(prepared.template, wanted.capabilities)
    if not differs(stack, wanted, prepared, work):
        raise NothingToUpdate
    change(stack, wanted, prepared, work)
    return {"StackId": stack.arn}


def before_of(stack: Stack, work: Work) -> Prepared:
    """The stack as its own template says."""
    return prepare(read_template(stack.template), stack.given, stack.name, stack.arn, work)


def changes_of(stack: Stack, prepared: Prepared, work: Work) -> list[Change]:
    """What an update would do."""
    return plan(before_of(stack, work).standing(), prepared.standing(), replaced_by)


def differs(stack: Stack, wanted: Wanted, prepared: Prepared, work: Work) -> bool:
    """Whether an update would do anything at all."""
    before = before_of(stack, work)
    if plan(before.standing(), prepared.standing(), replaced_by):
        return True
    if wanted.tags is not None and wanted.tags != stack.tags:
        return True
    policies = _policies(before) != _policies(prepared)
    return policies or before.outputs_shown() != prepared.outputs_shown()


def _policies(prepared: Prepared) -> dict[str, tuple[str, str]]:
    resources = prepared.template.resources
    return {name: (resource.deletion_policy, resource.replace_policy) for name, resource in resources.items()}


def change(stack: Stack, wanted: Wanted, prepared: Prepared, work: Work) -> Stack:
    """Update a stack's resources; answers with the stack in its last status."""
    save_status(stack, "UPDATE_IN_PROGRESS", work, "User Initiated", wanted.token)
    described = msgspec.structs.replace(_described(stack, wanted, prepared), updated=work.now)
    log = Log()
    try:
        with work.overlay():
            found = carry_out(Site(work, stack.name, stack.arn, log), prepared, resources_of(stack, work))
            outputs = _outputs(described, prepared, found, work)
    except ResourceFailed as failed:
        save_log(stack, log, work, wanted.token)
        reason = _rollback_reason(failed, "update" if failed.verb == "UPDATE" else failed.verb.lower())
        save_status(stack, "UPDATE_ROLLBACK_IN_PROGRESS", work, reason, wanted.token)
        settled = msgspec.structs.replace(stack, status="UPDATE_ROLLBACK_COMPLETE", reason=reason, updated=work.now)
        work.put(STACKS, settled)
        save_status(settled, "UPDATE_ROLLBACK_COMPLETE", work, token=wanted.token)
        return settled
    save_log(stack, log, work, wanted.token)
    return _settled(described, "UPDATE_COMPLETE", outputs, work, wanted.token)


# Delete -----------------------------------------------------------------------------------------------------------


def delete_stack(request: DeleteStack, work: Work) -> None:
    """Delete a stack and its resources; a stack that is not there is deleted already.

    Raises:
        TemplateError: it is protected, or another stack imports what it exports.
    """
    stack = live_stack(request.stack_name, work)
    if stack is None:
        return
    if stack.protected:
        raise TemplateError(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
    remove(stack, work, frozenset(request.retain_resources), request.client_request_token)


def remove(stack: Stack, work: Work, retained: frozenset[str] = frozenset(), token: str | None = None) -> Stack:
    """Delete a stack's resources, then the stack; when one is refused, everything stays."""
    save_status(stack, "DELETE_IN_PROGRESS", work, "User Initiated", token)
    log = Log()
    try:
        with work.overlay():
            forget_exports(stack, work)
            delete_all(Site(work, stack.name, stack.arn, log), resources_of(stack, work), retained)
    except ResourceFailed as failed:
        save_log(stack, log, work, token)
        reason = f"The following resource(s) failed to delete: [{failed.logical_id}]. "
        settled = msgspec.structs.replace(stack, status="DELETE_FAILED", reason=reason)
        work.put(STACKS, settled)
        save_status(settled, "DELETE_FAILED", work, reason, token)
        return settled
    save_log(stack, log, work, token)
    return _gone(stack, work, token)


def _gone(stack: Stack, work: Work, token: str | None) -> Stack:
    work.delete(STACK_NAMES, stack.scope, stack.name)
    for found in work.select(CHANGE_SETS_OF_STACK, limit=1000, stack=stack.arn, after=""):
        work.delete(CHANGE_SETS, found.arn)
    gone = msgspec.structs.replace(stack, status="DELETE_COMPLETE", deleted=work.now, reason=None)
    work.put(STACKS, gone)
    save_status(gone, "DELETE_COMPLETE", work, token=token)
    return gone


def update_termination_protection(request: UpdateTerminationProtection, work: Work) -> dict[str, Any]:
    """Protect a stack from being deleted, or no longer."""
    stack = live_stack(request.stack_name, work)
    if stack is None:
        raise StackMissing(request.stack_name)
    work.put(STACKS, msgspec.structs.replace(stack, protected=request.enable_termination_protection))
    return {"StackId": stack.arn}
