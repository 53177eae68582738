"""What ``interstate deploy`` calls: create or update, whichever it takes, with the template already transformed.

And how a call goes on whose template had to be transformed first. Both are operations of an internal service, which has no
model and no door.
"""

from typing import Any

import msgspec

from interstate.base.json import dumps
from interstate.services.cloudformation.change_sets import review
from interstate.services.cloudformation.describe import shown_stack
from interstate.services.cloudformation.find import REVIEW, live_stack
from interstate.services.cloudformation.prepare import prepare
from interstate.services.cloudformation.progress import key_of, settled
from interstate.services.cloudformation.stacks import change, create, differs, fill, new_arn, remove, update
from interstate.services.cloudformation.wanted import Purpose, Wanted
from interstate.services.operation import Outcome, Parked
from interstate.store.ports import Work
from interstate.store.records.cloudformation import EVENTS_OF_STACK, STACKS, Stack

_PURPOSES = {"create": create, "review": review, "update": update}
DEPLOY_S_MAX = 3600.0
_FAILED = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"})
_PAGE = 50
_PAGES_MAX = 40  # Some 2 events for each of the resources that a stack can have, and as many when it is rolled back.


class Deploy(msgspec.Struct, frozen=True, rename="pascal"):
    stack_name: str
    original: str
    template: dict[str, Any]
    parameters: dict[str, str] = {}
    tags: list[dict[str, str]] | None = None


def go_on_after_transform(request: Purpose, work: Work) -> Outcome:
    """What the call wanted, with the plain template."""
    return _PURPOSES[request.purpose](request.wanted, request.details, work)


def deploy(request: Deploy, work: Work) -> Outcome:
    """Create the stack, or update it; a stack whose creation failed before is made anew. What is under way comes to its end first.

    Answers, when the stack has its last status, with the stack, whether anything changed, and the failures of this attempt.

    Raises:
        TemplateError: the template cannot be carried out; nothing was changed.
    """
    existing = live_stack(request.stack_name, work)
    if existing is not None and existing.status in _FAILED:
        existing = remove(existing, work)
    if existing is not None and existing.status != REVIEW and existing.status.endswith("_IN_PROGRESS"):
        return Parked(key_of(existing.arn), DEPLOY_S_MAX, lambda again, _last: deploy(request, again))
    existing = live_stack(request.stack_name, work)
    wanted = Wanted(
        name=request.stack_name,
        arn=new_arn(request.stack_name, work) if existing is None else existing.arn,
        original=request.original,
        document=request.template,
        given=request.parameters,
        capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        tags=request.tags,
    )
    if existing is None:
        create(wanted, {}, work)
    else:
        prepared = prepare(wanted.document, wanted.given, wanted.name, wanted.arn, work)
        if existing.status == REVIEW:
            fill(existing, wanted, prepared, work)
        elif differs(existing, wanted, prepared, work):
            change(existing, wanted, prepared, work)
        else:
            return _answer(_renewed(existing, wanted, work), work, changed=False)
    return settled(wanted.arn, lambda last: _told(wanted.arn, last), work, wait_s=DEPLOY_S_MAX)


def _told(arn: str, work: Work) -> dict[str, Any]:
    stack = work.get(STACKS, arn)
    assert stack is not None, arn
    return _answer(stack, work, changed=True)


def _renewed(stack: Stack, wanted: Wanted, work: Work) -> Stack:
    """The same resources from a text that may differ (comments, order): keep the text."""
    renewed = msgspec.structs.replace(
        stack, original=wanted.original, template=dumps(wanted.document), given=wanted.given
    )
    work.put(STACKS, renewed)
    return renewed


def _answer(stack: Stack, work: Work, *, changed: bool) -> dict[str, Any]:
    return {"Stack": shown_stack(stack), "Changed": changed, "Failures": _failures(stack, work) if changed else []}


def _failures(stack: Stack, work: Work) -> list[dict[str, str]]:
    """What was refused since this attempt began, the last first."""
    failures: list[dict[str, str]] = []
    below = 2**62
    for _ in range(_PAGES_MAX):
        found = work.select(EVENTS_OF_STACK, limit=_PAGE, stack=stack.arn, below=below)
        for event in found:
            if (
                event.status.endswith("_IN_PROGRESS")
                and event.logical_id == stack.name
                and event.reason == "User Initiated"
            ):
                return failures
            if event.status.endswith("_FAILED"):
                failures.append({"LogicalResourceId": event.logical_id, "Reason": event.reason or ""})
        if len(found) < _PAGE:
            break
        below = found[-1].id
    return failures
