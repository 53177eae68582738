"""Function URLs: an address of a function's own, without an API before it.

Source: Lambda API Reference, CreateFunctionUrlConfig; https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
"""

from typing import Any

import msgspec

from interstate.base.arn import caller_of
from interstate.base.time import to_iso
from interstate.services.lambda_.errors import ResourceConflictException, ResourceNotFoundException
from interstate.services.lambda_.locate import name_of
from interstate.store.ports import Work
from interstate.store.records.lambda_ import ALIASES, FUNCTIONS, URLS, URLS_OF_FUNCTION, FunctionUrl

LIST_MAX = 50
_ID_CHARACTERS = "abcdefghijklmnopqrstuvwxyz234567"
_ID_LENGTH = 32
_MISSING = "The resource you requested does not exist."


class Cors(msgspec.Struct, frozen=True, rename="pascal", omit_defaults=True):
    allow_credentials: bool | None = None
    allow_headers: list[str] | None = None
    allow_methods: list[str] | None = None
    allow_origins: list[str] | None = None
    expose_headers: list[str] | None = None
    max_age: int | None = None


class CreateUrl(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    auth_type: str
    qualifier: str | None = None
    cors: Cors | None = None
    invoke_mode: str | None = None


class UpdateUrl(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    qualifier: str | None = None
    auth_type: str | None = None
    cors: Cors | None = None
    invoke_mode: str | None = None


class UrlRequest(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    qualifier: str | None = None


class ListUrls(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    marker: str = ""
    max_items: int = LIST_MAX


def create_function_url_config(request: CreateUrl, work: Work) -> dict[str, Any]:
    """Give a function, or one of its aliases, an address.

    Raises:
        ResourceNotFoundException: there is no such function or alias.
        ResourceConflictException: it has an address.
    """
    function, qualifier = _existing(work, request.function_name, request.qualifier)
    if work.get(URLS, function, qualifier) is not None:
        arn = f"{function}:{qualifier}" if qualifier else function
        raise ResourceConflictException(
            f"Failed to create function url config for [functionArn = {arn}]. Error message:  "
            "FunctionUrlConfig exists for this Lambda function"
        )
    url = FunctionUrl(
        function=function,
        qualifier=qualifier,
        url_id=_new_id(work),
        auth=request.auth_type,
        invoke_mode=request.invoke_mode or "BUFFERED",
        cors=None if request.cors is None else msgspec.to_builtins(request.cors),
        created=work.now,
        modified=work.now,
    )
    work.put(URLS, url)
    shown = _shown(url, work)
    del shown["LastModifiedTime"]
    if request.invoke_mode is None:
        del shown["InvokeMode"]
    return shown


def _new_id(work: Work) -> str:
    number = int(work.entropy.hex(40), 16)
    digits = []
    for _ in range(_ID_LENGTH):
        number, digit = divmod(number, len(_ID_CHARACTERS))
        digits.append(_ID_CHARACTERS[digit])
    return "".join(digits)


def update_function_url_config(request: UpdateUrl, work: Work) -> dict[str, Any]:
    """Change an address' configuration; what is not given stays.

    Raises:
        ResourceNotFoundException: there is no such function, alias or address.
    """
    function, qualifier = _existing(work, request.function_name, request.qualifier)
    url = _at(work, function, qualifier)
    changed = msgspec.structs.replace(
        url,
        auth=request.auth_type or url.auth,
        cors=url.cors if request.cors is None else msgspec.to_builtins(request.cors),
        invoke_mode=request.invoke_mode or url.invoke_mode,
        modified=work.now,
    )
    work.put(URLS, changed)
    shown = _shown(changed, work)
    if request.invoke_mode is None:
        del shown["InvokeMode"]
    return shown


def get_function_url_config(request: UrlRequest, work: Work) -> dict[str, Any]:
    """An address and its configuration.

    Raises:
        ResourceNotFoundException: there is no such address.
    """
    name = name_of(work, request.function_name, request.qualifier)
    return _shown(_at(work, name.arn, name.qualifier or ""), work)


def delete_function_url_config(request: UrlRequest, work: Work) -> None:
    """Take an address away.

    Raises:
        ResourceNotFoundException: there is no such address.
    """
    name = name_of(work, request.function_name, request.qualifier)
    url = _at(work, name.arn, name.qualifier or "")
    work.delete(URLS, url.function, url.qualifier)


def list_function_url_configs(request: ListUrls, work: Work) -> dict[str, Any]:
    """The addresses of a function and of its aliases.

    Raises:
        ResourceNotFoundException: there is no such function.
    """
    function, _ = _existing(work, request.function_name, None)
    limit = min(request.max_items, LIST_MAX)
    found: list[FunctionUrl] = []
    if not request.marker:
        own = work.get(URLS, function, "")
        found += [own] if own is not None else []
    after = request.marker.removeprefix("=")  # So the marker of the function itself is not the empty text.
    found += work.select(URLS_OF_FUNCTION, limit=limit + 1, function=function, after=after)
    answer: dict[str, Any] = {"FunctionUrlConfigs": [_shown(url, work) for url in found[:limit]]}
    if len(found) > limit:
        answer["NextMarker"] = f"={found[limit - 1].qualifier}"
    return answer


def _existing(work: Work, text: str, qualifier: str | None) -> tuple[str, str]:
    name = name_of(work, text, qualifier)
    known = work.get(FUNCTIONS, name.arn) is not None
    if not known or (name.qualifier is not None and work.get(ALIASES, name.arn, name.qualifier) is None):
        raise ResourceNotFoundException("Function does not exist")
    return name.arn, name.qualifier or ""


def _at(work: Work, function: str, qualifier: str) -> FunctionUrl:
    url = work.get(URLS, function, qualifier)
    if url is None:
        raise ResourceNotFoundException(_MISSING)
    return url


def address_of(url: FunctionUrl, host: str) -> str:
    """Where the function is called: below localhost, at the port by which the caller came (``host``)."""
    port = host.partition(":")[2] if host else "4566"
    end = f":{port}/" if port else "/"
    return f"http://{url.url_id}.lambda-url.{caller_of(url.function).region}.localhost{end}"


def _shown(url: FunctionUrl, work: Work) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "FunctionUrl": address_of(url, work.caller.host),
        "FunctionArn": f"{url.function}:{url.qualifier}" if url.qualifier else url.function,
        "AuthType": url.auth,
        "CreationTime": to_iso(url.created),
        "LastModifiedTime": to_iso(url.modified),
        "InvokeMode": url.invoke_mode,
    }
    if url.cors is not None:
        shown["Cors"] = url.cors
    return shown
