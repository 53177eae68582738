"""Tags of functions and event source mappings.

Source: Lambda API Reference, TagResource.
"""

from typing import Any

import msgspec

from interstate.services.lambda_.errors import InvalidParameterValueException, ResourceNotFoundException
from interstate.services.lambda_.locate import function_at
from interstate.store.ports import Work
from interstate.store.records.lambda_ import (
    CAPACITY_PROVIDERS,
    CODE_SIGNING,
    FUNCTIONS,
    LATEST,
    MAPPINGS,
    VERSIONS,
    CapacityProvider,
    CodeSigning,
    Function,
    Mapping,
)

TAGS_MAX = 50
_FUNCTION_COLONS = 6  # Of an ARN without qualifier.

Tagged = Function | Mapping | CodeSigning | CapacityProvider


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
    if not request.tags:
        raise InvalidParameterValueException("An error occurred and the request cannot be processed.")
    tags = {**record.tags, **request.tags}
    if len(tags) > TAGS_MAX:
        raise InvalidParameterValueException("Number of tags exceeds resource tag limit.")
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


def _tagged(work: Work, arn: str) -> Tagged:
    if ":event-source-mapping:" in arn:
        mapping = work.get(MAPPINGS, arn.rsplit(":", 1)[1])
        if mapping is None:
            raise ResourceNotFoundException(f"Event source mapping not found: {arn}")
        return mapping
    if ":code-signing-config:" in arn:
        config = work.get(CODE_SIGNING, arn)
        if config is None:
            raise ResourceNotFoundException(f"The Lambda code signing configuration {arn} can not be found.")
        return config
    if ":capacity-provider:" in arn:
        provider = work.get(CAPACITY_PROVIDERS, arn)
        if provider is None:
            raise ResourceNotFoundException(f"Capacity provider not found: {arn}")
        return provider
    if arn.count(":") > _FUNCTION_COLONS:
        raise InvalidParameterValueException(
            "Tags on function aliases and versions are not supported. Please specify a function ARN."
        )
    return function_at(work, arn)


def _put(work: Work, record: Tagged, tags: dict[str, str]) -> None:
    """Tags are no part of a configuration, but the revision of ``$LATEST`` tells of them too."""
    match record:
        case Function():
            work.put(FUNCTIONS, msgspec.structs.replace(record, tags=tags))
            latest = work.get(VERSIONS, record.arn, LATEST)
            if latest is not None:
                work.put(VERSIONS, msgspec.structs.replace(latest, revision=work.entropy.uuid()))
        case Mapping():
            work.put(MAPPINGS, msgspec.structs.replace(record, tags=tags))
        case CapacityProvider():
            work.put(CAPACITY_PROVIDERS, msgspec.structs.replace(record, tags=tags))
        case CodeSigning():
            work.put(CODE_SIGNING, msgspec.structs.replace(record, tags=tags))
