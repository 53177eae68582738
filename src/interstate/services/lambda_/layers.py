"""Layers: content that functions share, in versions that never change.

Source: Lambda API Reference.
"""

from typing import Any

import msgspec

from interstate.base.errors import NotImplementedHere, ValidationException
from interstate.base.numbers import whole_number
from interstate.services.lambda_.access import check_layer
from interstate.services.lambda_.code import Content, check_storage, keep, release
from interstate.services.lambda_.configuration import DEPRECATED, NEWER, RUNTIMES, last_modified
from interstate.services.lambda_.downloads import location
from interstate.services.lambda_.errors import InvalidParameterValueException, ResourceNotFoundException, invalid
from interstate.services.lambda_.locate import scope_of
from interstate.store.ports import Work
from interstate.store.records.lambda_ import (
    LAYER_NUMBERS,
    LAYER_VERSIONS,
    LAYERS,
    LAYERS_OF_SCOPE,
    POLICIES,
    LayerNumber,
    LayerVersion,
)

LIST_MAX = 50
GET = "lambda:GetLayerVersion"
_NUMBER_MAX = (1 << 62) - 1


class PublishLayerVersion(msgspec.Struct, frozen=True, rename="pascal"):
    layer_name: str
    content: Content
    description: str = ""
    compatible_architectures: list[str] = []
    compatible_runtimes: list[str] = []
    license_info: str = ""


class LayerVersionRequest(msgspec.Struct, frozen=True, rename="pascal"):
    layer_name: str
    version_number: int


class ByArn(msgspec.Struct, frozen=True, rename="pascal"):
    arn: str


class ListLayers(msgspec.Struct, frozen=True, rename="pascal"):
    compatible_architecture: str | None = None
    compatible_runtime: str | None = None
    marker: str = ""
    max_items: int = LIST_MAX


class ListLayerVersions(msgspec.Struct, frozen=True, rename="pascal"):
    layer_name: str
    compatible_architecture: str | None = None
    compatible_runtime: str | None = None
    marker: str = ""
    max_items: int = LIST_MAX


def publish_layer_version(request: PublishLayerVersion, work: Work) -> dict[str, Any]:
    """Add a version to a layer, which begins with its first one.

    Raises:
        InvalidParameterValueException: content that is none.
    """
    _check_compatibility(request)
    arn = layer_arn(work, request.layer_name, "lambda:PublishLayerVersion")
    kept = keep(work, request.content)
    check_storage(work, kept.size_bytes)
    numbers = work.get(LAYER_NUMBERS, arn) or LayerNumber(arn, 1)
    work.put(LAYER_NUMBERS, LayerNumber(arn, numbers.next_version + 1))
    layer = LayerVersion(
        layer=arn,
        version=numbers.next_version,
        scope=scope_of(arn),
        name=arn.rsplit(":", 1)[1],
        code=kept.place,
        code_sha256=kept.sha256,
        code_size=kept.size_bytes,
        description=request.description,
        runtimes=request.compatible_runtimes,
        architectures=request.compatible_architectures,
        license_info=request.license_info,
        created=work.now,
    )
    work.put(LAYERS, layer)
    return _with_content(layer, work)


def _check_compatibility(request: PublishLayerVersion) -> None:
    """Refuse runtimes and architectures that the service does not know; one answer tells of all of them."""
    enum = "Member must satisfy enum value set: "
    architectures = f"Member must satisfy constraint: [{enum}[x86_64, arm64], Member must not be null]"
    problems = [
        f"Value '[{', '.join(values)}]' at '{member}' failed to satisfy constraint: {text}"
        for member, values, known, text in (
            (
                "compatibleRuntimes",
                request.compatible_runtimes,
                {*RUNTIMES, *NEWER, *DEPRECATED},
                f"{enum}[{', '.join(RUNTIMES)}]",
            ),
            ("compatibleArchitectures", request.compatible_architectures, ("x86_64", "arm64"), architectures),
        )
        if not set(values) <= set(known)
    ]
    if problems:
        count = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''} detected: "
        raise ValidationException(count + "; ".join(problems))


def _check_runtime(runtime: str | None) -> None:
    if runtime is not None and runtime not in {*RUNTIMES, *NEWER, *DEPRECATED}:
        raise invalid(runtime, "compatibleRuntime", f"Member must satisfy enum value set: [{', '.join(RUNTIMES)}]")


def get_layer_version(request: LayerVersionRequest, work: Work) -> dict[str, Any]:
    """A version of a layer.

    Raises:
        ResourceNotFoundException: there is no such version.
    """
    if request.version_number < 1:
        raise InvalidParameterValueException("Layer Version Cannot be less than 1")
    arn = layer_arn(work, request.layer_name, GET, request.version_number)
    return _with_content(_layer_at(work, arn, request.version_number), work)


def get_layer_version_by_arn(request: ByArn, work: Work) -> dict[str, Any]:
    """A version of a layer by its ARN.

    Raises:
        ResourceNotFoundException: there is no such version.
        InvalidParameterValueException: the ARN names no version.
    """
    arn, _, version = request.arn.rpartition(":")
    number = whole_number(version)
    if number is None:
        raise InvalidParameterValueException(f"{request.arn} is not the ARN of a layer version.")
    return _with_content(_layer_at(work, layer_arn(work, arn, GET, number), number), work)


def delete_layer_version(request: LayerVersionRequest, work: Work) -> None:
    """Forget a version; one that is not there is no error. Its number is not given out again.

    Raises:
        InvalidParameterValueException: no version has such a number.
    """
    if request.version_number < 1:
        raise InvalidParameterValueException("Layer Version Cannot be less than 1")
    arn = layer_arn(work, request.layer_name, "lambda:DeleteLayerVersion", request.version_number)
    layer = work.get(LAYERS, arn, request.version_number)
    if layer is not None:
        work.delete(LAYERS, arn, request.version_number)
        work.delete(POLICIES, arn, str(request.version_number))
        release(work, layer.code)


def list_layer_versions(request: ListLayerVersions, work: Work) -> dict[str, Any]:
    """The versions of a layer, newest first.

    Raises:
        ValidationException: Lambda has no such runtime.
    """
    _check_runtime(request.compatible_runtime)
    arn = layer_arn(work, request.layer_name, "lambda:ListLayerVersions")
    limit = min(request.max_items, LIST_MAX)
    below = whole_number(request.marker) or _NUMBER_MAX
    found = work.select(LAYER_VERSIONS, limit=limit + 1, layer=arn, below=below)
    shown = [
        _shown(layer)
        for layer in found[:limit]
        if _fits(layer, request.compatible_runtime, request.compatible_architecture)
    ]
    answer: dict[str, Any] = {"LayerVersions": shown}
    if len(found) > limit:
        answer["NextMarker"] = str(found[limit - 1].version)
    return answer


def list_layers(request: ListLayers, work: Work) -> dict[str, Any]:
    """The caller's layers, each with its newest version that fits.

    Raises:
        ValidationException: Lambda has no such runtime.
    """
    _check_runtime(request.compatible_runtime)
    scope, limit = f"{work.caller.account}/{work.caller.region}", min(request.max_items, LIST_MAX)
    found = work.select(LAYERS_OF_SCOPE, limit=10 * LIST_MAX, scope=scope, after=request.marker)
    newest: dict[str, LayerVersion] = {}
    for layer in found:  # Newest versions come first.
        if _fits(layer, request.compatible_runtime, request.compatible_architecture):
            newest.setdefault(layer.layer, layer)
    page = list(newest.values())
    shown = [
        {"LayerName": layer.name, "LayerArn": layer.layer, "LatestMatchingVersion": _shown(layer)}
        for layer in page[:limit]
    ]
    answer: dict[str, Any] = {"Layers": shown}
    if len(page) > limit:
        answer["NextMarker"] = page[limit - 1].layer
    return answer


def _fits(layer: LayerVersion, runtime: str | None, architecture: str | None) -> bool:
    return (runtime is None or not layer.runtimes or runtime in layer.runtimes) and (
        architecture is None or not layer.architectures or architecture in layer.architectures
    )


def layer_arn(work: Work, name: str, action: str, version: int | None = None) -> str:
    """The ARN of a layer that a caller names, without version.

    Raises:
        AccessDeniedException: another account's layer, which does not let the caller do this.
    """
    if name.startswith("arn:"):
        if ":layer:" not in name:
            raise NotImplementedHere(f"layers named by {name}")
        check_layer(work, name, version, action)
        return name
    return work.caller.arn("lambda", f"layer:{name}")


def _layer_at(work: Work, arn: str, version: int) -> LayerVersion:
    layer = work.get(LAYERS, arn, version)
    if layer is None:
        raise ResourceNotFoundException("The resource you requested does not exist.")
    return layer


def _shown(layer: LayerVersion) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "LayerVersionArn": f"{layer.layer}:{layer.version}",
        "Version": layer.version,
        "Description": layer.description,
        "CreatedDate": last_modified(layer.created),
        "CompatibleRuntimes": layer.runtimes,
        "CompatibleArchitectures": layer.architectures,
    }
    if layer.license_info:
        shown["LicenseInfo"] = layer.license_info
    return shown


def _with_content(layer: LayerVersion, work: Work) -> dict[str, Any]:
    content = {"Location": location(layer.code, work), "CodeSha256": layer.code_sha256, "CodeSize": layer.code_size}
    return {"LayerArn": layer.layer, "Content": content, **_shown(layer)}
