"""Everything about a wanted stack that can be known before anything is made."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from interstate.base.errors import NotImplementedHere
from interstate.base.json import JSON, JSONObject, dumps
from interstate.core.templates.conditions import resolve_conditions
from interstate.core.templates.document import Template, is_sam, parse_template
from interstate.core.templates.errors import AttributeUnknownError, TemplateError, UnrecognizedTypesError
from interstate.core.templates.graph import ordered
from interstate.core.templates.intrinsics import Scope, resolve
from interstate.core.templates.parameters import resolve_parameters
from interstate.core.templates.plan import Standing
from interstate.core.templates.properties import check_names
from interstate.core.templates.reader import read_template
from interstate.core.templates.references import Uses, active, uses
from interstate.services.cloudformation.errors import InsufficientCapabilitiesException
from interstate.services.cloudformation.resources.table import TYPES
from interstate.store.ports import Work
from interstate.store.records.cloudformation import EXPORTS, Stack

_NAMED_IAM: Mapping[str, str] = {
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A template that can be carried out: what of it holds, in which order, in which scope."""

    template: Template
    scope: Scope
    order: list[str]
    needs: dict[str, frozenset[str]]

    def outputs_shown(self) -> dict[str, Any]:
        """Outputs in a form that can be compared."""
        scope = _placeholders(self.template, self.scope)
        return {
            name: _comparable({"value": output.value, "export": output.export}, scope)
            for name, output in self.template.outputs.items()
        }


def prepare(document: JSONObject, given: Mapping[str, str], name: str, arn: str, work: Work) -> Prepared:
    """Check a plain template with its parameters, before anything changes.

    Raises:
        TemplateError: it cannot be carried out; the message says why, in CloudFormation's words.
        NotImplementedHere: it needs what Interstate does not have.
    """
    return _prepared(dumps(document), given, name, arn, work)


def prepare_again(stack: Stack, work: Work) -> Prepared:
    """What ``prepare`` gives for a stack's own template."""
    return _prepared(stack.template, stack.given, stack.name, stack.arn, work)


def _prepared(template: str, given: Mapping[str, str], name: str, arn: str, work: Work) -> Prepared:
    found = _worked_out(template, tuple(given.items()), name, arn, work.caller.account, work.caller.region)
    # Exports may have changed since.
    return replace(found, scope=replace(found.scope, imports=lambda export: _exported(export, work)))


@lru_cache(maxsize=4)
def _worked_out(  # noqa: PLR0917 all that the outcome depends on, and nothing else
    template: str, given: tuple[tuple[str, str], ...], name: str, arn: str, account: str, region: str
) -> Prepared:
    """The same text with the same parameters gives the same: once for all slices of a task, and for the update after it."""
    return _checked(read_template(template), dict(given), pseudo_parameters(name, arn, account, region))


def _checked(document: JSONObject, given: Mapping[str, str], pseudo: dict[str, JSON]) -> Prepared:
    template = parse_template(document)
    scope = Scope(resolve_parameters(template.parameters, given) | pseudo, template.mappings)
    conditions = resolve_conditions(template.conditions, scope)
    live = active(template, conditions)
    unknown = {resource.type for resource in live.resources.values() if resource.type not in TYPES}
    if unknown:
        _refuse_types(unknown)
    for resource in live.resources.values():
        check_names(resource.logical_id, TYPES[resource.type].properties, resource.properties)
    used = {logical_id: uses(resource.properties) for logical_id, resource in live.resources.items()}
    _check_attributes(live, used)
    needs = {
        logical_id: frozenset(used[logical_id].names.union(resource.depends_on) & live.resources.keys())
        for logical_id, resource in live.resources.items()
    }
    return Prepared(live, replace(scope, conditions=conditions), ordered(needs), needs)


def _check_attributes(live: Template, used: Mapping[str, Uses]) -> None:
    asked = [one.attributes for one in used.values()] + [
        uses(output.value).attributes for output in live.outputs.values()
    ]
    for logical_id, attribute in sorted(set().union(*asked)):
        resource = live.resources.get(logical_id)
        if resource is not None and attribute not in TYPES[resource.type].attributes:
            raise AttributeUnknownError(logical_id, attribute)


def _refuse_types(unknown: set[str]) -> None:
    serverless = sorted(type_ for type_ in unknown if is_sam(type_))
    if serverless:
        raise TemplateError(
            f"Template format error: Unrecognized resource types: [{', '.join(serverless)}]. "
            "Does the template lack its Transform: AWS::Serverless-2016-10-31?"
        )
    raise UnrecognizedTypesError(unknown)


def pseudo_parameters(name: str, arn: str, account: str, region: str) -> dict[str, JSON]:
    """What ``AWS::...`` stands for."""
    return {
        "AWS::AccountId": account,
        "AWS::NotificationARNs": [],
        "AWS::Partition": "aws",
        "AWS::Region": region,
        "AWS::StackId": arn,
        "AWS::StackName": name,
        "AWS::URLSuffix": "amazonaws.com",
    }


def _exported(name: str, work: Work) -> str | None:
    export = work.get(EXPORTS, f"{work.caller.account}/{work.caller.region}", name)
    return None if export is None else export.value


class _Placeholders(Mapping[str, JSON]):
    """Any attribute of a resource, as text that is equal for equal attributes."""

    def __init__(self, logical_id: str) -> None:
        self._logical_id = logical_id

    def __getitem__(self, attribute: str) -> JSON:
        return f"${{{self._logical_id}.{attribute}}}"

    def __contains__(self, attribute: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def compared(before: Prepared, after: Prepared) -> tuple[dict[str, Standing], dict[str, Standing]]:
    """The resources of two templates of one stack in forms that can be compared. Only what is written differently is resolved."""
    alike = _written_alike(before, after)
    return _standing(before, alike), _standing(after, alike)


def _written_alike(before: Prepared, after: Prepared) -> frozenset[str]:
    """The resources that resolve to the same because they, and all that functions read, are the same text."""
    first, second = before.scope, after.scope
    if _text(first.parameters, first.mappings, first.conditions) != _text(
        second.parameters, second.mappings, second.conditions
    ):
        return frozenset()
    old, new = before.template.resources, after.template.resources
    both = old.keys() & new.keys()
    return frozenset(name for name in both if _text(old[name].properties) == _text(new[name].properties))


def _text(*values: Mapping[str, Any]) -> str:
    # Text, because 1, 1.0 and true are equal to each other, and not the same inside of Fn::Sub.
    return dumps([dict(value) for value in values])


def _standing(prepared: Prepared, alike: frozenset[str]) -> dict[str, Standing]:
    scope = _placeholders(prepared.template, prepared.scope)
    return {
        name: Standing(
            resource.type,
            resource.properties if name in alike else _comparable(resource.properties, scope),
            prepared.needs[name],
        )
        for name, resource in prepared.template.resources.items()
    }


def _placeholders(template: Template, scope: Scope) -> Scope:
    names = template.resources
    return replace(
        scope,
        references={name: f"${{{name}}}" for name in names},
        attributes={name: _Placeholders(name) for name in names},
    )


def _comparable(value: JSONObject, scope: Scope) -> JSONObject:
    try:
        resolved = resolve(value, scope)
    except (TemplateError, NotImplementedHere):
        # A function cannot work on a placeholder (the third part of an ARN that is not there yet): compare it as written.
        return value
    assert isinstance(resolved, dict)
    return resolved


def check_capabilities(template: Template, capabilities: list[str]) -> None:
    """Templates that make roles need the caller's word for it.

    Raises:
        InsufficientCapabilitiesException: it was not given.
    """
    needed = needed_capability(template)
    enough = {
        "CAPABILITY_IAM": {"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"},
        "CAPABILITY_NAMED_IAM": {"CAPABILITY_NAMED_IAM"},
    }
    if needed is not None and not enough[needed] & set(capabilities):
        raise InsufficientCapabilitiesException([needed])


def needed_capability(template: Template) -> str | None:
    """The capability that a template's IAM resources need."""
    iam = [resource for resource in template.resources.values() if resource.type.startswith("AWS::IAM::")]
    if any(_NAMED_IAM.get(resource.type, "") in resource.properties for resource in iam):
        return "CAPABILITY_NAMED_IAM"
    return "CAPABILITY_IAM" if iam else None
