"""Who calls, remembered by the first part of the Authorization header."""

from hypothesis import given
from hypothesis import strategies as st

from interstate.base.arn import Caller
from interstate.wire.messages import Request
from interstate.wire.model import Models
from interstate.wire.routing import Router, caller_of_scope, credential, parse_scope

ROUTER = Router(Models(()))
PARTS = st.sampled_from(
    ["AWS4-HMAC-SHA256 ", "Credential=", "Credential", "111111111111", "222222222222", "AKIA", "/", "/20260101/", "us-east-1", "eu-west-1",
     "/sqs/aws4_request", "/sqs/aws4_request", ",", ", ", " ", "SignedHeaders=host", "Signature=0", ""]
)  # fmt: skip
GIVEN = st.lists(PARTS, max_size=10).map("".join) | st.builds(
    "AWS4-HMAC-SHA256 Credential={}/20260101/{}/sqs/aws4_request{}".format,
    st.sampled_from(["111111111111", "222222222222", "a/b"]),
    st.sampled_from(["us-east-1", "eu-west-1"]),
    st.sampled_from(
        ["", ",", ", SignedHeaders=host, Signature=0", ", Credential=333333333333/1/us-west-2/sqs/aws4_request"]
    ),
)


@given(st.lists(GIVEN, min_size=1, max_size=6))
def test_what_is_remembered_is_what_the_header_says(given_: list[str]) -> None:
    for text in given_:
        request = Request("POST", "/", "", {b"authorization": text.encode()}, b"")
        scope = parse_scope(credential(request))
        assert ROUTER.scope(request) == (scope, caller_of_scope(scope))


def test_an_unsigned_request_is_the_defaults_whoever_asked_before() -> None:
    for query, account in (
        ("", Caller().account),
        ("X-Amz-Credential=111111111111%2F1%2Feu-west-1%2Fsqs%2Faws4_request", "1" * 12),
    ) * 2:
        assert ROUTER.scope(Request("POST", "/", query, {}, b""))[1].account == account
