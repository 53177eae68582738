import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstate.base.time import EPOCH
from interstate.core.functions.recursion import CALLS_MAX, is_loop, joined, mark_of, with_call
from interstate.core.functions.tracing import lineage_of, trace_of

ONE, TWO = (f"arn:aws:lambda:us-east-1:000000000000:function:{name}" for name in ("One", "Two"))


def test_the_seventeenth_call_of_a_function_in_one_chain_is_a_loop() -> None:
    header = None
    for _ in range(CALLS_MAX):
        assert not is_loop(lineage_of(header), ONE)
        header = trace_of(header, request_id="r", attempt=1, began=EPOCH, active=False, function=ONE).header
    assert is_loop(lineage_of(header), ONE)
    assert not is_loop(lineage_of(header), TWO)


@pytest.mark.parametrize("text", ["", "|", ":", "nonsense", "a:b|c", f"{mark_of(ONE)}:-3"])
def test_what_is_no_chain_is_none(text: str) -> None:
    assert with_call(text, ONE) == f"{mark_of(ONE)}:1"


@given(st.lists(st.sampled_from([ONE, TWO])), st.lists(st.sampled_from([ONE, TWO])))
def test_a_batch_has_the_longest_of_its_chains(first: list[str], second: list[str]) -> None:
    chains = []
    for calls in (first, second):
        chain = ""
        for function in calls:
            chain = with_call(chain, function)
        chains.append(chain)
    for function in (ONE, TWO):
        assert is_loop(joined(chains), function) == any(is_loop(chain, function) for chain in chains)


def test_a_chain_is_as_long_as_a_header_may_be() -> None:
    chain = ""
    for number in range(100):
        chain = with_call(chain, f"function:{number}")
    assert len(chain) < 1024 - 100
    assert with_call(chain, "function:99").endswith(f"{mark_of('function:99')}:2")
