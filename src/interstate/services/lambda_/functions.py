"""Functions: their life, code, configuration and published versions.

Source: Lambda API Reference.
"""

from typing import Any

import msgspec

from interstate.base.arn import caller_of
from interstate.base.errors import NotImplementedHere
from interstate.base.numbers import whole_number
from interstate.services.lambda_.code import Content, Kept, check_storage, check_together, keep, release
from interstate.services.lambda_.code_signing import signing_at
from interstate.services.lambda_.configuration import Configuration, applied, check, described
from interstate.services.lambda_.downloads import location
from interstate.services.lambda_.errors import (
    AccessDeniedException,
    InvalidParameterValueException,
    PreconditionFailedException,
    ResourceConflictException,
    function_not_found,
)
from interstate.services.lambda_.locate import (
    FUNCTIONS_ONLY,
    changeable,
    function_at,
    layer_at,
    located,
    name_of,
    scope_of,
    version_at,
)
from interstate.store.ports import Work
from interstate.store.records.lambda_ import (
    ALIASES,
    ALIASES_OF_FUNCTION,
    EVENT_INVOKE_CONFIGS,
    EVENT_INVOKE_CONFIGS_OF_FUNCTION,
    FUNCTIONS,
    FUNCTIONS_OF_SCOPE,
    LATEST,
    POLICIES,
    POLICIES_OF_FUNCTION,
    PROVISIONED,
    PROVISIONED_OF_FUNCTION,
    URLS,
    URLS_OF_FUNCTION,
    VERSIONS,
    VERSIONS_OF_FUNCTION,
    Function,
    FunctionVersion,
    Preparation,
)

TAGS_MAX = 50
LIST_MAX = (
    50  # Source: ListFunctions, "returns a maximum of 50 items in each response, even if you set the number higher".
)
VERSIONS_MAX = 10_000  # Of one function; more are not deleted at once.


class CreateFunction(Configuration, frozen=True, rename="pascal", kw_only=True):
    code: Content
    publish: bool = False
    publish_to: str | None = None
    package_type: str = "Zip"
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    architectures: list[str] = msgspec.field(default_factory=list)


class FunctionRequest(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    qualifier: str | None = None


class UpdateFunctionCode(Content, frozen=True, rename="pascal", kw_only=True):
    function_name: str
    architectures: list[str] | None = None
    publish: bool = False
    publish_to: str | None = None
    dry_run: bool = False
    revision_id: str | None = None


class UpdateFunctionConfiguration(Configuration, frozen=True, rename="pascal", kw_only=True):
    revision_id: str | None = None


class ListFunctions(msgspec.Struct, frozen=True, rename="pascal"):
    master_region: str | None = None
    function_version: str | None = None
    marker: str = ""
    max_items: int = LIST_MAX


class ListVersions(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    marker: str = ""
    max_items: int = LIST_MAX


class PublishVersion(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    code_sha256: str | None = None
    description: str | None = None
    revision_id: str | None = None
    publish_to: str | None = None


def create_function(request: CreateFunction, work: Work) -> dict[str, Any]:
    """Create a function from a zip or a local folder.

    Raises:
        ResourceConflictException: the caller has a function of this name.
        InvalidParameterValueException: a value that Lambda refuses, or code that is none.
        NotImplementedHere: a runtime or a feature that Interstate does not have.
    """
    if request.package_type != "Zip":
        raise NotImplementedHere("functions from container images")
    _refuse_publish_to(request.publish_to)
    _check_name(request.function_name)
    if not request.runtime or not request.handler:
        raise InvalidParameterValueException(
            "Runtime and Handler are mandatory parameters for functions created with deployment packages."
        )
    name = name_of(work, request.function_name)
    if name.qualifier not in (None, LATEST):
        raise InvalidParameterValueException(FUNCTIONS_ONLY)
    if caller_of(name.arn).account != work.caller.account:
        raise AccessDeniedException("lambda:CreateFunction", name.arn, work.caller)
    if work.get(FUNCTIONS, name.arn) is not None:
        raise ResourceConflictException(f"Function already exist: {name.name}")
    check(work, request)
    kept = keep(work, request.code)
    check_storage(work, kept.size_bytes)
    if len(request.tags) > TAGS_MAX:
        raise InvalidParameterValueException("Number of tags exceeds resource tag limit.")
    if request.code_signing_config_arn:
        signing_at(work, request.code_signing_config_arn)
    function = Function(
        name.arn,
        scope_of(name.arn),
        name.name,
        tags=request.tags,
        created=work.now,
        code_signing=request.code_signing_config_arn,
    )
    version = FunctionVersion(
        function=name.arn,
        version=LATEST,
        number=0,
        name=name.name,
        runtime=request.runtime,
        role=request.role or "",
        handler=request.handler,
        code=kept.place,
        code_sha256=kept.sha256,
        code_size=kept.size_bytes,
        description="",
        timeout_s=3,  # Source: CreateFunction, Timeout: "The default is 3 seconds".
        memory_mb=128,
        ephemeral_mb=512,
        environment={},
        layers=[],
        architecture=request.architectures[0] if request.architectures else "x86_64",
        revision=work.entropy.uuid(),
        modified=work.now,
        becoming="Creating",
    )
    version = applied(version, request)
    _check_size(version, work)
    work.put(FUNCTIONS, function)
    work.put(VERSIONS, version)
    work.later("lambda.prepare", Preparation(name.arn))
    if request.publish:
        publish(work, function, version)
        return {**described(work, version), "Version": "1"}
    return described(work, version)


NAME_MAX = 64  # Source: CreateFunction, "If you specify only the function name, it is limited to 64 characters".


def _check_name(text: str) -> None:
    name = text.rsplit("function:", 1)[-1]
    if len(name.partition(":")[0]) > NAME_MAX:
        raise InvalidParameterValueException(
            f"1 validation error detected: Value '{name}' at 'functionName' failed to satisfy constraint: "
            f"Member must have length less than or equal to {NAME_MAX}"
        )


def _refuse_publish_to(target: str | None) -> None:
    if target is not None:
        raise NotImplementedHere(f"publishing to {target}")


def _published(work: Work, function: Function, latest: FunctionVersion) -> dict[str, Any]:
    version = publish(work, function, latest)
    return described(work, version, version.version)


def _check_steady(work: Work, latest: FunctionVersion) -> None:
    """Refuse a change of what an earlier one has not left yet.

    A folder lies ready where it is. What one transaction changes twice (a stack's update) is one change.
    """
    if latest.becoming and latest.modified != work.now and not latest.code.startswith("dir:"):
        raise ResourceConflictException(
            f"The operation cannot be performed at this time. An update is in progress for resource: {latest.function}"
            if latest.becoming == "Updating"
            else "The operation cannot be performed at this time. The function is currently in the following state: Pending"
        )


def get_function(request: FunctionRequest, work: Work) -> dict[str, Any]:
    """A function's configuration, where its code lies, its tags and its reserved concurrency.

    Raises:
        ResourceNotFoundException: there is no such function, version or alias.
    """
    found = located(work, request.function_name, request.qualifier)
    version = version_at(work, found)
    answer: dict[str, Any] = {
        "Configuration": described(work, version, found.qualifier),
        "Code": {
            "RepositoryType": "Local" if version.code.startswith("dir:") else "S3",
            "Location": location(version.code, work),
        },
    }
    if found.function.tags:
        answer["Tags"] = found.function.tags
    if found.function.reserved_concurrency is not None:
        answer["Concurrency"] = {"ReservedConcurrentExecutions": found.function.reserved_concurrency}
    return answer


def get_function_configuration(request: FunctionRequest, work: Work) -> dict[str, Any]:
    """A function's configuration.

    Raises:
        ResourceNotFoundException: there is no such function, version or alias.
    """
    found = located(work, request.function_name, request.qualifier)
    return described(work, version_at(work, found), found.qualifier)


def list_functions(request: ListFunctions, work: Work) -> dict[str, Any]:
    """The caller's functions in the order of their names, with all of their versions on request."""
    scope = f"{work.caller.account}/{work.caller.region}"
    limit = min(request.max_items, LIST_MAX)
    found = work.select(FUNCTIONS_OF_SCOPE, limit=limit + 1, scope=scope, after=request.marker)
    shown: list[dict[str, Any]] = []
    for function in found[:limit]:
        many = VERSIONS_MAX if request.function_version == "ALL" else 1
        versions = work.select(VERSIONS_OF_FUNCTION, limit=many, function=function.arn, from_number=0)
        shown += [
            described(work, version, version.version if request.function_version == "ALL" else None, listed=True)
            for version in versions
        ]
    answer: dict[str, Any] = {"Functions": shown}
    if len(found) > limit:
        answer["NextMarker"] = found[limit - 1].name
    return answer


def update_function_code(request: UpdateFunctionCode, work: Work) -> dict[str, Any]:
    """Give ``$LATEST`` other code; calls that run go on with the old one.

    Raises:
        ResourceNotFoundException: there is no such function.
        PreconditionFailedException: the function is at another revision.
        InvalidParameterValueException: code that is none.
    """
    _refuse_publish_to(request.publish_to)
    function = changeable(work, request.function_name)
    latest = _latest(work, function, request.revision_id)
    if request.image_uri is not None:
        raise InvalidParameterValueException(
            "Please don't provide ImageUri when updating a function with packageType Zip."
        )
    _check_steady(work, latest)
    kept = keep(work, request)
    check_storage(work, kept.size_bytes - latest.code_size)
    changed = _with_code(latest, kept, request.architectures, work)
    _check_size(changed, work)
    if request.dry_run:
        release(work, changed.code)
        return described(work, changed)
    work.put(VERSIONS, changed)
    release(work, latest.code)
    work.later("lambda.prepare", Preparation(function.arn))
    return _published(work, function, changed) if request.publish else described(work, changed)


def _with_code(latest: FunctionVersion, kept: Kept, architectures: list[str] | None, work: Work) -> FunctionVersion:
    return msgspec.structs.replace(
        latest,
        code=kept.place,
        code_sha256=kept.sha256,
        code_size=kept.size_bytes,
        architecture=architectures[0] if architectures else latest.architecture,
        revision=work.entropy.uuid(),
        modified=work.now,
        becoming=latest.becoming or "Updating",
    )


def _latest(work: Work, function: Function, revision: str | None) -> FunctionVersion:
    latest = work.get(VERSIONS, function.arn, LATEST)
    assert latest is not None, function.arn
    if revision is not None and revision != latest.revision:
        raise PreconditionFailedException
    return latest


def update_function_configuration(request: UpdateFunctionConfiguration, work: Work) -> dict[str, Any]:
    """Change the configuration of ``$LATEST``; what is not given stays.

    Raises:
        ResourceNotFoundException: there is no such function.
        PreconditionFailedException: the function is at another revision.
        InvalidParameterValueException: a value that Lambda refuses.
    """
    function = changeable(work, request.function_name)
    latest = _latest(work, function, request.revision_id)
    check(work, request)
    _check_steady(work, latest)
    changed = msgspec.structs.replace(
        applied(latest, request),
        revision=work.entropy.uuid(),
        modified=work.now,
        becoming=latest.becoming or "Updating",
    )
    if request.layers:
        _check_size(changed, work)
    work.put(VERSIONS, changed)
    work.later("lambda.prepare", Preparation(function.arn))
    return described(work, changed)


def _check_size(version: FunctionVersion, work: Work) -> None:
    """Refuse a version whose code is too large with its layers."""
    layers = [layer for arn in version.layers if (layer := layer_at(work, arn)) is not None]
    check_together(
        work,
        Kept(version.code, version.code_sha256, version.code_size),
        [Kept(layer.code, layer.code_sha256, layer.code_size) for layer in layers],
    )


def delete_function(request: FunctionRequest, work: Work) -> dict[str, Any]:
    """Forget a function with all that belongs to it, or one of its versions.

    Raises:
        ResourceNotFoundException: there is no such function.
        ResourceConflictException: an alias points to the version.
        InvalidParameterValueException: ``$LATEST`` alone, or an alias, cannot be deleted.
    """
    name = name_of(work, request.function_name, request.qualifier)
    if name.qualifier == LATEST:
        raise InvalidParameterValueException("$LATEST version cannot be deleted without deleting the function.")
    function = work.get(FUNCTIONS, name.arn)
    arn = name.arn
    if function is None:
        raise function_not_found(arn)
    if name.qualifier is not None:
        _delete_version(work, arn, name.qualifier)
        return {"StatusCode": 204}
    for version in work.select(VERSIONS_OF_FUNCTION, limit=VERSIONS_MAX, function=arn, from_number=0):
        work.delete(VERSIONS, arn, version.version)
        release(work, version.code)
    for alias in work.select(ALIASES_OF_FUNCTION, limit=VERSIONS_MAX, function=arn, after=""):
        work.delete(ALIASES, arn, alias.name)
    for config in work.select(EVENT_INVOKE_CONFIGS_OF_FUNCTION, limit=VERSIONS_MAX, function=arn, after=""):
        work.delete(EVENT_INVOKE_CONFIGS, arn, config.qualifier)
    for provisioned in work.select(PROVISIONED_OF_FUNCTION, limit=VERSIONS_MAX, function=arn, after=""):
        work.delete(PROVISIONED, arn, provisioned.qualifier)
    for policy in work.select(POLICIES_OF_FUNCTION, limit=VERSIONS_MAX, function=arn):
        work.delete(POLICIES, arn, policy.qualifier)
    for url in work.select(URLS_OF_FUNCTION, limit=VERSIONS_MAX, function=arn, after=" "):
        work.delete(URLS, arn, url.qualifier)
    work.delete(URLS, arn, "")
    work.delete(FUNCTIONS, arn)
    return {"StatusCode": 204}


def _delete_version(work: Work, function: str, version: str) -> None:
    if not version.isdecimal():
        raise InvalidParameterValueException("Deletion of aliases is not currently supported.")
    record = work.get(VERSIONS, function, version)
    if record is None:  # No error: deleting a version again is answered like the first time.
        return
    aliases = work.select(ALIASES_OF_FUNCTION, limit=VERSIONS_MAX, function=function, after="")
    users = [alias.name for alias in aliases if version in (alias.version, *alias.weights)]
    if users:
        # Source: https://github.com/karl-cardenas-coding/go-lambda-cleanup/issues/45 (the service's answer)
        raise ResourceConflictException(
            f"Unable to delete version because the following aliases reference it: [{', '.join(users)}]"
        )
    work.delete(VERSIONS, function, version)
    release(work, record.code)


# Versions ---------------------------------------------------------------------------------------------------------


def publish(work: Work, function: Function, latest: FunctionVersion, description: str | None = None) -> FunctionVersion:
    """Freeze ``$LATEST`` as the next version; nothing new is made when nothing has changed since the last one."""
    last = work.get(VERSIONS, function.arn, str(function.next_version - 1))
    latest = msgspec.structs.replace(latest, further={**latest.further, PUBLISHED: latest.description})
    if last is not None and _same(last, latest):
        return last
    check_storage(work, latest.code_size)
    number = function.next_version
    version = msgspec.structs.replace(
        latest,
        version=str(number),
        number=number,
        revision=work.entropy.uuid(),
        description=latest.description if description is None else description,
        becoming="Creating" if latest.becoming else "",
    )
    work.put(FUNCTIONS, msgspec.structs.replace(function, next_version=number + 1))
    work.put(VERSIONS, version)
    # What $LATEST is known by changes too, as on AWS.
    work.put(VERSIONS, msgspec.structs.replace(latest, revision=work.entropy.uuid()))
    return version


# Where a version remembers the description of $LATEST from which it was made, which counts as a change as well.
PUBLISHED = "PublishedDescription"


def _same(one: FunctionVersion, other: FunctionVersion) -> bool:
    apart = {"version": "", "number": 0, "revision": "", "modified": other.modified, "description": "", "becoming": ""}
    return msgspec.structs.replace(one, **apart) == msgspec.structs.replace(other, **apart)


def publish_version(request: PublishVersion, work: Work) -> dict[str, Any]:
    """Freeze ``$LATEST`` as a version. A local folder is not copied: its versions run what it holds now.

    Raises:
        ResourceNotFoundException: there is no such function.
        PreconditionFailedException: the function is at another revision.
        InvalidParameterValueException: the code is another than the caller thinks.
    """
    _refuse_publish_to(request.publish_to)
    function = changeable(work, request.function_name)
    latest = _latest(work, function, request.revision_id)
    if request.code_sha256 is not None and request.code_sha256 != latest.code_sha256:
        raise InvalidParameterValueException(
            f"CodeSHA256 ({request.code_sha256}) is different from current CodeSHA256 in $LATEST ({latest.code_sha256}). "
            "Please try again with the CodeSHA256 in $LATEST."
        )
    _check_steady(work, latest)
    version = publish(work, function, latest, request.description or None)
    return described(work, version, version.version)


def list_versions_by_function(request: ListVersions, work: Work) -> dict[str, Any]:
    """``$LATEST`` and the published versions, oldest first.

    Raises:
        ResourceNotFoundException: there is no such function.
    """
    function = function_at(work, request.function_name)
    limit = min(request.max_items, LIST_MAX)
    start = whole_number(request.marker) or 0
    found = work.select(VERSIONS_OF_FUNCTION, limit=limit + 1, function=function.arn, from_number=start)
    answer: dict[str, Any] = {
        "Versions": [described(work, version, version.version, listed=True) for version in found[:limit]]
    }
    if len(found) > limit:
        answer["NextMarker"] = str(found[limit].number)
    return answer
