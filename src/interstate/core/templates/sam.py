"""What stands beside a template: code folders and definition files, found and put in.

A SAM template names them by paths relative to itself (``CodeUri: functions/place_order``); on AWS, packaging uploads them to
S3 and writes the address into the template. Here nothing is uploaded: the address is the path itself, in a bucket that
cannot exist (``LOCAL_BUCKET``), with the content's digest as its version, so that changed code is a changed template. The
text of a state machine takes the same way (``INLINE_BUCKET``, with the text as key) and comes out as ``DefinitionString``.

Source: https://docs.aws.amazon.com/cli/latest/reference/cloudformation/package.html
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final

import msgspec

from interstate.base.json import JSON, JSONObject

LOCAL_BUCKET: Final = "__local__"  # an underscore is no valid letter of a bucket's name
INLINE_BUCKET: Final = "__inline__"


class Kind(Enum):
    """What a path leads to, and in which form its content enters the template."""

    CODE = "Bucket/Key/Version"
    CODE_S3 = "S3Bucket/S3Key/S3ObjectVersion"
    STATE_MACHINE = "Bucket/Key"
    OPENAPI = "DefinitionBody"


class LocalPath(msgspec.Struct, frozen=True):
    """A path in a template: where it stands (keys from the root), what it leads to."""

    place: tuple[str, ...]
    kind: Kind
    path: str


_PROPERTIES: Final[Mapping[str, tuple[str, Kind]]] = {
    "AWS::Lambda::Function": ("Code", Kind.CODE_S3),
    "AWS::Lambda::LayerVersion": ("Content", Kind.CODE_S3),
    "AWS::Serverless::Api": ("DefinitionUri", Kind.OPENAPI),
    "AWS::Serverless::Function": ("CodeUri", Kind.CODE),
    "AWS::Serverless::HttpApi": ("DefinitionUri", Kind.OPENAPI),
    "AWS::Serverless::LayerVersion": ("ContentUri", Kind.CODE),
    "AWS::Serverless::StateMachine": ("DefinitionUri", Kind.STATE_MACHINE),
    "AWS::StepFunctions::StateMachine": ("DefinitionS3Location", Kind.STATE_MACHINE),
}


def local_paths(document: JSONObject) -> list[LocalPath]:
    """Every path of a template that leads to a file or folder beside it; S3 addresses are none."""
    found = []
    code = _at(document, ("Globals", "Function", "CodeUri"))
    if _is_path(code):
        found.append(LocalPath(("Globals", "Function", "CodeUri"), Kind.CODE, str(code)))
    resources = document.get("Resources")
    for name, resource in (resources if isinstance(resources, dict) else {}).items():
        known = _PROPERTIES.get(str(resource.get("Type"))) if isinstance(resource, dict) else None
        if known is None:
            continue
        place = ("Resources", str(name), "Properties", known[0])
        value = _at(document, place)
        if _is_path(value):
            found.append(LocalPath(place, known[1], str(value)))
    return found


def with_content(document: JSONObject, contents: Mapping[tuple[str, ...], JSON]) -> JSONObject:
    """The template with what was found put at its places; the document itself is not changed.

    For ``Kind.OPENAPI`` the content takes the name ``DefinitionBody``.
    """
    for place, content in contents.items():
        *parents, last = place
        openapi = last == "DefinitionUri" and not _is_address(content)
        document = _put(document, tuple(parents), last, "DefinitionBody" if openapi else last, content)
    return document


def code_address(kind: Kind, path: str, digest: str) -> JSONObject:
    """The address of a folder or archive of code, in the form that the property takes."""
    names = kind.value.split("/")
    return dict(zip(names, (LOCAL_BUCKET, path, digest), strict=True))


def definition_address(text: str) -> JSONObject:
    """The address of a state machine's text: the text itself."""
    return {"Bucket": INLINE_BUCKET, "Key": text}


def with_definitions(document: JSONObject) -> JSONObject:
    """A plain template whose state machines hold their text again, after the transform passed it through."""
    resources = document.get("Resources")
    if not isinstance(resources, dict):
        return document  # Parsing says what is wrong with it.
    return {**document, "Resources": {name: _with_definition(resource) for name, resource in resources.items()}}


def _with_definition(resource: JSON) -> JSON:
    match resource:
        case {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {"DefinitionS3Location": {"Bucket": bucket, "Key": key}},
        }:
            if bucket != INLINE_BUCKET:
                return resource
            assert isinstance(resource, dict)
            properties = dict(resource["Properties"])
            del properties["DefinitionS3Location"]
            return {**resource, "Properties": {**properties, "DefinitionString": key}}
        case _:
            return resource


def _is_path(value: JSON) -> bool:
    return isinstance(value, str) and not value.startswith(("s3://", "http://", "https://"))


def _is_address(value: JSON) -> bool:
    return isinstance(value, dict) and value.get("Bucket") in {INLINE_BUCKET, LOCAL_BUCKET}


def _at(document: JSON, place: tuple[str, ...]) -> JSON:
    for key in place:
        if not isinstance(document, dict):
            return None
        document = document.get(key)
    return document


def _put(document: JSONObject, parents: tuple[str, ...], old: str, new: str, content: JSON) -> JSONObject:
    if not parents:
        return {**{key: value for key, value in document.items() if key != old}, new: content}
    first, *rest = parents
    return {**document, first: _put(document[first], tuple(rest), old, new, content)}
