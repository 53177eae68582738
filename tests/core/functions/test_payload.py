import pytest

from interstate.core.functions.payload import words_of_broken

VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
# Sources: awsdocs/aws-lambda-developer-guide issues 271 (a token), 351 (places), 382 (UTF-8), with the wording of the later ones.
CASES = [
    (b"m", f"Unrecognized token 'm': was expecting {VALUES}", '"m"; line: 1, column: 3'),
    (b"{x", "Unexpected character ('x' (code 120)): was expecting double-quote to start field name", '"{x"; line: 1, column: 3'),
    (b"\n\n}", f"Unexpected character ('}}' (code 125)): expected a valid value {VALUES}", '"\n\n}"; line: 3, column: 2'),
    (b"1\x97", "Invalid UTF-8 start byte 0x97", '"1\ufffd"; line: 1, column: 3'),
]  # fmt: skip


@pytest.mark.parametrize(("payload", "reason", "place"), CASES, ids=range(len(CASES)))
def test_a_broken_payload_is_told_with_its_place(payload: bytes, reason: str, place: str) -> None:
    told = "Could not parse request body into json: Could not parse payload into json: "
    assert words_of_broken(payload) == f"{told}{reason}\n at [Source: (byte[]){place}]"


def test_a_long_payload_is_told_in_part() -> None:
    """Source: https://github.com/szymonmaszke/torchlambda/issues/13."""
    assert '"[truncated 101 bytes]; line: 1, column: ' in words_of_broken(b"x" * 601)
