"""A stack's way from one status to the next, in slices.

Theory of operation
-------------------
Creating, updating, rolling back and deleting are *tasks*. One slice makes, changes or deletes at most ``ROOM`` resources in one
transaction (and looks at ``LOOKED_MAX``: what stands as it is wanted costs next to nothing) and leaves a due row for the next one, so that everybody else is served between two of them and a large stack's
transactions stay far shorter than a node's lease. Between slices the stack is in progress, for everybody to see: its status, its
resources and its events.

A refused resource drops what its own slice did; what earlier slices did is undone from the task's journal, in slices, the last first:
what was made is deleted, what was changed gets back the properties that it had. What an update replaces or no longer wants is
deleted at its very end, when nothing can be refused any more. Whoever changes the stack's status meanwhile (a stack that is deleted
while it is created) ends the task.

A crash anywhere repeats the slice that was not committed. The calls that asked for it wait for the last status (``settled``).

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events-by-operation.html (the statuses)
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

import msgspec

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.core.templates.errors import TemplateError
from interstate.services.cloudformation.carry_out import (
    Doomed,
    Log,
    OutputValue,
    ResourceFailed,
    Site,
    Undo,
    delete,
    delete_all,
    doomed_by,
    free_names,
    make_some,
    put_back,
    resolve_outputs,
)
from interstate.services.cloudformation.exports import save_exports, save_imports
from interstate.services.cloudformation.find import resources_of
from interstate.services.cloudformation.history import save_log, save_status
from interstate.services.cloudformation.prepare import Prepared, prepare_again
from interstate.services.cloudformation.wanted import Wanted
from interstate.services.operation import Answer, Outcome, Parked
from interstate.store.ports import Work
from interstate.store.records.cloudformation import (
    CHANGE_SETS,
    CHANGE_SETS_OF_STACK,
    RESOURCES,
    STACK_NAMES,
    STACKS,
    Stack,
    StackResource,
)

ROOM: Final = 10
"""Resources that a slice touches: some 40 statements on PostgreSQL, a few milliseconds on the embedded store."""
SLICE: Final = "cloudformation.slice"
_WAIT_S: Final = 50.0  # Below the time after which SDKs give an answer up.


class Task(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is left to do for a stack while it has ``status``; body of the step "cloudformation.slice"."""

    caller: Caller
    stack: str
    phase: str
    status: str
    wanted: Wanted | None = None
    before: Stack | None = None  # As it was; None for a stack that is new.
    at: int = 0  # So many resources of the template's order are done.
    journal: list[Undo] = []
    doomed: list[Doomed] = []
    retained: list[str] = []
    token: str | None = None
    reason: str | None = None
    failed: bool = False


class GoOn(msgspec.Struct, frozen=True):
    """Request of the internal operation that carries out a slice in the name of the task's caller."""

    task: Task


_Following = tuple[Task | None, int]  # What is left (None: nothing), and how many resources were touched.


# Slices -----------------------------------------------------------------------------------------------------------


def go_on(task: Task, work: Work) -> Stack:
    """One slice; leaves a due row when something is left. Answers with the stack as it is now."""
    room, left = ROOM, task
    while True:
        stack = work.get(STACKS, left.stack)
        assert stack is not None, left.stack
        if stack.status != left.status:
            return stack  # Somebody else has it now.
        if room <= 0:
            work.later(SLICE, left, yields=True)
            return stack
        following, touched = _PHASES[left.phase](left, stack, room, work)
        if following is None:
            work.wake(key_of(stack.arn))
            settled = work.get(STACKS, stack.arn)
            assert settled is not None, stack.arn
            return settled
        room, left = room - touched, following


def go_on_later(task: Task, work: Work) -> None:
    """A slice that was left."""
    work.call(
        "interstate.stacks", "Slice", {"task": msgspec.to_builtins(task, builtin_types=(datetime,))}, caller=task.caller
    )


def slice_of(request: GoOn, work: Work) -> Answer:
    """The same, inside the call of its caller."""
    go_on(request.task, work)
    return {}


def key_of(arn: str) -> str:
    """What is woken when a stack has its last status."""
    return f"cloudformation:{arn}"


def settled(arn: str, answer: Callable[[Work], Answer], work: Work, *, wait_s: float = _WAIT_S) -> Outcome:
    """The answer when the stack has its last status, or when the wait is over."""
    stack = work.get(STACKS, arn)
    if stack is None or not stack.status.endswith("_IN_PROGRESS"):
        return answer(work)
    return Parked(
        key_of(arn),
        wait_s,
        lambda again, last: answer(again) if last else settled(arn, answer, again, wait_s=wait_s),
    )


# Making -----------------------------------------------------------------------------------------------------------


def start(stack: Stack, described: Stack, wanted: Wanted, work: Work, *, new: bool) -> Stack:
    """Begin to make a stack what ``described`` says, whose resources are ``wanted``."""
    status = "CREATE_IN_PROGRESS" if new else "UPDATE_IN_PROGRESS"
    work.put(STACKS, msgspec.structs.replace(described, status=status))
    save_status(stack, status, work, "User Initiated", wanted.token)
    light = msgspec.structs.replace(wanted, original="", document={})  # The stack has them.
    task = Task(work.caller, stack.arn, "make", status, light, None if new else stack, token=wanted.token)
    return go_on(task, work)


def _make(task: Task, stack: Stack, room: int, work: Work) -> _Following:
    log = Log()
    journal = list(task.journal)
    outputs: list[OutputValue] | None = None
    doomed: list[Doomed] = []
    try:
        with work.overlay():
            prepared = _prepared(stack, work)
            site = Site(work, stack.name, stack.arn, log)
            rows = resources_of(stack, work)
            at = make_some(site, prepared, rows, task.at, room, journal)
            if at == len(prepared.order):
                outputs = _outputs(stack, prepared, rows, work)
                doomed = doomed_by(prepared, rows, journal)
    except ResourceFailed as failed:
        return _refused(task, stack, failed, log, work), 1
    save_log(stack, log, work, task.token)
    if outputs is None:
        return msgspec.structs.replace(task, at=at, journal=journal), room
    shown = msgspec.structs.replace(stack, outputs=[_shown_output(output) for output in outputs])
    if task.before is None:
        settle(shown, "CREATE_COMPLETE", work, task.token)
        return None, 0
    cleans = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    settle(shown, cleans, work, task.token)
    return Task(task.caller, stack.arn, "clean", cleans, doomed=doomed, token=task.token), len(journal) - len(
        task.journal
    )


def _prepared(stack: Stack, work: Work) -> Prepared:
    try:
        return prepare_again(stack, work)
    except ServiceError as error:  # What it imports has gone since it began.
        raise ResourceFailed(stack.name, "OUTPUT", error.message) from error


def _outputs(stack: Stack, prepared: Prepared, rows: Mapping[str, StackResource], work: Work) -> list[OutputValue]:
    """Resolve outputs and keep exports and imports, as part of what may be refused."""
    try:
        outputs = resolve_outputs(prepared, {name: rows[name] for name in prepared.order})
        save_exports(stack, outputs, work)
        save_imports(stack, prepared, work)
    except TemplateError as error:
        raise ResourceFailed(stack.name, "OUTPUT", error.message) from error
    return outputs


def _shown_output(output: OutputValue) -> dict[str, str]:
    shown = {"OutputKey": output.name, "OutputValue": output.value}
    if output.description is not None:
        shown["Description"] = output.description
    if output.export is not None:
        shown["ExportName"] = output.export
    return shown


def _clean(task: Task, stack: Stack, room: int, work: Work) -> _Following:
    """Delete what the update replaced or no longer wants; what is refused is left where it is, and told."""
    log = Log()
    site = Site(work, stack.name, stack.arn, log)
    for old in task.doomed[:room]:
        _delete_or_leave(site, old.resource, old.policy, work)
        if old.left_over:
            work.delete(RESOURCES, stack.arn, old.resource.logical_id)
    save_log(stack, log, work, task.token)
    left = task.doomed[room:]
    if left:
        return msgspec.structs.replace(task, doomed=left), room
    settle(stack, "UPDATE_COMPLETE", work, task.token)
    return None, 0


def _delete_or_leave(site: Site, resource: StackResource, policy: str, work: Work) -> bool:
    """Whether the resource was deleted."""
    try:
        with work.overlay():
            delete(site, resource, policy=policy)
    except ResourceFailed:
        return False
    return True


# Rolling back -----------------------------------------------------------------------------------------------------


def _refused(task: Task, stack: Stack, failed: ResourceFailed, log: Log, work: Work) -> Task:
    """This slice is dropped already; what earlier ones did is in the journal."""
    save_log(stack, log, work, task.token)
    new = task.before is None
    verb = "create" if new else "update" if failed.verb == "UPDATE" else failed.verb.lower()
    reason = _reason(failed, verb)
    status = "ROLLBACK_IN_PROGRESS" if new else "UPDATE_ROLLBACK_IN_PROGRESS"
    work.put(STACKS, msgspec.structs.replace(stack, status=status, reason=reason))
    save_status(stack, status, work, reason, task.token)
    if new:
        undone = Log()
        for entry in reversed([entry for entry in log.entries if entry.status == "CREATE_COMPLETE"]):
            undone.add(entry.logical_id, entry.physical_id, entry.type, "DELETE_COMPLETE")
        save_log(stack, undone, work, task.token)
    return msgspec.structs.replace(task, phase="roll_back", status=status, reason=reason)


def _reason(failed: ResourceFailed, verb: str) -> str:
    if failed.verb == "OUTPUT":
        return failed.reason
    return f"The following resource(s) failed to {verb}: [{failed.logical_id}]. Rollback requested by user."


def _roll_back(task: Task, stack: Stack, room: int, work: Work) -> _Following:
    log = Log()
    site = Site(work, stack.name, stack.arn, log)
    done = True
    for undo in list(reversed(task.journal))[:room]:
        done = _undone(site, undo, work) and done
    save_log(stack, log, work, task.token)
    failed = task.failed or not done
    left = task.journal[: -room or None] if len(task.journal) > room else []
    if left:
        return msgspec.structs.replace(task, journal=left, failed=failed), room
    last = "FAILED" if failed else "COMPLETE"
    if task.before is None:
        if task.wanted is not None and task.wanted.on_failure == "DELETE" and not failed:
            gone(stack, work, task.token)
        else:
            settle(stack, f"ROLLBACK_{last}", work, task.token)
    else:
        before = msgspec.structs.replace(task.before, reason=task.reason, updated=work.now)
        settle(before, f"UPDATE_ROLLBACK_{last}", work, task.token)
    return None, 0


def _undone(site: Site, undo: Undo, work: Work) -> bool:
    now = work.get(RESOURCES, site.arn, undo.logical_id)
    assert now is not None, undo
    if undo.old is not None and not undo.replaced:
        try:
            with work.overlay():
                work.put(RESOURCES, put_back(site, now, undo.old))
        except ResourceFailed:
            return False
        return True
    if not _delete_or_leave(site, now, "Delete", work):
        return False
    free_names(site, now)
    if undo.old is None:
        work.delete(RESOURCES, site.arn, undo.logical_id)
    else:
        work.put(RESOURCES, undo.old)
    return True


# Deleting ---------------------------------------------------------------------------------------------------------


def start_deleting(stack: Stack, retained: frozenset[str], token: str | None, work: Work) -> Stack:
    """Begin to delete a stack's resources, then the stack."""
    status = "DELETE_IN_PROGRESS"
    deleting = msgspec.structs.replace(stack, status=status, reason=None)
    work.put(STACKS, deleting)
    save_status(stack, status, work, "User Initiated", token)
    return go_on(Task(work.caller, stack.arn, "delete", status, retained=sorted(retained), token=token), work)


def _delete(task: Task, stack: Stack, room: int, work: Work) -> _Following:
    log = Log()
    try:
        with work.overlay():
            site = Site(work, stack.name, stack.arn, log)
            left = delete_all(site, resources_of(stack, work), frozenset(task.retained), room)
    except ResourceFailed as failed:
        save_log(stack, log, work, task.token)
        reason = f"The following resource(s) failed to delete: [{failed.logical_id}]. "
        work.put(STACKS, msgspec.structs.replace(stack, status="DELETE_FAILED", reason=reason))
        save_status(stack, "DELETE_FAILED", work, reason, task.token)
        return None, 0
    save_log(stack, log, work, task.token)
    if left:
        return task, room
    gone(stack, work, task.token)
    return None, 0


# Ends -------------------------------------------------------------------------------------------------------------


def settle(stack: Stack, status: str, work: Work, token: str | None) -> None:
    """Give the stack a status, and write it down."""
    work.put(STACKS, msgspec.structs.replace(stack, status=status))
    save_status(stack, status, work, token=token)


def gone(stack: Stack, work: Work, token: str | None) -> None:
    """The stack is deleted: its name is free."""
    work.delete(STACK_NAMES, stack.scope, stack.name)
    for found in work.select(CHANGE_SETS_OF_STACK, limit=1000, stack=stack.arn, after=""):
        work.delete(CHANGE_SETS, found.arn)
    last = msgspec.structs.replace(stack, status="DELETE_COMPLETE", deleted=work.now, reason=None)
    work.put(STACKS, last)
    save_status(last, "DELETE_COMPLETE", work, token=token)


_PHASES: Final[Mapping[str, Callable[[Task, Stack, int, Work], _Following]]] = {
    "clean": _clean,
    "delete": _delete,
    "make": _make,
    "roll_back": _roll_back,
}
