import pytest

from interstate.base.json import JSON, dumps, is_deeper, loads, size_bytes


def nested(levels: int, inner: JSON = 1) -> JSON:
    value = inner
    for level in range(levels):
        value = {"a": value} if level % 2 else [value]
    return value


@pytest.mark.parametrize("levels", [1, 254, 255, 500])
def test_what_can_be_read_can_be_written(levels: int) -> None:
    text = dumps(nested(levels, "é"))
    assert loads(text) == nested(levels, "é")
    assert size_bytes(nested(levels, "é")) == len(text.encode())
    assert " " not in text


def test_what_is_no_json_is_not_written() -> None:
    with pytest.raises(TypeError):
        dumps([b"bytes"])


@pytest.mark.parametrize(
    ("value", "levels"), [(1, 0), ([], 1), ({"a": [1]}, 2), ([1, {"a": []}, 2], 3), (nested(700), 700)]
)
def test_levels_are_counted(value: JSON, levels: int) -> None:
    assert not is_deeper(value, levels)
    if levels:
        assert is_deeper(value, levels - 1)
