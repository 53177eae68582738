"""A template as a value: its sections, checked.

What is checked here holds for every resource, whether its condition holds or not: the shape of sections and the names in
them. What a resource's properties mean is checked later, and only where its condition holds.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from interstate.base.errors import NotImplementedHere
from interstate.base.json import JSON, JSONObject, dumps_bytes
from interstate.core.templates.errors import TemplateError, TemplateFormatError

SAM: Final = "AWS::Serverless-2016-10-31"
SECTIONS: Final = frozenset(
    {
        "AWSTemplateFormatVersion",
        "Conditions",
        "Description",
        "Mappings",
        "Metadata",
        "Outputs",
        "Parameters",
        "Resources",
        "Transform",
    }
)
# Sections that CloudFormation or SAM has and that mean nothing here; `Globals` is gone after the transform.
_REFUSED_SECTIONS: Final = frozenset({"Rules", "Hooks"})
_RESOURCE_ATTRIBUTES: Final = frozenset(
    {"Condition", "DeletionPolicy", "DependsOn", "Metadata", "Properties", "Type", "UpdateReplacePolicy"}
)
_REFUSED_ATTRIBUTES: Final = frozenset({"CreationPolicy", "UpdatePolicy"})
_POLICIES: Final = frozenset({"Delete", "Retain", "RetainExceptOnCreate", "Snapshot"})
_NAME: Final = re.compile(r"[A-Za-z0-9]{1,255}\Z")
RESOURCES_MAX: Final = 500  # Source: CloudFormation quotas
PARAMETERS_MAX: Final = 200
OUTPUTS_MAX: Final = 200


class Resource(msgspec.Struct, frozen=True):
    """One entry of ``Resources``; its properties hold functions that are not resolved yet."""

    logical_id: str
    type: str
    properties: JSONObject = {}
    condition: str | None = None
    depends_on: tuple[str, ...] = ()
    deletion_policy: str = "Delete"
    replace_policy: str = "Delete"
    metadata: JSONObject = {}


class Output(msgspec.Struct, frozen=True):
    """One entry of ``Outputs``."""

    name: str
    value: JSON
    export: JSON = None
    condition: str | None = None
    description: str | None = None


class Template(msgspec.Struct, frozen=True):
    """A template without transforms, or with those that have still to run."""

    resources: Mapping[str, Resource]
    parameters: Mapping[str, JSONObject] = {}
    mappings: Mapping[str, JSONObject] = {}
    conditions: Mapping[str, JSON] = {}
    outputs: Mapping[str, Output] = {}
    transforms: tuple[str, ...] = ()
    description: str | None = None
    metadata: JSONObject = {}


def transforms_of(document: JSONObject) -> tuple[str, ...]:
    """The transforms that a template names; they run before anything else of it is read.

    Raises:
        NotImplementedHere: one of them is not SAM.
    """
    named = document.get("Transform", [])
    listed = named if isinstance(named, list) else [named]
    for name in listed:
        if name != SAM:
            raise NotImplementedHere(f"the transform {name if isinstance(name, str) else 'given as an object'}")
    return tuple(listed)


def parse_template(document: JSONObject) -> Template:
    """Check a template's sections and take them apart.

    Raises:
        TemplateError: worded as CloudFormation words the same fault.
        NotImplementedHere: it has Rules, Hooks, CreationPolicy or UpdatePolicy, or a transform other than SAM.
    """
    transforms = transforms_of(document)
    _check_sections(document, sam=bool(transforms))
    resources = _section(document, "Resources", RESOURCES_MAX)
    if not resources:
        raise TemplateFormatError("At least one Resources member must be defined.")
    template = Template(
        resources={name: _resource(name, body) for name, body in resources.items()},
        parameters=_section(document, "Parameters", PARAMETERS_MAX),
        mappings=_section(document, "Mappings", PARAMETERS_MAX),
        conditions=dict(_section(document, "Conditions", None, objects=False)),
        outputs={name: _output(name, body) for name, body in _section(document, "Outputs", OUTPUTS_MAX).items()},
        transforms=transforms,
        description=_text_or_none(document.get("Description"), "Description"),
        metadata=_object(document.get("Metadata"), "Metadata"),
    )
    _check_conditions_exist(template)
    if not transforms:
        _refuse_nulls({"Resources": resources, "Outputs": document.get("Outputs", {})})
    return template


def _check_sections(document: JSONObject, *, sam: bool) -> None:
    refused = sorted(_REFUSED_SECTIONS & document.keys())
    if refused:
        raise NotImplementedHere(f"the template section {refused[0]}")
    unknown = sorted(document.keys() - SECTIONS - ({"Globals"} if sam else set()))
    if unknown:
        raise TemplateError(f"Invalid template property or properties [{', '.join(unknown)}]")
    version = document.get("AWSTemplateFormatVersion", "2010-09-09")
    if version != "2010-09-09":
        raise TemplateFormatError(
            f"[/AWSTemplateFormatVersion] '{version}' is not one of the supported versions [2010-09-09]."
        )


def _section(document: JSONObject, name: str, count_max: int | None, *, objects: bool = True) -> dict[str, JSONObject]:
    section = document.get(name, {})
    if not isinstance(section, dict):
        raise TemplateFormatError(f"[/{name}] {name} must be an object.")
    if count_max is not None and len(section) > count_max:
        raise TemplateFormatError(
            f"Number of {name.lower()}, {len(section)}, is greater than maximum allowed, {count_max}"
        )
    for key, body in section.items():
        if not _NAME.match(key):
            raise TemplateFormatError(f"{name.removesuffix('s')} name {key} is non alphanumeric.")
        if objects and not isinstance(body, dict):
            raise TemplateFormatError(f"[/{name}/{key}] Every {name} member must be an object.")
    return section


def _resource(name: str, body: JSONObject) -> Resource:
    type_ = body.get("Type")
    if not isinstance(type_, str):
        raise TemplateFormatError(f"[/Resources/{name}] Every Resources object must contain a Type member.")
    refused = sorted(_REFUSED_ATTRIBUTES & body.keys())
    if refused:
        raise NotImplementedHere(f"the resource attribute {refused[0]} (of {name})")
    unknown = sorted(body.keys() - _RESOURCE_ATTRIBUTES - (_SAM_ATTRIBUTES if is_sam(type_) else set()))
    if unknown:
        raise TemplateError(f"Invalid template resource property '{unknown[0]}'")
    properties = body.get("Properties") or {}
    if not isinstance(properties, dict):
        raise TemplateFormatError(f"[/Resources/{name}/Properties] Properties must be an object.")
    depends = body.get("DependsOn", [])
    depends = [depends] if isinstance(depends, str) else depends
    if not isinstance(depends, list) or not all(isinstance(item, str) for item in depends):
        raise TemplateFormatError(f"[/Resources/{name}/DependsOn] DependsOn must be a string or a list of strings.")
    return Resource(
        logical_id=name,
        type=type_,
        properties=properties,
        condition=_text_or_none(body.get("Condition"), f"Resources/{name}/Condition"),
        depends_on=tuple(depends),
        deletion_policy=_policy(name, body, "DeletionPolicy"),
        replace_policy=_policy(name, body, "UpdateReplacePolicy"),
        metadata=_object(body.get("Metadata"), f"Resources/{name}/Metadata"),
    )


_SAM_ATTRIBUTES: Final = {"Connectors", "IgnoreGlobals"}


def is_sam(type_: str) -> bool:
    """Tell whether the transform makes other resources of this type."""
    return type_.startswith("AWS::Serverless::")


def _policy(name: str, body: JSONObject, attribute: str) -> str:
    policy = body.get(attribute, "Delete")
    if not isinstance(policy, str) or policy not in _POLICIES:
        raise TemplateFormatError(f"[/Resources/{name}/{attribute}] Unrecognized {attribute} {policy}")
    if policy == "Snapshot":
        raise NotImplementedHere(f"{attribute}: Snapshot (of {name})")
    return policy


def _output(name: str, body: JSONObject) -> Output:
    if "Value" not in body:
        raise TemplateFormatError(f"[/Outputs/{name}] Every Outputs member must contain a Value object")
    export = body.get("Export")
    if export is not None and (not isinstance(export, dict) or set(export) != {"Name"}):
        raise TemplateFormatError(f"[/Outputs/{name}/Export] Export must be an object with the member Name.")
    return Output(
        name=name,
        value=body["Value"],
        export=None if export is None else export["Name"],
        condition=_text_or_none(body.get("Condition"), f"Outputs/{name}/Condition"),
        description=_text_or_none(body.get("Description"), f"Outputs/{name}/Description"),
    )


def _text_or_none(value: JSON, place: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise TemplateFormatError(f"[/{place}] must be a string.")


def _object(value: JSON, place: str) -> JSONObject:
    if value is None or isinstance(value, dict):
        return value or {}
    raise TemplateFormatError(f"[/{place}] must be an object.")


def _check_conditions_exist(template: Template) -> None:
    conditional: list[Resource | Output] = [*template.resources.values(), *template.outputs.values()]
    for item in conditional:
        if item.condition is not None and item.condition not in template.conditions:
            name = item.logical_id if isinstance(item, Resource) else item.name
            block = "Resources" if isinstance(item, Resource) else "Outputs"
            raise TemplateFormatError(
                f"Unresolved condition [{item.condition}] of {name} in the {block} block of the template"
            )


def _refuse_nulls(document: JSONObject) -> None:
    for block, section in document.items():
        for name, body in section.items():
            if b"null" in dumps_bytes(body):  # Only what may have one is walked.
                for place in _nulls(body, f"/{block}/{name}"):
                    raise TemplateFormatError(f"[{place}] 'null' values are not allowed in templates")


def _nulls(value: JSON, place: str) -> Iterator[str]:
    match value:
        case None:
            yield place
        case dict():
            for key, item in value.items():
                yield from _nulls(item, f"{place}/{key}")
        case list():
            for index, item in enumerate(value):
                yield from _nulls(item, f"{place}/{index}")
        case _:
            return
