"""APIs and their parts by id."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from interstate.base.addresses import STANDARD_PORT, at_host
from interstate.base.arn import Caller
from interstate.base.numbers import whole_number
from interstate.services.apigateway.errors import ApiNotFound, BadRequestException, PartNotFound
from interstate.store.ports import Work
from interstate.store.records.apigateway import APIS, STAGES, Api, Stage
from interstate.store.tables import Table

R = TypeVar("R")
PAGE = 500
PAGE_DEFAULT = 100
_PAGES: Final = {"HTTP": ("Items", "NextToken"), "REST": ("items", "position")}
"""By the kind of API: the member that holds a page, and the one that says where the next begins."""


def scope_of(caller: Caller) -> str:
    """The account and region in which APIs are listed."""
    return f"{caller.account}/{caller.region}"


def api_of(work: Work, api_id: str, kind: str) -> Api:
    """The caller's API of this id and generation.

    Raises:
        ApiNotFound: there is none.
    """
    api = work.get(APIS, api_id)
    if api is None or api.kind != kind or api.scope != scope_of(work.caller):
        raise ApiNotFound(api_id)
    return api


def part_of(work: Work, table: Table[Any], api: Api, identifier: str, what: str) -> Any:
    """A part of an API.

    Raises:
        PartNotFound: there is none.
    """
    found = work.get(table, api.id, identifier)
    if found is None:
        raise PartNotFound(what, identifier)
    return found


def stage_of(work: Work, api: Api, name: str) -> Stage:
    """A stage of an API.

    Raises:
        PartNotFound: there is none.
    """
    stage: Stage = part_of(work, STAGES, api, name, "Stage")
    return stage


def page_size(text: str | int | None) -> int:
    """How many items a page has.

    Raises:
        BadRequestException: no number from 1 to 500.
    """
    if text is None:
        return PAGE_DEFAULT
    number = whole_number(str(text))
    if number is None or not 1 <= number <= PAGE:
        raise BadRequestException(f"Invalid maximum number of results: {text}")
    return number


def page(
    kind: str, found: Sequence[R], size: int, shown: Callable[[R], dict[str, Any]], *, key: str = "id"
) -> dict[str, Any]:
    """A page of what was found, which is one row more than the page has if there is a next one."""
    items, place = _PAGES[kind]
    answer: dict[str, Any] = {items: [shown(row) for row in found[:size]]}
    return answer | ({place: getattr(found[size - 1], key)} if len(found) > size else {})


def endpoint(api: Api, host: str) -> str:
    """The address of an API, at the port by which the caller came (``host``); Interstate takes it at any port where it listens."""
    region = api.scope.split("/")[1]
    return at_host(f"http://{api.id}.execute-api.{region}.localhost:{STANDARD_PORT}", host)


def arn_of(api: Api) -> str:
    """The ARN under which an API is tagged."""
    region = api.scope.split("/")[1]
    return f"arn:aws:apigateway:{region}::/{'apis' if api.kind == 'HTTP' else 'restapis'}/{api.id}"
