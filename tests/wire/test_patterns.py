import pytest

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
