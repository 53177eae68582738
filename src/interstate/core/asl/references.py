"""Which variables a definition's states mention, as DescribeStateMachine shows them.

Read from the definition's JSON: all that a state says is there, and names inside inner machines belong to their own states.

Source: API Reference, DescribeStateMachine (variableReferences); answers recorded from the service.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from interstate.base.json import JSON, JSONObject
from interstate.core.asl.query import CLOSES, OPENS, is_expression
from interstate.core.jsonata.functions import BUILT_IN
from interstate.core.jsonata.references import references_of

_INNER: Final = frozenset({"Branches", "ItemProcessor", "Iterator"})
_TEXTS: Final = frozenset({"Comment", "Resource", "Label", "Next", "Default"})
_NAMED = re.compile(r"'(?:[^'\\]|\\.)*'|(?<![\w$])\$([^\W\d]\w*)")
"""A variable of JSONPath; what stands in quotes is text."""


def variable_references(definition: JSONObject) -> dict[str, list[str]]:
    """The variables that each state mentions, sorted; states without any are left out."""
    whole = definition.get("QueryLanguage") == "JSONata"
    found = {}
    for name, state in _states(definition):
        jsonata = whole or state.get("QueryLanguage") == "JSONata"
        fields = {field: value for field, value in state.items() if field not in _INNER | _TEXTS}
        names = set(_queried(fields)) if jsonata else set(_by_path(fields))
        if names:
            found[name] = sorted(names)
    return found


def _states(machine: JSONObject) -> Iterator[tuple[str, JSONObject]]:
    states: Mapping[str, JSONObject] = machine.get("States", {})
    for name, state in states.items():
        yield name, state
        for branch in state.get("Branches", ()):
            yield from _states(branch)
        for inner in ("ItemProcessor", "Iterator"):
            if inner in state:
                yield from _states(state[inner])


def _queried(value: JSON) -> Iterator[str]:
    match value:
        case dict():
            for item in value.values():
                yield from _queried(item)
        case list():
            for item in value:
                yield from _queried(item)
        case str() if is_expression(value):
            references = references_of(value[len(OPENS) : -len(CLOSES)])
            yield from references.variables - references.local - BUILT_IN


def _by_path(value: JSON) -> Iterator[str]:
    """Variables in fields that are paths, and in the members of templates that end in ``.$``."""
    match value:
        case dict():
            for name, item in value.items():
                if isinstance(item, str) and (name.endswith((".$", "Path")) or name == "Variable"):
                    yield from (found[1] for found in _NAMED.finditer(item) if found[1] is not None)
                elif name != "Result":
                    yield from _by_path(item)
        case list():
            for item in value:
                yield from _by_path(item)
