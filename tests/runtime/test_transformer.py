"""The process in which templates are transformed stays, and no answer of it is taken for another's."""

import asyncio
import os
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import pytest

from interstate.runtime.transform_child import SIZE_BYTES, Order, Result, answer_all, framed
from interstate.runtime.transformer import Transformer, transformed_once


def plain(name: str) -> dict[str, Any]:
    return {"Resources": {name: {"Type": "AWS::SQS::Queue"}}}


def order(name: str) -> Order:
    return Order("us-east-1", template=plain(name))


def test_each_order_gets_its_answer_and_a_refusal_is_one() -> None:
    orders = [order("A"), Order("us-east-1", path="/nowhere/template.yaml"), order("B")]
    answers = BytesIO()
    answer_all(BytesIO(b"".join(framed(msgspec.json.encode(one)) for one in orders)), answers)
    answers.seek(0)
    found = []
    while size := answers.read(SIZE_BYTES):
        found.append(msgspec.json.decode(answers.read(int.from_bytes(size)), type=Result))
    assert [one.template for one in found] == [plain("A"), None, plain("B")]
    assert "No such file or directory" in (found[1].error or "")


def test_a_process_that_stays_answers_as_one_of_its_own(tmp_path: Path) -> None:
    """The translator works in place; nothing of one order is seen in the next, nor in what it was given."""
    path = tmp_path / "t.yaml"
    path.write_text(
        "Transform: AWS::Serverless-2016-10-31\n"
        "Globals: {Function: {Runtime: python3.11, Handler: a.h}}\n"
        "Resources: {F: {Type: AWS::Serverless::Function, Properties: {CodeUri: '.'}}}\n"
    )
    other = {"Transform": "AWS::Serverless-2016-10-31", "Resources": {"T": {"Type": "AWS::Serverless::SimpleTable"}}}
    orders = [
        Order("us-east-1", path=str(path)),
        Order("eu-west-1", template=other),
        Order("us-east-1", path=str(path)),
    ]

    async def answered() -> tuple[list[Result], list[Result]]:
        transformer = Transformer()
        transformer.warm()
        try:
            return [await transformer.carry_out(one) for one in orders], [await transformed_once(one) for one in orders]
        finally:
            await transformer.close()

    staying, own = asyncio.run(answered())
    assert staying == own
    assert staying[0] == staying[2]
    assert staying[0].source is not None
    assert staying[0].source["Resources"]["F"]["Properties"] == {"CodeUri": "."}
    assert "Globals" in (staying[0].original or {})


def test_a_process_that_died_is_replaced() -> None:
    async def story() -> list[Result]:
        transformer = Transformer()
        first = await transformer.carry_out(order("A"))
        assert transformer._child is not None
        process = transformer._child.process
        os.kill(process.pid, 9)
        await process.wait()
        second = await transformer.carry_out(order("B"))
        await transformer.close()
        return [first, second]

    assert [one.template for one in asyncio.run(story())] == [plain("A"), plain("B")]


def test_an_order_that_was_given_up_leaves_no_answer_to_the_next() -> None:
    async def story() -> Result:
        transformer = Transformer()
        await transformer.carry_out(order("Before"))
        given_up = asyncio.create_task(transformer.carry_out(order("A")))
        await asyncio.sleep(0)  # It is sent.
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        second = await transformer.carry_out(order("B"))
        await transformer.close()
        return second

    assert asyncio.run(story()).template == plain("B")


def test_a_process_that_ends_in_an_order_is_told_with_its_last_words() -> None:
    async def story() -> Result:
        transformer = Transformer()
        try:
            return await transformer.carry_out(Order("us-east-1"))  # Neither a path nor a template: a bug of ours.
        finally:
            await transformer.close()

    assert asyncio.run(story()).error == "the transform's process ended with 1: AssertionError"
