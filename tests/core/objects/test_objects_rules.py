"""S3's pure rules.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; RFC 9110, sections 13 and 14.
"""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists, sampled_from, text

from interstate.core.objects.listing import listed
from interstate.core.objects.names import after_prefix, is_bucket_name
from interstate.core.objects.ranges import Conditions, Span, judge, span_of


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("abc", True),
        ("a.b-c9", True),
        ("ab", False),
        ("a" * 64, False),
        ("Abc", False),
        ("a_b", False),
        ("a..b", False),
        ("192.168.5.4", False),
        ("xn--abc", False),
        ("abc-s3alias", False),
        ("-abc", False),
    ],
)
def test_bucket_names(name: str, good: bool) -> None:
    assert is_bucket_name(name) is good


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", Span(0, 1)),
        ("bytes=2-", Span(2, 10)),
        ("bytes=-3", Span(7, 10)),
        ("bytes=-30", Span(0, 10)),
        ("bytes=5-99", Span(5, 10)),
        ("bytes=10-", "unsatisfiable"),
        ("bytes=-0", "unsatisfiable"),
        ("bytes=5-2", None),
        ("bytes=0-1,3-4", None),
        ("items=0-1", None),
    ],
)
def test_ranges_of_ten_bytes(header: str, expected: object) -> None:
    assert span_of(header, 10) == expected


def test_a_date_counts_only_where_no_entity_tag_is_given() -> None:
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    assert judge(Conditions(match='"e"', unmodified_since=early), '"e"', late) == "ok"
    assert judge(Conditions(unmodified_since=early), '"e"', late) == "If-Unmodified-Since"
    assert judge(Conditions(none_match='"x"', modified_since=late), '"e"', early) == "ok"
    assert judge(Conditions(modified_since=late), '"e"', early) == "not modified"
    assert judge(Conditions(none_match="*"), '"e"', early) == "not modified"


KEYS = text(sampled_from("ab/é\U0010ffff"), min_size=1, max_size=5)


@given(keys=lists(KEYS, unique=True), prefix=text("ab/", max_size=2), limit=integers(1, 4), page=integers(1, 3))
def test_pages_put_together_are_the_whole_listing(keys: list[str], prefix: str, limit: int, page: int) -> None:
    ordered = sorted(keys)

    def read(first: str, count: int) -> list[tuple[str, str]]:
        return [(key, key) for key in ordered if key >= first][:count]

    whole: dict[str, None] = {}
    for key in ordered:
        if key.startswith(prefix):
            at = key.find("/", len(prefix))
            whole[key if at < 0 else key[: at + 1]] = None
    found: list[str] = []
    after: str | None = ""
    while after is not None:
        shown = listed(read, prefix=prefix, delimiter="/", after=after, limit=limit, page=page)
        assert len(shown.entries) + len(shown.prefixes) <= limit
        found += sorted(shown.entries + shown.prefixes)
        after = shown.last
    assert found == list(whole)


@given(prefix=text(max_size=3), key=text(max_size=5))
def test_nothing_that_begins_so_is_above_what_comes_after_a_prefix(prefix: str, key: str) -> None:
    above = after_prefix(prefix)
    if above is not None:
        assert (prefix + key).encode("utf-8", "surrogatepass") < above.encode("utf-8", "surrogatepass")
