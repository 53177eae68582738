"""Ids are data: the same seed gives the same, and they look as they should."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis.strategies import binary, integers

from interstate.base.ids import Entropy


@given(binary(min_size=1, max_size=32))
def test_a_uuid_is_one_of_version_4(seed: bytes) -> None:
    text = Entropy(seed).uuid()
    assert str(UUID(text)) == text
    assert UUID(text).version == 4


@given(binary(min_size=1, max_size=32))
def test_the_same_seed_gives_the_same_stream(seed: bytes) -> None:
    assert [Entropy(seed).uuid() for _ in range(2)] == [Entropy(seed).uuid()] * 2
    stream = Entropy(seed)
    assert len({stream.uuid() for _ in range(20)}) == 20


@given(binary(min_size=1, max_size=8), integers(1, 10**12))
def test_numbers_stay_below_their_bound(seed: bytes, bound: int) -> None:
    assert 0 <= Entropy(seed).integer(bound) < bound
    assert 0.0 <= Entropy(seed).fraction() < 1.0


@pytest.mark.parametrize(("digits", "length"), [(1, 1), (16, 16), (31, 31)])
def test_hexadecimal_text_has_its_length(digits: int, length: int) -> None:
    assert len(Entropy(b"x").hex(digits)) == length


def test_words_repeat_with_their_seed_and_differ_from_each_other() -> None:
    words = [Entropy(b"seed").word(), *_words(20)]
    assert words[0] == words[1]
    assert len(set(words[1:])) == 20
    assert all(0 <= word < 1 << 64 for word in words)


def _words(count: int) -> list[int]:
    entropy = Entropy(b"seed")
    return [entropy.word() for _ in range(count)]
