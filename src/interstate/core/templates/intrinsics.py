"""Functions of templates: Ref, Fn::GetAtt, Fn::Sub and the rest, resolved against what is known.

``FUNCTIONS`` is the table of what there is. A function that is not in it, and a dynamic reference, are refused by name: what
was not resolved must never reach a resource.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
"""

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from interstate.base.errors import NotImplementedHere
from interstate.base.json import JSON, JSONObject
from interstate.base.numbers import whole_number
from interstate.core.templates.errors import (
    AttributeUnknownError,
    TemplateError,
    TemplateFormatError,
    TemplateFunctionError,
    UnresolvedDependenciesError,
)

NO_VALUE: Final = "AWS::NoValue"
_VARIABLE: Final = re.compile(r"\$\{(!?)([^}]*)\}")
_VARIABLE_NAME: Final = re.compile(r"[A-Za-z0-9_.:]+\Z")
_ZONES: Final = "abc"  # Every region has at least three; their letters differ by account on AWS.


class _Absent:
    """What ``AWS::NoValue`` resolves to, until the member around it is dropped."""


_ABSENT: Final = _Absent()
Resolved = JSON | _Absent


def _no_export(_name: str) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Scope:
    """What functions can see.

    ``parameters`` holds the pseudo parameters too. ``references`` and ``attributes`` hold the resources that stand;
    ``imports`` finds the value of an export.
    """

    parameters: Mapping[str, JSON]
    mappings: Mapping[str, JSONObject] = field(default_factory=dict)
    conditions: Mapping[str, bool] = field(default_factory=dict)
    references: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Mapping[str, JSON]] = field(default_factory=dict)
    imports: Callable[[str], str | None] = _no_export
    block: str = "Resources"


def resolve(value: JSON, scope: Scope) -> JSON:
    """The value without functions; members that are ``AWS::NoValue`` are gone.

    Raises:
        TemplateError: a function is used wrongly, or names what is not there.
        NotImplementedHere: a function or a dynamic reference that Interstate does not have.
    """
    resolved = _resolve(value, scope)
    return None if isinstance(resolved, _Absent) else resolved


def function_of(value: JSON) -> tuple[str, JSON] | None:
    """The name and the argument, when the value is a call of a function (``{"Ref": "Queue"}``)."""
    if not isinstance(value, dict) or len(value) != 1:
        return None
    name, argument = next(iter(value.items()))
    return (name, argument) if name == "Ref" or name.startswith("Fn::") else None


def _resolve(value: JSON, scope: Scope) -> Resolved:
    called = function_of(value)
    if called is not None:
        name, argument = called
        function = FUNCTIONS.get(name)
        if function is None:
            raise NotImplementedHere(f"the template function {name}")
        return function(argument, scope)
    match value:
        case dict():
            members = ((key, _resolve(item, scope)) for key, item in value.items())
            return {key: item for key, item in members if not isinstance(item, _Absent)}
        case list():
            items = (_resolve(item, scope) for item in value)
            return [item for item in items if not isinstance(item, _Absent)]
        case str() if "{{resolve:" in value:
            raise NotImplementedHere(f"dynamic references ({value})")
        case _:
            return value


def as_text(value: JSON) -> str | None:
    """A scalar as a template's text; None for anything else."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int() | float():
            return str(value)
        case _:
            return None


def _ref(argument: JSON, scope: Scope) -> Resolved:
    if argument == NO_VALUE:
        return _ABSENT
    if not isinstance(argument, str):
        raise TemplateFormatError("[/Resources] every Ref object must have a single String value.")
    return _named(argument, scope)


def _named(name: str, scope: Scope) -> JSON:
    if name in scope.parameters:
        return scope.parameters[name]
    if name in scope.references:
        return scope.references[name]
    raise UnresolvedDependenciesError([name], scope.block)


def attribute_of(argument: JSON) -> tuple[str, JSON]:
    """The resource and the attribute that ``Fn::GetAtt`` names, in its list or its text form."""
    match argument:
        case str() if "." in argument:
            resource, _, attribute = argument.partition(".")
            return resource, attribute
        case [str() as resource, attribute]:
            return resource, attribute
        case [str() as resource, str() as first, *rest] if all(isinstance(part, str) for part in rest):
            return resource, ".".join([first, *rest])
        case _:
            raise TemplateFunctionError(
                "every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute"
            )


def _get_att(argument: JSON, scope: Scope) -> Resolved:
    resource, attribute = attribute_of(argument)
    name = as_text(resolve(attribute, scope))
    return _attribute(resource, name or "", scope)


def _attribute(resource: str, attribute: str, scope: Scope) -> JSON:
    attributes = scope.attributes.get(resource)
    if attributes is None:
        raise TemplateFunctionError(f"instance of Fn::GetAtt references undefined resource {resource}")
    if attribute not in attributes:
        raise AttributeUnknownError(resource, attribute)
    return attributes[attribute]


def variables_of(text: str) -> list[str]:
    """The names that the text of ``Fn::Sub`` uses, without literals (``${!Literal}``)."""
    names = [name for literal, name in _VARIABLE.findall(text) if not literal]
    for name in names:
        if not _VARIABLE_NAME.match(name):
            raise TemplateFunctionError(
                "variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons"
            )
    return names


def sub_parts(argument: JSON) -> tuple[str, JSONObject]:
    """The text and the map of ``Fn::Sub``, in either form."""
    match argument:
        case str():
            return argument, {}
        case [str() as text, dict() as variables]:
            return text, variables
        case _:
            raise TemplateFunctionError(
                "One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, "
                "and an optional second argument to specify a mapping of values to replace in the string"
            )


def _sub(argument: JSON, scope: Scope) -> Resolved:
    text, variables = sub_parts(argument)
    variables_of(text)
    own = {name: resolve(value, scope) for name, value in variables.items()}

    def replaced(found: re.Match[str]) -> str:
        literal, name = found.groups()
        if literal:
            return f"${{{name}}}"
        value = as_text(_variable(name, own, scope))
        if value is None:
            raise TemplateFunctionError(f"Fn::Sub expression does not resolve to a string for {name}")
        return value

    return _VARIABLE.sub(replaced, text)


def _variable(name: str, own: Mapping[str, JSON], scope: Scope) -> JSON:
    if name in own:
        return own[name]
    if "." in name:
        resource, _, attribute = name.partition(".")
        if resource not in scope.attributes:
            raise UnresolvedDependenciesError([resource], scope.block)
        return _attribute(resource, attribute, scope)
    return _named(name, scope)


def _join(argument: JSON, scope: Scope) -> Resolved:
    match argument:
        case [str() as delimiter, items]:
            texts = resolve(items, scope)
            if isinstance(texts, list):
                found = [as_text(item) for item in texts]
                if all(text is not None for text in found):
                    return delimiter.join(text for text in found if text is not None)
    raise TemplateFunctionError(
        "every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined "
        "or a function that returns a list of strings (such as Fn::GetAZs) to be joined."
    )


def _select(argument: JSON, scope: Scope) -> Resolved:
    match argument:
        case [index, items]:
            number, found = whole_number(as_text(resolve(index, scope)) or ""), resolve(items, scope)
            if isinstance(found, list) and number is not None:
                if number < len(found):
                    chosen: JSON = found[number]
                    return chosen
                raise TemplateFunctionError(f"Fn::Select cannot select nonexistent value at index {number}")
    raise TemplateFunctionError(
        "every Fn::Select object requires two non-empty parameters, the first is an index and the second is a list of strings"
    )


def _split(argument: JSON, scope: Scope) -> Resolved:
    match argument:
        case [str() as delimiter, text] if delimiter:
            found = as_text(resolve(text, scope))
            if found is not None:
                return list(found.split(delimiter))
    raise TemplateFunctionError(
        "every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split "
        "or a function that returns a string to be split."
    )


def _if(argument: JSON, scope: Scope) -> Resolved:
    return _resolve(branch_of(argument, scope.conditions), scope)


def branch_of(argument: JSON, conditions: Mapping[str, bool]) -> JSON:
    """The branch of ``Fn::If`` that holds."""
    match argument:
        case [str() as condition, then, otherwise]:
            if condition not in conditions:
                raise TemplateFunctionError(f"Fn::If references undefined condition {condition}")
            branch: JSON = then if conditions[condition] else otherwise
            return branch
        case _:
            raise TemplateFunctionError("Fn::If requires a list argument with three parameters")


def _find_in_map(argument: JSON, scope: Scope) -> Resolved:
    match argument:
        case [name, top, second]:
            keys = [as_text(resolve(key, scope)) for key in (name, top, second)]
        case _:
            raise TemplateFunctionError(
                "every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value"
            )
    found: JSON = dict(scope.mappings)
    for key in keys:
        if not isinstance(found, dict) or key not in found:
            raise TemplateFunctionError(f"Unable to get mapping for {'::'.join(str(key) for key in keys)}")
        found = found[key]
    return found


def _import_value(argument: JSON, scope: Scope) -> Resolved:
    name = as_text(resolve(argument, scope))
    if name is None:
        raise TemplateFunctionError(
            "the attribute in Fn::ImportValue must not depend on any resources, imported values, or Fn::GetAZs"
        )
    value = scope.imports(name)
    if value is None:
        raise TemplateError(f"No export named {name} found.")
    return value


def _base64(argument: JSON, scope: Scope) -> Resolved:
    text = as_text(resolve(argument, scope))
    if text is None:
        raise TemplateFunctionError("every Fn::Base64 object must have a String-typed value.")
    return b64encode(text.encode()).decode()


def _zones(argument: JSON, scope: Scope) -> Resolved:
    region = as_text(resolve(argument, scope)) or as_text(scope.parameters.get("AWS::Region"))
    return [f"{region}{letter}" for letter in _ZONES]


FUNCTIONS: Final[Mapping[str, Callable[[JSON, Scope], Resolved]]] = {
    "Ref": _ref,
    "Fn::Base64": _base64,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAZs": _zones,
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::ImportValue": _import_value,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
}
