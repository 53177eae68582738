"""A slow reader holds up the handler, and no memory."""

import asyncio

from interstate.runtime.functions.streaming import FULL_BYTES, Stream


def test_a_full_stream_pauses_its_writer_until_it_is_read() -> None:
    async def scenario() -> list[str]:
        stream, told = Stream(), list[str]()
        for _ in range(3):
            stream.feed(bytes(FULL_BYTES // 2), lambda: told.append("pause"), lambda: told.append("resume"))
        assert told == ["pause"], "once, as soon as it is full"
        assert len(await stream.next() or b"") == FULL_BYTES // 2 * 3
        return told

    assert asyncio.run(scenario()) == ["pause", "resume"]


def test_what_was_written_is_read_to_the_end_of_the_call() -> None:
    async def scenario() -> list[bytes | None]:
        stream = Stream()
        reader = asyncio.create_task(stream.next())
        await asyncio.sleep(0)
        stream.feed(b"a", lambda: None, lambda: None)
        first = await reader
        stream.feed(b"b", lambda: None, lambda: None)
        stream.close()
        return [first, await stream.next(), await stream.next()]

    assert asyncio.run(scenario()) == [b"a", b"b", None]
