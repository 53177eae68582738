"""Form bodies of the query protocol: flat names to nested values.

Source: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus

from interstate.base.errors import ServiceError
from interstate.wire.errors import MalformedInput
from interstate.wire.model import Member, ServiceModel, Shape
from interstate.wire.reading import read_instant
from interstate.wire.sqs_query import MAPS

FIELDS_MAX = 10_000  # Far above what any operation takes; bounds the work for one body.
_DEPTH_MAX = 32

_CONVERTED = frozenset({"boolean", "double", "float", "integer", "list", "long", "map", "structure", "timestamp"})
"""Kinds of which a field's text is not the value."""

Tree = dict[str, "Tree | str"]


def fields(text: bytes) -> dict[str, str]:
    """The fields of a form body or query string; of a repeated one, the last.

    Raises:
        ServiceError: there are too many.
    """
    if text.count(b"&") >= FIELDS_MAX:
        msg = f"The request has more than {FIELDS_MAX} parameters."
        raise ServiceError(msg, code="MalformedQueryString")
    found: dict[str, str] = {}
    for pair in text.decode("utf-8", "replace").split("&"):
        name, _, value = pair.partition("=")
        if not name:
            continue
        if "%" in value or "+" in value:
            # ARNs stand in call after call.
            value = _known(value) if value.startswith(_ARN) and len(value) <= _ARN_CHARS_MAX else unquote_plus(value)
        found[unquote_plus(name) if "%" in name or "+" in name else name] = value
    return found


_ARN = "arn%3A"
_ARN_CHARS_MAX = 512
_known = lru_cache(maxsize=1024)(unquote_plus)


def tree(flat: Mapping[str, str]) -> Tree:
    """``{"Tag.1.Key": "a"}`` as ``{"Tag": {"1": {"Key": "a"}}}``.

    A name that is both a value and a folder keeps the folder, as AWS's parsers ignore the stray value.
    """
    if "." not in "".join(flat):
        return dict(flat)
    root: Tree = {}
    for name, value in flat.items():
        if "." not in name:
            if not isinstance(root.get(name), dict):
                root[name] = value
            continue
        *folders, leaf = name.split(".", _DEPTH_MAX)
        node = root
        for folder in folders:
            child = node.get(folder)
            if not isinstance(child, dict):
                child = node[folder] = {}
            node = child
        if not isinstance(node.get(leaf), dict):
            node[leaf] = value
    return root


class FormReader:
    """Builds an operation's parameters from a tree, led by its input shape. Constraints are not its concern."""

    def __init__(self, model: ServiceModel) -> None:
        self._shapes = model.shapes
        self._members: dict[str, list[tuple[str, str, bool, Member]]] = {}

    def read(self, shape_name: str, found: Tree) -> dict[str, Any]:
        """The parameters under their API names."""
        return self._structure(shape_name, found, "")

    def texts(self, shape_name: str) -> frozenset[str]:
        """The members of a shape whose field has the member's name, and whose value is the field's text."""
        members = self._members_of(shape_name)
        return frozenset(name for field, name, is_text, _ in members if is_text and field == name)

    def _structure(self, shape_name: str, found: Tree, place: str) -> dict[str, Any]:
        params: dict[str, Any] = {}
        for name, member_name, is_text, member in self._members.get(shape_name) or self._members_of(shape_name):
            node = found.get(name)
            if node is None:
                if name == member_name or member.shape not in MAPS or (node := found.get(member_name)) is None:
                    continue
                name = member_name
            if is_text and type(node) is str:
                params[member_name] = node
            else:
                params[member_name] = self._value(member, node, f"{place}{name}")
        return params

    def _members_of(self, shape_name: str) -> list[tuple[str, str, bool, Member]]:
        """A structure's members: each one's field, its name, and whether the field's text is its value."""
        found = self._members[shape_name] = [
            (self._name(member), member.name, self._shapes[member.shape].kind not in _CONVERTED, member)
            for member in self._shapes[shape_name].members
        ]
        return found

    def _name(self, member: Member) -> str:
        """A flat list stands under its elements' name where they have one."""
        target = self._shapes[member.shape]
        if target.kind == "list" and target.flattened and target.element and target.element.query != "member":
            return target.element.query
        return member.query

    def _value(self, member: Member, node: Tree | str, place: str) -> Any:
        shape = self._shapes[member.shape]
        match shape.kind:
            case "structure":
                return self._structure(member.shape, _folder(node), f"{place}.")
            case "list":
                return self._list(shape, node, place)
            case "map":
                return self._map(shape, _folder(node), place)
            case kind:
                if isinstance(node, dict):
                    raise MalformedInput(place, "a plain value")
                return scalar_of_text(kind, node, place)

    def _list(self, shape: Shape, node: Tree | str, place: str) -> list[Any]:
        assert shape.element is not None
        if not isinstance(node, dict):
            if node and shape.flattened and self._shapes[shape.element.shape].kind == "string":
                # Source: SQS API Reference, ReceiveMessage's example (``AttributeName=All``);
                # https://github.com/softwaremill/elasticmq/pull/448.
                return [node]
            return []  # ``AttributeNames=`` says: an empty list.
        if not shape.flattened:
            node = _folder(node.get(shape.element.query, {}))
            place = f"{place}.{shape.element.query}"
        return [self._value(shape.element, item, f"{place}.{number}") for number, item in _numbered(node)]

    def _map(self, shape: Shape, node: Tree, place: str) -> dict[str, Any]:
        assert shape.element is not None
        assert shape.key is not None
        if not shape.flattened:
            node = _folder(node.get("entry", {}))
            place = f"{place}.entry"
        found: dict[str, Any] = {}
        for number, entry in _numbered(node):
            folder = _folder(entry)
            key, value = folder.get(shape.key.query), folder.get(shape.element.query)
            if key is None and shape.flattened:
                key = (
                    ""  # The service says what is wrong with it. Source: https://github.com/aws/aws-sdk-php/issues/694.
                )
            if isinstance(key, str) and value is not None:
                found[key] = self._value(shape.element, value, f"{place}.{number}.{shape.element.query}")
        return found


def _folder(node: Tree | str) -> Tree:
    return node if isinstance(node, dict) else {}


def _numbered(node: Tree) -> list[tuple[int, Tree | str]]:
    return sorted((int(number), item) for number, item in node.items() if number.isascii() and number.isdigit())


_TRUTH = {"true": True, "false": False}


def scalar_of_text(kind: str, text: str, place: str) -> Any:
    """A form field, query parameter, path label or header as a value of its type.

    Blobs stay Base64 text; the reader of values decodes them.

    Raises:
        MalformedInput: the text is no such value.
    """
    match kind:
        case "integer" | "long":
            return _number(text, place)
        case "float" | "double":
            try:
                return float(text)
            except ValueError:
                raise MalformedInput(place, "a number") from None
        case "boolean":
            if text.lower() not in _TRUTH:
                raise MalformedInput(place, "true or false")
            return _TRUTH[text.lower()]
        case "timestamp":
            instant = read_instant(text)
            if instant is None:
                raise MalformedInput(place, "an ISO 8601 instant")
            return instant
        case _:
            return text


def _number(text: str, place: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 19:
        raise MalformedInput(place, "a whole number")
    return int(text)
