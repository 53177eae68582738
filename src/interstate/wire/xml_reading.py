"""XML bodies of requests, read by the shapes of a model.

Source: https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from interstate.base.errors import ServiceError
from interstate.wire.form import scalar_of_text
from interstate.wire.model import Member, ServiceModel, Shape

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_DEPTH_MAX = 32


class MalformedXML(ServiceError):
    """The body is no XML, or not of the shape."""

    def __init__(self) -> None:
        super().__init__("The XML you provided was not well-formed or did not validate against our published schema")


class XmlReader:
    """Reads elements by the shapes of one service; values come under their API names."""

    def __init__(self, model: ServiceModel) -> None:
        self._shapes = model.shapes

    def read(self, shape: str, body: bytes) -> Any:
        """The value of a whole body.

        Raises:
            MalformedXML: it is no XML, or has a document type: entities are never expanded.
        """
        return self._value(self._shapes[shape], _parsed(body), 0)

    def _value(self, shape: Shape, element: "Element", depth: int) -> Any:
        if depth > _DEPTH_MAX:
            raise MalformedXML
        readers: dict[str, Callable[[Shape, Element, int], Any]] = {"structure": self._structure, "list": self._list}
        reader = readers.get(shape.kind)
        if reader is not None:
            return reader(shape, element, depth)
        try:
            return scalar_of_text(shape.kind, (element.text or "").strip(" \n\t\r") if len(element) == 0 else "", "")
        except ServiceError:
            raise MalformedXML from None

    def _structure(self, shape: Shape, element: "Element", depth: int) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for member in shape.members:
            if member.location:
                continue
            target = self._shapes[member.shape]
            name = _wire_name(member, target)
            found = [child for child in element if _local(child) == name]
            if not found:
                continue
            if target.kind == "list" and target.flattened:
                value[member.name] = [self._element(target, child, depth) for child in found]
            elif target.kind == "string":
                value[member.name] = found[-1].text or ""
            else:
                value[member.name] = self._value(target, found[-1], depth + 1)
        return value

    def _list(self, shape: Shape, element: "Element", depth: int) -> list[Any]:
        assert shape.element is not None
        return [self._element(shape, child, depth) for child in element if _local(child) == shape.element.wire]

    def _element(self, shape: Shape, child: "Element", depth: int) -> Any:
        assert shape.element is not None
        return self._value(self._shapes[shape.element.shape], child, depth + 1)


def _wire_name(member: Member, target: Shape) -> str:
    """A flattened list's elements take the member's name, unless they have one of their own."""
    if target.kind == "list" and target.flattened and target.element and target.element.wire != "member":
        return target.element.wire
    return member.wire


def _local(element: "Element") -> str:
    return element.tag.rpartition("}")[2]


def _parsed(body: bytes) -> "Element":
    from xml.etree.ElementTree import ParseError, fromstring  # noqa: PLC0415 imported when S3 is first spoken

    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise MalformedXML
    try:
        return fromstring(body)  # noqa: S314 a document type, and with it every entity of its own, was refused above
    except (ParseError, ValueError):
        raise MalformedXML from None
