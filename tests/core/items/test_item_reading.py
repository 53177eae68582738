"""Items out of windows of bytes.

Source: Step Functions Developer Guide, "ItemReader"; RFC 4180 for quotes; causes as recorded from Step Functions.
"""

import json

import pytest
from hypothesis import given
from hypothesis.strategies import dictionaries, integers, lists, none, recursive, text

from interstate.core.items.reading import (
    Unreadable,
    csv_columns,
    csv_headers,
    csv_item,
    csv_records,
    json_elements,
    json_lines,
)

VALUES = recursive(
    none() | integers() | text(max_size=4),
    lambda inner: lists(inner, max_size=3) | dictionaries(text(max_size=2), inner, max_size=2),
    max_leaves=5,
)


def in_windows(data: bytes, length: int) -> list[object]:
    found: list[object] = []
    offset, size = 0, length
    while True:
        window, last = data[offset : offset + size], offset + size >= len(data)
        before = offset
        for element in json_elements(window, first=before == 0, last=last):
            found.append(element.item)
            offset = before + element.next
            if element.closed:
                return found
        if last and offset == before:
            return found
        size = length if offset > before else size * 2


@given(values=lists(VALUES, max_size=6), length=integers(1, 40), indent=none() | integers(0, 2))
def test_windows_of_any_length_give_the_elements_of_an_array(
    values: list[object], length: int, indent: int | None
) -> None:
    data = json.dumps(values, ensure_ascii=False, indent=indent).encode("utf-8", "replace")
    assert in_windows(data, length) == json.loads(data)


@pytest.mark.parametrize("data", [b'{"a":1}', b"12", b"", b"  "])
def test_what_is_no_array_cannot_be_mapped_over(data: bytes) -> None:
    with pytest.raises(Unreadable, match="non-iterable node"):
        list(json_elements(data, first=True, last=True))


@pytest.mark.parametrize("data", [b"[1", b"[1,", b"[1 2]", b'["a]'])
def test_an_array_that_is_broken_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable):
        list(json_elements(data, first=True, last=True))


def test_line_breaks_inside_quotes_belong_to_their_field() -> None:
    data = b'a,"b\r\nc",d\r\n\r\n1;2,"say ""x""",3'
    assert [record for record, _ in csv_records(data, "COMMA", last=True)] == [
        ["a", "b\r\nc", "d"],
        ["1;2", 'say "x"', "3"],
    ]
    assert [record for record, _ in csv_records(data, "COMMA", last=False)] == [["a", "b\r\nc", "d"]]


def test_fields_meet_headers() -> None:
    assert csv_item(csv_columns(["a", "b", "c"]), ["1", "2"]) == {"a": "1", "b": "2", "c": ""}
    assert csv_item(csv_columns(["a"]), ["1", "2"]) == {"a": "1"}
    with pytest.raises(Unreadable, match=r"CSV headers cannot contain duplicates\."):
        csv_headers(["a", "a"])


def test_members_stand_in_the_order_of_a_hash_map() -> None:
    names = [name for _, name in csv_columns(["orders", "True", "{}", "", "0"])]
    assert names == sorted(names, key=lambda name: {"": 0, "0": 0, "{}": 2}.get(name, 9))
    assert [at for at, _ in csv_columns(["True", "0", "{}"])] == [1, 2, 0]


def test_json_lines_leave_a_cut_line_for_later() -> None:
    assert [line.item for line in json_lines(b'{"a":1}\n\n2\n[3', last=False)] == [{"a": 1}, 2]
    with pytest.raises(Unreadable):
        list(json_lines(b"[3", last=True))
