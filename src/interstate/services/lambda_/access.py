"""Who may call a function: its account, and whoever its policy lets.

Source: https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from interstate.base.arn import Caller
from interstate.core.functions.names import parse_function_name
from interstate.services import access
from interstate.services.lambda_.errors import AccessDeniedException, ResourceNotFoundException
from interstate.services.operation import Operation, Outcome
from interstate.store.ports import Work
from interstate.store.records.lambda_ import MAPPINGS, POLICIES

INVOKE = "lambda:InvokeFunction"
_UUID_CHARACTERS = 36


def may(
    work: Work,
    function: str,
    qualifier: str | None,
    caller: Caller,
    *,
    action: str = INVOKE,
    context: Mapping[str, Iterable[str]] | None = None,
) -> bool:
    """Whether ``caller`` may do ``action`` to a function (under a qualifier, whose own policy is asked then)."""
    resource = f"{function}:{qualifier}" if qualifier else function
    return access.is_allowed(
        policy_of(work, function, qualifier), caller, action=action, resource=resource, now=work.now, context=context
    )


def policy_of(work: Work, function: str, qualifier: str | None) -> dict[str, object] | None:
    """The policy document of a function, version or alias."""
    policy = work.get(POLICIES, function, qualifier or "")
    if policy is None:
        return None
    return policy.document


def check(work: Work, function: str, qualifier: str | None, action: str) -> None:
    """Refuse the running call's caller what the function's policy does not let it do.

    Raises:
        AccessDeniedException: another account or a service, and no statement for it.
    """
    caller = work.caller
    if not caller.service and caller.account == function.split(":")[4]:
        own = policy_of(work, function, qualifier)
        if own is None:  # The common case costs one read.
            return
    if not may(work, function, qualifier, caller, action=action):
        raise AccessDeniedException(action, f"{function}:{qualifier}" if qualifier else function, caller)


def check_layer(work: Work, layer: str, version: int | None, action: str) -> None:
    """Refuse the running call's caller what a layer of another account does not let it do: its versions say to whom they are shown.

    Whether there is such a layer is not told.

    Raises:
        AccessDeniedException: another account's layer, and no statement for it.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/permissions-layer-cross-account.html
    """
    if work.caller.account == layer.split(":")[4]:
        return
    policy = None if version is None else work.get(POLICIES, layer, str(version))
    resource = layer if version is None else f"{layer}:{version}"
    document = None if policy is None else policy.document
    if not access.is_allowed(document, work.caller, action=action, resource=resource, now=work.now):
        raise AccessDeniedException(action, resource, work.caller)


# They ask for themselves, once the function is known to be there.
_ASKING = frozenset({"Invoke", "InvokeAsync", "InvokeWithResponseStream"})


def guarded(operations: Iterable[Operation[Any]]) -> tuple[Operation[Any], ...]:
    """The operations, each with a look at whose function it is about: another account's needs a statement for the operation.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html (cross-account access)
    """
    return tuple(one if one.name in _ASKING else _guarded(one) for one in operations)


def _guarded(operation: Operation[Any]) -> Operation[Any]:
    fields = set(operation.request.__struct_fields__)
    field = next((name for name in ("function_name", "resource", "resource_arn", "uuid") if name in fields), None)
    if field is None:
        return operation
    action, handle = f"lambda:{operation.name}", operation.handle

    def checked(request: Any, work: Work) -> Outcome:
        named = getattr(request, field)
        if named and not work.caller.service:
            _check_owner(named, getattr(request, "qualifier", None), action, work)
        return handle(request, work)

    return replace(operation, handle=checked)


def _check_owner(named: str, qualifier: str | None, action: str, work: Work) -> None:
    mapping = work.get(MAPPINGS, named) if len(named) == _UUID_CHARACTERS else None
    name = parse_function_name(mapping.function if mapping is not None else named, work.caller)
    if name is None or name.arn.split(":")[4] == work.caller.account:
        return
    if mapping is not None:
        raise ResourceNotFoundException("The resource you requested does not exist.")
    qualifier = qualifier or name.qualifier
    if not may(work, name.arn, qualifier, work.caller, action=action):
        raise AccessDeniedException(action, f"{name.arn}:{qualifier}" if qualifier else name.arn, work.caller)
