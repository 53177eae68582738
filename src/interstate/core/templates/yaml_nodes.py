"""YAML text read into plain JSON, from its node graph, not with a loader.

Keys stay as they are written (an account number is no octal integer, ``on`` is no boolean), dates stay text, and
``!GetAtt a.b`` becomes ``{"Fn::GetAtt": ["a", "b"]}``. Aliases are refused, as CloudFormation refuses them; so nothing can unfold
without end.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
"""

import re
from collections.abc import Callable
from math import isfinite
from typing import Final

import yaml

from interstate.base.json import JSON, JSONObject
from interstate.core.templates.errors import TemplateFormatError, TemplateFunctionError

DEPTH_MAX: Final = 100  # CloudFormation names no bound; deeper is an attack or an accident.
_TAG: Final = "tag:yaml.org,2002:"
_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,18})\Z")
_DECIMAL: Final = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][-+]?[0-9]+)?\Z")
_TRUE: Final = frozenset({"yes", "true", "on"})
_UNPREFIXED: Final = frozenset({"Ref", "Condition"})  # every other tag !X stands for Fn::X
_LOADER: Final[type[yaml.CSafeLoader] | type[yaml.SafeLoader]] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(text: str) -> JSON:
    """The JSON of any YAML text, with CloudFormation's tags as functions.

    Raises:
        TemplateFormatError: the text is no YAML.
        TemplateFunctionError: it uses aliases, or an unknown tag.
    """
    try:
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        raise TemplateFormatError(f"YAML not well-formed. {_place(error.problem_mark)}") from error
    except yaml.YAMLError as error:
        raise TemplateFormatError("YAML not well-formed.") from error
    return None if root is None else _value(root, 0, set())


def _place(mark: yaml.Mark | None) -> str:
    return "" if mark is None else f"(line {mark.line + 1}, column {mark.column + 1})"


def _value(node: yaml.Node, depth: int, seen: set[int]) -> JSON:
    if depth > DEPTH_MAX:
        raise TemplateFormatError(f"YAML is nested deeper than {DEPTH_MAX}. {_place(node.start_mark)}")
    if id(node) in seen:
        raise TemplateFunctionError("YAML aliases are not allowed in CloudFormation templates")
    seen.add(id(node))
    value: JSON
    if isinstance(node, yaml.MappingNode):
        value = _mapping(node, depth, seen)
    elif isinstance(node, yaml.SequenceNode):
        value = [_value(item, depth + 1, seen) for item in node.value]
    else:
        value = _scalar(node)
    return _tagged(node, value) if node.tag.startswith("!") else value


def _mapping(node: yaml.MappingNode, depth: int, seen: set[int]) -> JSONObject:
    found: JSONObject = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise TemplateFormatError(f"YAML not well-formed. {_place(key.start_mark)}")
        if key.value in found:
            raise TemplateFormatError(
                f"YAML not well-formed: the key {key.value} stands twice. {_place(key.start_mark)}"
            )
        found[key.value] = _value(value, depth + 1, seen)
    return found


def _scalar(node: yaml.Node) -> JSON:
    text: str = node.value
    reader = _SCALARS.get(node.tag.removeprefix(_TAG))
    return text if reader is None else reader(text)


def _integer(text: str) -> JSON:
    # 010 and 0x1F stay text, and so does what JSON libraries cannot hold.
    return int(text) if _INTEGER.match(text) and abs(int(text)) < 2**63 else text


def _decimal(text: str) -> JSON:
    return float(text) if _DECIMAL.match(text) and isfinite(float(text)) else text


def _boolean(text: str) -> JSON:
    return text.lower() in _TRUE


def _null(_text: str) -> JSON:
    return None


_SCALARS: Final[dict[str, Callable[[str], JSON]]] = {
    "int": _integer,
    "float": _decimal,
    "bool": _boolean,
    "null": _null,
}


def _tagged(node: yaml.Node, value: JSON) -> JSON:
    name = node.tag[1:]
    if name == "GetAtt" and isinstance(value, str):
        value = list(value.split(".", 1))
    return {name if name in _UNPREFIXED else f"Fn::{name}": value}
