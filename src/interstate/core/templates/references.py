"""What names a value of a template uses; what of it is active under its conditions."""

from collections.abc import Iterable, Mapping
from typing import Final

from interstate.base.json import JSON
from interstate.core.templates.document import Output, Resource, Template
from interstate.core.templates.errors import TemplateFunctionError, UnresolvedDependenciesError
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
    called = function_of(value)
    if called is not None and called[0] == "Fn::If":
        return taken(branch_of(called[1], conditions), conditions)
    match value:
        case dict():
            return {key: taken(item, conditions) for key, item in value.items()}
        case list():
            return [taken(item, conditions) for item in value]
        case _:
            return value


def references(value: JSON) -> set[str]:
    """The names that a value uses: resources, parameters and pseudo parameters alike."""
    called = function_of(value)
    match called:
        case ("Ref", str() as name):
            return {name}
        case ("Fn::GetAtt", argument):
            resource, attribute = attribute_of(argument)
            return {resource} | references(attribute)
        case ("Fn::Sub", argument):
            text, variables = sub_parts(argument)
            own = {name.partition(".")[0] for name in variables_of(text) if name not in variables}
            return own | references(variables)
        case _:
            pass
    return set().union(*(references(item) for item in _items(value)))


def attributes_used(value: JSON) -> set[tuple[str, str]]:
    """The attributes of resources that a value asks for, where the template names them outright."""
    called = function_of(value)
    match called:
        case ("Fn::GetAtt", argument):
            resource, attribute = attribute_of(argument)
            return {(resource, attribute)} if isinstance(attribute, str) else set()
        case ("Fn::Sub", argument):
            text, variables = sub_parts(argument)
            names = [name.partition(".") for name in variables_of(text) if name not in variables]
            own = {(resource, attribute) for resource, dot, attribute in names if dot}
            return own | attributes_used(variables)
        case _:
            return set().union(*(attributes_used(item) for item in _items(value)))


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
    _check_resources(template, resources.values(), known)
    _check_names((value for output in outputs.values() for value in (output.value, output.export)), known, "Outputs")
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


def depends_on(resource: Resource) -> frozenset[str]:
    """The names that stand before the resource: what it says and what it uses (parameters among them)."""
    return frozenset(references(resource.properties) | set(resource.depends_on)) - PSEUDO


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
    unknown = set().union(*(references(value) for value in values)) - known
    if unknown:
        raise UnresolvedDependenciesError(unknown, block)
