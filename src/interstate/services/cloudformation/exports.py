"""Exports: values of one stack that others of the account and region import."""

from collections.abc import Sequence
from typing import Any

import msgspec

from interstate.base.addresses import at_host
from interstate.base.json import JSON, dumps_bytes
from interstate.core.templates.errors import TemplateError
from interstate.core.templates.intrinsics import as_text, function_of, resolve
from interstate.services.cloudformation.carry_out import OutputValue
from interstate.services.cloudformation.errors import ExportInUse
from interstate.services.cloudformation.find import scope_of
from interstate.services.cloudformation.prepare import Prepared
from interstate.store.ports import Work
from interstate.store.records.cloudformation import (
    EXPORTS,
    EXPORTS_OF_SCOPE,
    EXPORTS_OF_STACK,
    IMPORTS,
    IMPORTS_OF_EXPORT,
    IMPORTS_OF_STACK,
    STACKS,
    Export,
    Import,
    Stack,
)

PAGE = 100
_MANY = 1000


class ListExports(msgspec.Struct, frozen=True, rename="pascal"):
    next_token: str | None = None


class ListImports(msgspec.Struct, frozen=True, rename="pascal"):
    export_name: str
    next_token: str | None = None


def save_exports(stack: Stack, outputs: Sequence[OutputValue], work: Work) -> None:
    """Make the stack's exports what its outputs say.

    Raises:
        TemplateError: another stack exports the name.
        ExportInUse: a value that is imported would change or go.
    """
    wanted = {output.export: output.value for output in outputs if output.export is not None}
    for old in work.select(EXPORTS_OF_STACK, limit=_MANY, stack=stack.arn):
        if wanted.get(old.name) != old.value:
            users = _users(old, work)
            if users:
                raise ExportInUse(old.name, "updated" if old.name in wanted else "deleted", users)
            work.delete(EXPORTS, old.scope, old.name)
    for name, value in wanted.items():
        other = work.get(EXPORTS, stack.scope, name)
        if other is not None and other.stack != stack.arn:
            raise TemplateError(f"Export with name {name} is already exported by stack {_name(other.stack)}.")
        work.put(EXPORTS, Export(stack.scope, name, value, stack.arn))


def forget_exports(stack: Stack, work: Work) -> None:
    """Take a stack's exports and imports back.

    Raises:
        ExportInUse: another stack imports one.
    """
    save_exports(stack, (), work)
    for used in work.select(IMPORTS_OF_STACK, limit=_MANY, stack=stack.arn):
        work.delete(IMPORTS, used.scope, used.name, used.stack)


def save_imports(stack: Stack, prepared: Prepared, work: Work) -> None:
    """Note which exports the stack uses."""
    values: list[JSON] = [resource.properties for resource in prepared.template.resources.values()]
    values += [output.value for output in prepared.template.outputs.values()]
    wanted = {name for value in values for name in _imported(value, prepared)}
    for old in work.select(IMPORTS_OF_STACK, limit=_MANY, stack=stack.arn):
        if old.name not in wanted:
            work.delete(IMPORTS, old.scope, old.name, old.stack)
    for name in sorted(wanted):
        work.put(IMPORTS, Import(stack.scope, name, stack.arn))


def _imported(value: JSON, prepared: Prepared) -> set[str]:
    # Nearly no value has one, which its text tells much faster than a walk.
    return _walked(value, prepared) if b'"Fn::ImportValue"' in dumps_bytes(value) else set()


def _walked(value: JSON, prepared: Prepared) -> set[str]:
    called = function_of(value)
    if called is not None and called[0] == "Fn::ImportValue":
        name = as_text(resolve(called[1], prepared.scope))
        return set() if name is None else {name}
    match value:
        case dict():
            return set().union(*(_walked(item, prepared) for item in value.values()))
        case list():
            return set().union(*(_walked(item, prepared) for item in value))
        case _:
            return set()


def _users(export: Export, work: Work) -> list[str]:
    found = work.select(IMPORTS_OF_EXPORT, limit=_MANY, scope=export.scope, name=export.name)
    return [_name(used.stack) for used in found]


def _name(arn: str) -> str:
    return arn.split("/")[1]


def list_exports(request: ListExports, work: Work) -> dict[str, Any]:
    """The exports of the caller's account and region, by name."""
    after = request.next_token or ""
    found = work.select(EXPORTS_OF_SCOPE, limit=PAGE + 1, scope=scope_of(work.caller), after=after)
    host = work.caller.host
    shown = [
        {"ExportingStackId": export.stack, "Name": export.name, "Value": at_host(export.value, host)}
        for export in found[:PAGE]
    ]
    return {"Exports": shown} | ({"NextToken": found[PAGE - 1].name} if len(found) > PAGE else {})


def list_imports(request: ListImports, work: Work) -> dict[str, Any]:
    """The stacks that import a value.

    Raises:
        TemplateError: there is no such export, or nobody imports it.
    """
    scope = scope_of(work.caller)
    found = work.select(IMPORTS_OF_EXPORT, limit=_MANY, scope=scope, name=request.export_name)
    if not found:
        raise TemplateError(f"Export '{request.export_name}' is not imported by any stack.")
    stacks = [work.get(STACKS, used.stack) for used in found]
    return {"Imports": [stack.name for stack in stacks if stack is not None]}
