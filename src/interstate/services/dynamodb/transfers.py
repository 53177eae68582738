"""Exports and imports: how they are named, found, and repeated under one token."""

from hashlib import blake2b
from typing import Any

import msgspec
import orjson

from interstate.base.errors import ServiceError
from interstate.base.time import to_millis
from interstate.store.ports import Work
from interstate.store.records.dynamodb import (
    ITEM_TRANSFERS,
    TRANSFERS_OF_SCOPE,
    TRANSFERS_OF_TOKEN,
    ItemTransfer,
)

LIST_MAX = 25
_PAGE = 200


def new_arn(table_arn: str, kind: str, work: Work) -> str:
    """``.../table/t/export/01695353076000-a1b2c3d4``."""
    return f"{table_arn}/{kind}/{to_millis(work.now):014d}-{work.entropy.hex(8)}"


def digest(request: msgspec.Struct) -> bytes:
    """Equal for equal requests."""
    return blake2b(orjson.dumps(msgspec.to_builtins(request), option=orjson.OPT_SORT_KEYS), digest_size=16).digest()


def scope_of(work: Work) -> str:
    """The caller's account and region."""
    return f"{work.caller.account}/{work.caller.region}"


def repeated(kind: str, token: str | None, request: bytes, conflict: ServiceError, work: Work) -> ItemTransfer | None:
    """What was begun under the token before.

    Raises:
        ServiceError: ``conflict``, when it was begun with another request.
    """
    if token is None:
        return None
    known = work.select(TRANSFERS_OF_TOKEN, limit=1, scope=scope_of(work), kind=kind, token=token)
    if not known:
        return None
    if known[0].request != request:
        raise conflict
    return known[0]


def found(arn: str, kind: str, missing: ServiceError, work: Work) -> ItemTransfer:
    """The caller's export or import.

    Raises:
        ServiceError: ``missing``, when there is none.
    """
    transfer = work.get(ITEM_TRANSFERS, arn)
    if transfer is None or transfer.kind != kind or transfer.scope != scope_of(work):
        raise missing
    return transfer


def listed(kind: str, table_arn: str | None, limit: int, token: str, work: Work) -> tuple[list[ItemTransfer], bool]:
    """A page of exports or imports, of one table or all, and whether there are more."""
    answer: list[ItemTransfer] = []
    after = token
    while len(answer) <= limit:
        page = work.select(TRANSFERS_OF_SCOPE, limit=_PAGE, scope=scope_of(work), kind=kind, after=after)
        answer.extend(one for one in page if table_arn in (None, one.table_arn))
        if len(page) < _PAGE:
            break
        after = page[-1].arn
    return answer[:limit], len(answer) > limit


def ended(transfer: ItemTransfer, work: Work, *, failure: tuple[str, str] | None = None) -> ItemTransfer:
    """The transfer after its end, saved."""
    details: dict[str, Any] = dict(transfer.details)
    if failure is not None:
        details["FailureCode"], details["FailureMessage"] = failure
    status = "COMPLETED" if failure is None else "FAILED"
    transfer = msgspec.structs.replace(transfer, status=status, ended=work.now, details=details)
    work.put(ITEM_TRANSFERS, transfer)
    return transfer
