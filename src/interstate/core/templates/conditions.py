"""Conditions: which of the template's branches and resources hold, from parameters alone.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/conditions-section-structure.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from interstate.base.json import JSON
from interstate.core.templates.errors import TemplateFormatError, TemplateFunctionError, UnresolvedDependenciesError
from interstate.core.templates.intrinsics import Scope, as_text, resolve


def resolve_conditions(declared: Mapping[str, JSON], scope: Scope) -> dict[str, bool]:
    """Whether each condition holds.

    Raises:
        TemplateError: a condition names a resource, an unknown condition, or itself.
    """
    known = _Known(declared, scope)
    return {name: known.holds(name) for name in declared}


@dataclass
class _Known:
    """The conditions decided so far; those in progress, so that a circle is seen."""

    declared: Mapping[str, JSON]
    scope: Scope
    decided: dict[str, bool] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)

    def holds(self, name: str) -> bool:
        if name in self.decided:
            return self.decided[name]
        if name not in self.declared:
            raise TemplateFormatError(f"Unresolved condition dependency {name} in the Conditions block of the template")
        if name in self.open:
            raise TemplateFormatError(f"Circular dependency between conditions: [{', '.join(sorted(self.open))}]")
        self.open.append(name)
        self.decided[name] = self.judge(self.declared[name])
        self.open.pop()
        return self.decided[name]

    def judge(self, expression: JSON) -> bool:
        if isinstance(expression, dict) and len(expression) == 1:
            name, argument = next(iter(expression.items()))
            if name in _OPERATORS:
                return _OPERATORS[name](self, argument)
        raise TemplateFormatError("Conditions can only be boolean operations on parameters and other conditions")

    def value(self, expression: JSON) -> JSON:
        """What ``Fn::Equals`` compares: resolved from parameters and mappings, never from resources."""
        try:
            return resolve(expression, replace(self.scope, conditions=self.decided, references={}, attributes={}))
        except UnresolvedDependenciesError as error:
            raise TemplateFormatError(
                f"Unresolved dependencies [{', '.join(error.names)}]. "
                "Cannot reference resources in the Conditions block of the template"
            ) from error


def _equals(known: _Known, argument: JSON) -> bool:
    if not isinstance(argument, list) or len(argument) != 2:
        raise TemplateFunctionError("every Fn::Equals object requires a list of 2 string parameters.")
    left, right = (known.value(item) for item in argument)
    # Scalars compare as text: parameters are text, and a template may write 1 or "1".
    return left == right or (as_text(left) is not None and as_text(left) == as_text(right))


def _many(name: str, known: _Known, argument: JSON) -> list[bool]:
    if not isinstance(argument, list) or not 2 <= len(argument) <= 10:
        raise TemplateFunctionError(
            f"every {name} object requires a list of at least 2 and at most 10 boolean parameters."
        )
    return [known.judge(item) for item in argument]


def _and(known: _Known, argument: JSON) -> bool:
    return all(_many("Fn::And", known, argument))


def _or(known: _Known, argument: JSON) -> bool:
    return any(_many("Fn::Or", known, argument))


def _not(known: _Known, argument: JSON) -> bool:
    if not isinstance(argument, list) or len(argument) != 1:
        raise TemplateFunctionError("every Fn::Not object requires one boolean parameter.")
    return not known.judge(argument[0])


def _condition(known: _Known, argument: JSON) -> bool:
    if not isinstance(argument, str):
        raise TemplateFormatError("every Condition object must have a single String value.")
    return known.holds(argument)


_OPERATORS: Final[Mapping[str, Callable[[_Known, JSON], bool]]] = {
    "Condition": _condition,
    "Fn::And": _and,
    "Fn::Equals": _equals,
    "Fn::Not": _not,
    "Fn::Or": _or,
}
