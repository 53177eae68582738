"""Which REST operation a method and a path name.

A service's templates (``/2015-03-31/functions/{FunctionName}/invocations``) form a tree of segments. At each step a
literal segment is tried before a label, and a label before a greedy one (``{path+}``), so that the most specific
template wins. A template may demand query parameters; those with more demands are tried first.

Source: https://smithy.io/2.0/spec/http-bindings.html#http-trait (specificity of routes)
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

from interstate.wire.model import OperationModel


@dataclass
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    label: "_Node | None" = None
    greedy: "_Node | None" = None
    # method -> (demanded query parameters, label names, operation)
    leaves: dict[str, list[tuple[dict[str, str], tuple[str, ...], OperationModel]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Match:
    """An operation and the values of its path's labels."""

    operation: OperationModel
    labels: Mapping[str, str]


class PathTable:
    """The templates of one service."""

    def __init__(self, operations: Iterable[OperationModel]) -> None:
        self._root = _Node()
        for operation in operations:
            self._add(operation)

    def _add(self, operation: OperationModel) -> None:
        path, _, query = operation.uri.partition("?")
        node, names = self._root, list[str]()
        for segment in _segments(path):
            if not segment.startswith("{"):
                node = node.literals.setdefault(segment, _Node())
                continue
            names.append(segment.strip("{}+"))
            if segment.endswith("+}"):
                node.greedy = node = node.greedy or _Node()
            else:
                node.label = node = node.label or _Node()
        leaves = node.leaves.setdefault(operation.method, [])
        leaves.append((dict(parse_qsl(query, keep_blank_values=True)), tuple(names), operation))
        leaves.sort(key=lambda leaf: -len(leaf[0]))

    def match(self, method: str, path: str, query: str) -> Match | None:
        """The operation of a request; None when no template fits."""
        return _descend(self._root, _segments(path), (), method, query)


def _segments(path: str) -> list[str]:
    return path.strip("/").split("/") if path.strip("/") else []


def _descend(node: _Node, segments: list[str], values: tuple[str, ...], method: str, query: str) -> Match | None:
    if not segments:
        return _leaf(node, values, method, query)
    first, rest = segments[0], segments[1:]
    if (literal := node.literals.get(first)) and (found := _descend(literal, rest, values, method, query)):
        return found
    if node.label and first and (found := _descend(node.label, rest, (*values, first), method, query)):
        return found
    if node.greedy:
        return _leaf(node.greedy, (*values, "/".join(segments)), method, query)
    return None


def _leaf(node: _Node, values: tuple[str, ...], method: str, query: str) -> Match | None:
    for demanded, names, operation in node.leaves.get(method, ()):
        if demanded and not demanded.items() <= dict(parse_qsl(query, keep_blank_values=True)).items():
            continue
        return Match(operation, dict(zip(names, (unquote(value) for value in values), strict=True)))
    return None
