import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstate.wire.model import SERVED, Models
from interstate.wire.patterns import compiled


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", "주문 서비스 7", True),
        (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", "a<b", False),
        (r"\p{ASCII}*", "plain", True),
        (r"\p{ASCII}*", "주문", False),
        (r"[\w-_]*", "a-b_c", True),
        (r"[a-z]+", "abc\n", False),
    ],
)
def test_javas_classes_are_read_as_pythons(pattern: str, text: str, fits: bool) -> None:
    found = compiled(pattern)
    assert found is not None
    assert (found.fullmatch(text) is not None) is fits


def test_every_pattern_of_the_served_models_can_be_checked(models: Models) -> None:
    patterns = {shape.pattern for name in SERVED for shape in models.service(name).shapes.values() if shape.pattern}
    assert not [pattern for pattern in patterns if compiled(pattern) is None]


def test_a_pattern_that_python_cannot_read_is_not_checked() -> None:
    assert compiled("([a-z") is None


SLOW = [
    r"^[ \t]*[^\x00-\x1F:\x7F]+([ \t]+[^\x00-\x1F:\x7F]+)*[ \t]*$",
    r"^[ \t]*[\x20-\x7E]+([ \t]+[\x20-\x7E]+)*[ \t]*$",
]


@pytest.mark.parametrize("pattern", SLOW)
def test_patterns_that_would_take_forever_are_still_those_of_the_models(models: Models, pattern: str) -> None:
    assert pattern in {shape.pattern for shape in models.service("events").shapes.values()}
    found = compiled(pattern)
    assert found is not None
    assert found.fullmatch("a b" * 170 + "\x01") is None  # Exponential in the model's own words.


@pytest.mark.parametrize("pattern", SLOW)
@given(text=st.text(alphabet="a \t:\x01", max_size=8))
def test_patterns_that_were_rewritten_say_the_same(pattern: str, text: str) -> None:
    found = compiled(pattern)
    assert found is not None
    assert (found.fullmatch(text) is None) == (re.fullmatch(pattern, text) is None)


@pytest.mark.parametrize("unit", ["a", "1", "-", "a-", "/", "a.", ":", "arn:aws:", " ", "a b", "https://a."])
def test_no_pattern_runs_away(models: Models, unit: str) -> None:
    shapes = {shape.pattern: shape for name in SERVED for shape in models.service(name).shapes.values()}
    for pattern, shape in shapes.items():
        found = compiled(pattern)
        assert found is not None
        size = int(min(shape.high or 4096, 4096))
        found.fullmatch((unit * size)[: size - 1] + "\x01")
