"""What is checked for many messages at once is what is checked for each: short ways say what long ways say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstate.base.errors import ServiceError
from interstate.core.queues.content import are_ids, check_id
from interstate.core.queues.errors import InvalidMessageContents
from interstate.core.queues.message import are_ascii, check_body

IDS = st.one_of(st.sampled_from(["", "a", "!~", " ", "\x7f", "é", "a b", "x" * 128, "x" * 129]), st.text(max_size=3))
BODIES = st.lists(
    st.one_of(st.sampled_from(["\x00", "\x1f", "\t\r\n", "\ufffe", "é"]), st.text(max_size=3)), max_size=4
)


def _is_taken(identity: str) -> bool:
    try:
        check_id("MessageGroupId", identity)
    except ServiceError:
        return False
    return True


@given(st.lists(IDS, min_size=1, max_size=4))
def test_ids_together_are_taken_when_each_is(ids: list[str]) -> None:
    assert are_ids(ids) is all(_is_taken(each) for each in ids)


@given(BODIES)
def test_bodies_that_are_plain_together_are_taken_each(bodies: list[str]) -> None:
    encoded = [body.encode("utf-8", "replace") for body in bodies]
    if are_ascii(encoded):
        for body in encoded:
            check_body(body)
            assert body.isascii()


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_one_bad_body_of_several_is_refused_alone(bad: int) -> None:
    bodies = [b"fine"] * 3
    bodies[bad] = b"\x00"
    assert not are_ascii(bodies)
    with pytest.raises(InvalidMessageContents):
        check_body(bodies[bad])
