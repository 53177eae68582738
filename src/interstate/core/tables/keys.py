"""Keys of items: taken out, checked against the schema, encoded so that bytes sort as values do.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.CoreComponents.html#HowItWorks.CoreComponents.PrimaryKey
Source: DynamoDB quotas, partition and sort key length
"""

from collections.abc import Mapping, Sequence
from typing import Any

from interstate.core.tables import numbers
from interstate.core.tables.compound import joined
from interstate.core.tables.errors import InvalidInput, InvalidParameters, KeyMismatch
from interstate.core.tables.schema import Index, KeyAttribute, KeySchema, TableDefinition
from interstate.core.tables.values import Item, Value, kind_of

PARTITION_BYTES_MAX = 2048
SORT_BYTES_MAX = 1024
ABOVE_ALL = b"\xff" * (SORT_BYTES_MAX + 1)
"""Sorts after every encoded sort key."""

Encoded = tuple[bytes, bytes]
"""Partition key and sort key; the sort key of a table without one is empty."""


def encoded(attribute_type: str, content: Any) -> bytes:
    """The bytes of one key attribute's content."""
    part: bytes = content
    if attribute_type == "S":
        part = content.encode()
    elif attribute_type == "N":
        part = numbers.sortable(content)
    return part


def key_of_request(key: Mapping[str, Value], schema: KeySchema) -> Encoded:
    """The encoded key of a request's ``Key``, whose values were checked.

    Raises:
        KeyMismatch: an attribute is missing, one too many, or of another type.
        InvalidInput: an attribute is empty or too long.
    """
    if len(key) != (1 if schema.sort is None else 2):
        raise KeyMismatch
    return (
        _key_part(key.get(schema.partition.name), schema.partition, PARTITION_BYTES_MAX),
        b"" if schema.sort is None else _key_part(key.get(schema.sort.name), schema.sort, SORT_BYTES_MAX),
    )


def _key_part(value: Value | None, attribute: KeyAttribute, size_max: int) -> bytes:
    if value is None:
        raise KeyMismatch
    content = value.get(attribute.type)
    if content is None:
        raise KeyMismatch
    part = encoded(attribute.type, content)
    return part if 0 < len(part) <= size_max else _bounded(part, attribute, size_max)


def _bounded(part: bytes, attribute: KeyAttribute, size_max: int) -> bytes:
    if not part:
        what = "string" if attribute.type == "S" else "binary"
        raise InvalidInput(
            "One or more parameter values are not valid. The AttributeValue for a key attribute "
            f"cannot contain an empty {what} value. Key: {attribute.name}"
        )
    if len(part) > size_max and attribute.type != "N":
        check_length(part, size_max)
    return part


def check_length(part: bytes, size_max: int) -> None:
    """Refuse a key's part that is too long.

    Raises:
        InvalidParameters: in the words that belong to partition or sort keys.
    """
    if len(part) <= size_max:
        return
    if size_max == PARTITION_BYTES_MAX:
        raise InvalidParameters("Size of hashkey has exceeded the maximum size limit of2048 bytes")
    raise InvalidParameters("Aggregated size of all range keys has exceeded the size limit of 1024 bytes")


def key_of_item(item: Item, schema: KeySchema) -> Encoded:
    """The encoded key of a whole item whose values were checked.

    Raises:
        InvalidInput: a key attribute is missing, of another type, empty or too long.
    """
    return (
        _item_part(item, schema.partition, PARTITION_BYTES_MAX),
        b"" if schema.sort is None else _item_part(item, schema.sort, SORT_BYTES_MAX),
    )


def _item_part(item: Item, attribute: KeyAttribute, size_max: int) -> bytes:
    value = item.get(attribute.name)
    if value is None:
        raise InvalidParameters(f"Missing the key {attribute.name} in the item")
    content = value.get(attribute.type)
    if content is None:
        raise InvalidParameters(
            f"Type mismatch for key {attribute.name} expected: {attribute.type} actual: {kind_of(value)}"
        )
    part = encoded(attribute.type, content)
    return part if 0 < len(part) <= size_max else _bounded(part, attribute, size_max)


def key_in_index(item: Item, index: Index) -> Encoded | None:
    """The encoded index key of a checked item; None when the item lacks an attribute of it, and so is not in the index.

    The item's index attributes were checked by ``check_index_keys``.
    """
    parts = []
    for attribute in index.key.attributes:
        value = item.get(attribute.name)
        content = None if value is None else value.get(attribute.type)
        if content is None or content in ("", b""):
            return None
        parts.append(encoded(attribute.type, content))
    return combined(parts, index.key)


def combined(parts: Sequence[bytes], schema: KeySchema) -> Encoded:
    """The partition and the sort key that the encoded attributes make, in the order of the schema."""
    if not schema.is_compound:
        return parts[0], parts[1] if len(parts) == 2 else b""
    count = len(schema.partitions)
    return part_of(parts[:count], schema.partitions), part_of(parts[count:], schema.sorts)


def part_of(parts: Sequence[bytes], attributes: Sequence[KeyAttribute]) -> bytes:
    """One half of a key: as it is when it has one attribute only."""
    if not attributes:
        return b""
    return parts[0] if len(attributes) == 1 else joined(parts)


def check_index_keys(item: Item, index: Index) -> None:
    """Refuse an item whose index attributes could not be keys.

    Raises:
        InvalidInput: an attribute that is there is of another type, empty or too long.
    """
    for attribute in index.key.attributes:
        value = item.get(attribute.name)
        if value is None:
            continue
        content = value.get(attribute.type)
        if content is None:
            raise InvalidParameters(
                f"Type mismatch for Index Key {attribute.name} Expected: {attribute.type} "
                f"Actual: {kind_of(value)} IndexName: {index.name}"
            )
        if content in ("", b""):
            what = "string" if attribute.type == "S" else "binary"
            raise InvalidInput(
                "One or more parameter values are not valid. A value specified for a secondary index key is not "
                f"supported. The AttributeValue for a key attribute cannot contain an empty {what} value. "
                f"IndexName: {index.name}, IndexKey: {attribute.name}"
            )
        if attribute.type != "N":
            size_max = PARTITION_BYTES_MAX if attribute in index.key.partitions else SORT_BYTES_MAX
            check_length(encoded(attribute.type, content), size_max)
    if index.key.is_compound:
        _check_compound(item, index.key)


def _check_compound(item: Item, schema: KeySchema) -> None:
    for attributes, size_max in ((schema.partitions, PARTITION_BYTES_MAX), (schema.sorts, SORT_BYTES_MAX)):
        parts = [
            encoded(attribute.type, item[attribute.name][attribute.type])
            for attribute in attributes
            if attribute.name in item
        ]
        check_length(b"".join(parts), size_max)


def check_scalar_keys(nested: frozenset[str], definition: TableDefinition) -> None:
    """Refuse an expression that looks into a key attribute; ``nested`` are the attributes that it looks into.

    Raises:
        InvalidInput: naming the first.
    """
    if not nested:
        return
    places = [("Key", name) for name in definition.key.names]
    places += [("IndexKey", name) for index in definition.indexes for name in index.key.names]
    for where, name in places:
        if name in nested:
            raise InvalidInput(
                "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "
                f"{where}: {name}"
            )


def after(part: bytes) -> bytes:
    """The least bytes that sort after ``part``."""
    return part + b"\x00"


def above_prefix(prefix: bytes) -> bytes:
    """The least bytes that sort after everything that starts with ``prefix``."""
    stem = prefix.rstrip(b"\xff")
    return stem[:-1] + bytes((stem[-1] + 1,)) if stem else ABOVE_ALL
