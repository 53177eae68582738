"""Stacks by name or ARN."""

from typing import Final

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.base.numbers import whole_number
from interstate.core.templates.errors import TemplateError
from interstate.services.cloudformation.errors import StackDoesNotExist, StackMissing
from interstate.store.ports import Work
from interstate.store.records.cloudformation import (
    RESOURCES_OF_STACK,
    STACK_NAMES,
    STACKS,
    Stack,
    StackResource,
)

RESOURCES_MAX: Final = 1000  # Twice what a template can have: an update may hold old and new ones.
REVIEW: Final = "REVIEW_IN_PROGRESS"


def scope_of(caller: Caller) -> str:
    """The account and region in which names are unique."""
    return f"{caller.account}/{caller.region}"


def live_stack(name: str, work: Work) -> Stack | None:
    """The stack that has the name (or this ARN) and is not deleted."""
    if name.startswith("arn:"):
        stack = work.get(STACKS, name)
        return None if stack is None or stack.deleted is not None else stack
    found = work.get(STACK_NAMES, scope_of(work.caller), name)
    return None if found is None else work.get(STACKS, found.arn)


def stack_named(name: str, work: Work, *, missing: str = "id") -> Stack:
    """The stack of a name; by its ARN also a deleted one.

    ``missing`` says which words the operation uses for a stack that is not there.

    Raises:
        TemplateError: there is none.
    """
    stack = work.get(STACKS, name) if name.startswith("arn:") else live_stack(name, work)
    if stack is None:
        error: ServiceError = StackDoesNotExist(name) if missing == "id" else StackMissing(name)
        raise error
    return stack


def resources_of(stack: Stack, work: Work) -> dict[str, StackResource]:
    """What stands in the stack, by logical id."""
    found = work.select(RESOURCES_OF_STACK, limit=RESOURCES_MAX, stack=stack.arn, after="")
    return {resource.logical_id: resource for resource in found}


def page_start(token: str | None, *, default: int) -> int:
    """Where a page begins.

    Raises:
        TemplateError: the token is none of ours.
    """
    if token is None:
        return default
    number = whole_number(token)
    if number is None:
        raise TemplateError("Invalid NextToken")
    return number
