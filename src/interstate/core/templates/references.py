"""What names a value of a template uses; what of it is active under its conditions."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from interstate.base.json import JSON, dumps_bytes
from interstate.core.templates.document import Output, Resource, Template
from interstate.core.templates.errors import TemplateError, TemplateFunctionError, UnresolvedDependenciesError
from interstate.core.templates.intrinsics import (
    NO_VALUE,
    attribute_of,
    branch_of,
    function_of,
    sub_parts,
    variables_of,
)

PSEUDO: Final = frozenset(
    {
        "AWS::AccountId",
        "AWS::NotificationARNs",
        "AWS::NoValue",
        "AWS::Partition",
        "AWS::Region",
        "AWS::StackId",
        "AWS::StackName",
        "AWS::URLSuffix",
    }
)


def taken(value: JSON, conditions: Mapping[str, bool]) -> JSON:
    """The value with each ``Fn::If`` replaced by its branch that holds.

    A branch that does not hold may name resources that are not there.
    """
    # Nearly all values have none, which their text tells a hundred times faster than a walk.
    return _taken(value, conditions) if b'"Fn::If"' in dumps_bytes(value) else value


def _taken(value: JSON, conditions: Mapping[str, bool]) -> JSON:
    called = function_of(value)
    if called is not None and called[0] == "Fn::If":
        return _taken(branch_of(called[1], conditions), conditions)
    match value:
        case dict():
            return {key: _taken(item, conditions) for key, item in value.items()}
        case list():
            return [_taken(item, conditions) for item in value]
        case _:
            return value


class Uses(msgspec.Struct, frozen=True):
    """What a value names, found in one walk.

    ``names``: resources, parameters and pseudo parameters alike. ``attributes``: those of resources, where the template names them
    outright. ``owners``: the resources of ``Fn::GetAtt``, which no parameter can stand for.
    """

    names: set[str]
    attributes: set[tuple[str, str]]
    owners: set[str]


def uses(value: JSON) -> Uses:
    """All that a value names.

    Raises:
        TemplateFunctionError: a function is used wrongly.
    """
    found = Uses(set(), set(), set())
    _walk(value, found)
    return found


def _walk(value: JSON, found: Uses) -> None:
    match value:
        case {"Ref": str() as name, **more} if not more:
            found.names.add(name)
        case {"Fn::GetAtt": argument, **more} if not more:
            resource, attribute = attribute_of(argument)
            found.names.add(resource)
            found.owners.add(resource)
            if isinstance(attribute, str):
                found.attributes.add((resource, attribute))
            else:
                found.names.update(uses(attribute).names)
        case {"Fn::Sub": argument, **more} if not more:
            _walk_text(argument, found)
        case dict():
            for item in value.values():
                _walk(item, found)
        case list():
            for item in value:
                _walk(item, found)
        case _:
            return


def _walk_text(argument: JSON, found: Uses) -> None:
    text, variables = sub_parts(argument)
    for name in variables_of(text):
        if name not in variables:
            resource, dot, attribute = name.partition(".")
            found.names.add(resource)
            if dot:
                found.attributes.add((resource, attribute))
    _walk(variables, found)


def _items(value: JSON) -> Iterable[JSON]:
    match value:
        case dict():
            return value.values()
        case list():
            return value
        case _:
            return ()


def active(template: Template, conditions: Mapping[str, bool]) -> Template:
    """The template as it holds: only resources and outputs whose condition holds, only the branches taken.

    Raises:
        UnresolvedDependenciesError: what holds names what is not there, or does not hold.
        TemplateFunctionError: an attribute of such a resource is asked for.
    """
    resources = {
        name: _active_resource(resource, conditions)
        for name, resource in template.resources.items()
        if resource.condition is None or conditions[resource.condition]
    }
    outputs = {
        name: _active_output(output, conditions)
        for name, output in template.outputs.items()
        if output.condition is None or conditions[output.condition]
    }
    known = PSEUDO | template.parameters.keys() | resources.keys()
    shown = [value for output in outputs.values() for value in (output.value, output.export)]
    if not _is_sound(template, resources, shown, known):
        _check_resources(template, resources.values(), known)
        _check_names(shown, known, "Outputs")
    return Template(
        resources=resources,
        parameters=template.parameters,
        mappings=template.mappings,
        conditions=template.conditions,
        outputs=outputs,
        transforms=template.transforms,
        description=template.description,
        metadata=template.metadata,
    )


def _active_resource(resource: Resource, conditions: Mapping[str, bool]) -> Resource:
    properties = taken(resource.properties, conditions)
    assert isinstance(properties, dict)
    kept = {key: value for key, value in properties.items() if value != {"Ref": NO_VALUE}}
    return Resource(
        logical_id=resource.logical_id,
        type=resource.type,
        properties=kept,
        condition=resource.condition,
        depends_on=resource.depends_on,
        deletion_policy=resource.deletion_policy,
        replace_policy=resource.replace_policy,
        metadata=resource.metadata,
    )


def _active_output(output: Output, conditions: Mapping[str, bool]) -> Output:
    return Output(
        name=output.name,
        value=taken(output.value, conditions),
        export=taken(output.export, conditions),
        condition=output.condition,
        description=output.description,
    )


def _is_sound(
    template: Template, resources: Mapping[str, Resource], shown: Iterable[JSON], known: frozenset[str]
) -> bool:
    """Whether every name is known. If one is not, the checks by themselves find which of many faults is told."""
    allowed = known | template.resources.keys()
    try:
        for resource in resources.values():
            used = uses(resource.properties)
            if not (
                used.names <= known
                and used.owners <= template.resources.keys()
                and allowed.issuperset(resource.depends_on)
            ):
                return False
        return all(uses(value).names <= known for value in shown)
    except TemplateError:
        return False


def _check_resources(template: Template, resources: Iterable[Resource], known: frozenset[str]) -> None:
    resources = list(resources)
    for resource in resources:
        for name in _attribute_owners(resource.properties):
            if name not in template.resources:
                raise TemplateFunctionError(f"instance of Fn::GetAtt references undefined resource {name}")
    # DependsOn may name a resource whose condition does not hold: CloudFormation then ignores it.
    allowed = known | template.resources.keys()
    _check_names(([{"Ref": name} for name in resource.depends_on] for resource in resources), allowed, "Resources")
    _check_names((resource.properties for resource in resources), known, "Resources")


def _attribute_owners(value: JSON) -> set[str]:
    called = function_of(value)
    if called is not None and called[0] == "Fn::GetAtt":
        return {attribute_of(called[1])[0]}
    return set().union(*(_attribute_owners(item) for item in _items(value)))


def _check_names(values: Iterable[JSON], known: frozenset[str], block: str) -> None:
    unknown = set().union(*(uses(value).names for value in values)) - known
    if unknown:
        raise UnresolvedDependenciesError(unknown, block)
