"""Put a value at a reference path, as ResultPath does.

Source: https://states-language.net/#using-paths and https://states-language.net/#reference-paths
"""

from interstate.base.json import JSON
from interstate.core.jsonpath.path import Path, Step


class Unputtable(ValueError):
    """The value has no place at this path: a step would go through something that is no object or array."""


def put(value: JSON, path: Path, replacement: JSON) -> JSON:
    """The value with ``replacement`` at ``path``; what lies along the path is copied, the rest is shared.

    Objects on the way that are missing are made. An index names an element that is there.

    Raises:
        Unputtable: the path goes through a value of another kind, or beyond the end of an array.
    """
    assert path.is_reference, path.text
    assert not path.in_context, path.text
    assert path.variable is None, path.text
    return _put(value, path.steps, replacement)


def _put(value: JSON, steps: tuple[Step, ...], replacement: JSON) -> JSON:
    if not steps:
        return replacement
    step, rest = steps[0], steps[1:]
    match value, step:
        case dict(), str() if not rest or step in value:
            return {**value, step: _put(value.get(step), rest, replacement)}
        case dict(), str():
            return {**value, step: _put({}, rest, replacement)}
        case list(), int() if 0 <= step < len(value):
            return [*value[:step], _put(value[step], rest, replacement), *value[step + 1 :]]
        case _:
            raise Unputtable(str(step))
