"""Tags of functions and event source mappings.

Source: Lambda API Reference, TagResource.
"""

from typing import Any

import msgspec

from interstate.services.lambda_.errors import InvalidParameterValueException, ResourceNotFoundException
from interstate.services.lambda_.locate import function_at
from interstate.store.ports import Work
from interstate.store.records.lambda_ import FUNCTIONS, MAPPINGS, Function, Mapping

TAGS_MAX = 50


class TagResource(msgspec.Struct, frozen=True, rename="pascal"):
    resource: str
    tags: dict[str, str]


class UntagResource(msgspec.Struct, frozen=True, rename="pascal"):
    resource: str
    tag_keys: list[str]


class ListTags(msgspec.Struct, frozen=True, rename="pascal"):
    resource: str


def tag_resource(request: TagResource, work: Work) -> None:
    """Add tags, or change them.

    Raises:
        ResourceNotFoundException: there is no such resource.
        InvalidParameterValueException: too many tags.
    """
    record = _tagged(work, request.resource)
    tags = {**record.tags, **request.tags}
    if len(tags) > TAGS_MAX:
        raise InvalidParameterValueException(f"Number of tags exceeds resource tag limit of {TAGS_MAX}.")
    _put(work, record, tags)


def untag_resource(request: UntagResource, work: Work) -> None:
    """Take tags off.

    Raises:
        ResourceNotFoundException: there is no such resource.
    """
    record = _tagged(work, request.resource)
    _put(work, record, {key: value for key, value in record.tags.items() if key not in request.tag_keys})


def list_tags(request: ListTags, work: Work) -> dict[str, Any]:
    """The tags of a resource.

    Raises:
        ResourceNotFoundException: there is no such resource.
    """
    return {"Tags": _tagged(work, request.resource).tags}


def _tagged(work: Work, arn: str) -> Function | Mapping:
    if ":event-source-mapping:" in arn:
        mapping = work.get(MAPPINGS, arn.rsplit(":", 1)[1])
        if mapping is None:
            raise ResourceNotFoundException("The resource you requested does not exist.")
        return mapping
    return function_at(work, arn)


def _put(work: Work, record: Function | Mapping, tags: dict[str, str]) -> None:
    if isinstance(record, Function):
        work.put(FUNCTIONS, msgspec.structs.replace(record, tags=tags))
    else:
        work.put(MAPPINGS, msgspec.structs.replace(record, tags=tags))
