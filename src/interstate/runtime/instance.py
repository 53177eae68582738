"""A running Interstate: store, batches, due work, parked calls and clock, composed.

``execute`` is what ``http`` calls. One instance owns one store.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping
from functools import partial
from hashlib import blake2b
from typing import Any

import msgspec

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.runtime import faults
from interstate.runtime.activity import Activity
from interstate.runtime.asked import Asked, Settle
from interstate.runtime.batch import Batches, InternalFailure, Job, ServiceUnavailable
from interstate.runtime.catalog import Catalog
from interstate.runtime.clock import BusinessClock
from interstate.runtime.clock_control import ClockControl, load_clock
from interstate.runtime.commits import Commits
from interstate.runtime.due import DueWork
from interstate.runtime.functions.streaming import STREAM, Stream
from interstate.runtime.parking import Parking
from interstate.runtime.read_turns import Reading, ReadTurns
from interstate.runtime.reading import Reads
from interstate.runtime.work import BatchWork
from interstate.services.operation import Operation, Parked, Perform, Streaming
from interstate.store.ports import Store
from interstate.store.records.due import SETTINGS, Setting
from interstate.store.sequences import Sequences
from interstate.store.tables import Key

_log = logging.getLogger("interstate.instance")

Done = Callable[[Mapping[str, Any] | None, BaseException | None], None]


class Instance:
    """Everything between ``http`` and the store, on one event loop."""

    def __init__(
        self, store: Store, catalog: Catalog, clock: BusinessClock, entropy: bytes, sequences: Sequences
    ) -> None:
        self.store = store
        self.catalog = catalog
        self.clock = clock
        self._entropy = entropy
        self.jobs = 0  # So many were begun.
        self.activity = Activity()
        self.batches = Batches(store, catalog, entropy, sequences)
        self.commits = Commits(self.batches, clock, self.activity)
        self._reads = Reads(store, catalog, sequences, self.batches.metrics)
        self.commits.telling = self._reads.end
        self._turns = ReadTurns(store, catalog, sequences, self.batches.metrics) if store.takes_turns else None
        self.parking = Parking(clock)
        self.due = DueWork(self.batches, self.commits, clock, self.activity, self.seed)
        self.clock_control = ClockControl(self.run, clock, self.due, self.parking, self.activity)
        self.commits.committed = self._committed
        self.commits.moment, self.commits.landed = self.parking.moment, self.parking.forget_wakes
        self.node: dict[str, Any] | None = None  # Who this node is and who its neighbours are, where there may be some.
        self.store_trouble: Callable[[], str | None] = lambda: None  # Why the store cannot be used now, for people.
        self.tell_others: Callable[[list[tuple[str, bool]]], None] = lambda _wakes: None
        self._tasks: set[asyncio.Task[None]] = set()

    # Life ------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take up what the last process left: its seed, its clock, its effects in flight, its due work."""
        self._entropy_of_instance(await self.run(self._settle))
        load_clock(self.clock, await self.run(lambda work: work.get(SETTINGS, "clock")))
        await self._load_faults()
        while await self.run(self.due.recover):
            pass
        self.due.look()

    async def _load_faults(self) -> None:
        saved = await self.run(lambda work: work.get(SETTINGS, faults.SETTING))
        self.catalog.faults.load("[]" if saved is None else saved.value)

    def faults_elsewhere(self, saved: str) -> None:
        """The rules that another node has saved hold here, too."""
        if saved != self.catalog.faults.saved():
            self.catalog.faults.load(saved)

    async def change_faults(self, change: Callable[[faults.Faults], Any]) -> Any:
        """Change the rules as they are stored, so that another node's newest rule stays; they hold over a restart."""

        def decide(work: BatchWork) -> tuple[Any, str]:
            saved = work.get(SETTINGS, faults.SETTING)
            rules = faults.Faults()
            rules.load("[]" if saved is None else saved.value)
            answer = change(rules)
            work.put(SETTINGS, Setting(faults.SETTING, rules.saved()))
            return answer, rules.saved()

        answer, saved = await self.run(decide)
        self.faults_elsewhere(saved)
        return answer

    def _settle(self, work: BatchWork) -> str:
        setting = work.get(SETTINGS, "seed")
        if setting is None:
            setting = Setting("seed", self._entropy.hex())
            work.put(SETTINGS, setting)
        return setting.value

    def _entropy_of_instance(self, seed: str) -> None:
        """Due rows draw from the seed that is stored, so that they repeat themselves after a crash."""
        self.batches.seed = bytes.fromhex(seed)

    async def stop(self) -> None:
        """Stop taking work; what is committed stays, what is not was never acknowledged."""
        self.parking.clear()
        await self.due.stop()
        await self.commits.close()
        self._reads.end()
        if self._turns is not None:
            self._turns.close()
        self.store.close()

    async def reset(self) -> None:
        """Forget everything but the clock's mode."""
        self.parking.clear()
        await self._exchange(self.store.wipe)
        await self.run(self._settle)
        self.catalog.faults.load("[]")

    async def _exchange(self, function: Callable[[], None]) -> None:
        def exchange() -> None:
            self.batches.forget()  # Here: the next batch may be decided before who waits for this goes on.
            function()

        await self.commits.between(exchange)

    async def replace(self, function: Callable[[], None]) -> None:
        """Exchange everything that is stored for something else; ``function`` does it while no transaction is open."""
        self.parking.clear()
        await self.due.abandon()
        await self._exchange(function)
        self._entropy_of_instance(await self.run(self._settle))
        load_clock(self.clock, await self.run(lambda work: work.get(SETTINGS, "clock")))
        await self._load_faults()
        while await self.run(self.due.recover):
            pass
        self.due.look()

    # Calls -----------------------------------------------------------------------------------------------------

    def seed(self) -> bytes:
        """The seed of one call."""
        self.jobs += 1
        return blake2b(self.jobs.to_bytes(8), digest_size=16, key=self._entropy).digest()

    def implements(self, service: str, operation: str) -> bool:
        """Whether a table has the operation."""
        return self.catalog.implements(service, operation)

    async def execute(
        self, service: str, operation: str, params: Mapping[str, Any], caller: Caller
    ) -> Mapping[str, Any] | None:
        """One API call, answered when it is durable. ``params`` were validated.

        Raises:
            ServiceError: the operation refused, or is not implemented.
        """
        if self.catalog.faults:
            faulty: Mapping[str, Any] | None = await self.catalog.faults.around(
                service, operation, params, lambda: self._carry_out(service, operation, params, caller)
            )
            return faulty
        return await self._carry_out(service, operation, params, caller)

    def typed(self, service: str, operation: str) -> type[msgspec.Struct] | None:
        """The struct of an operation's requests; None while faults are asked for, which look at parameters."""
        return None if self.catalog.faults else self.catalog.operation(service, operation).request

    def begin(
        self, service: str, operation: str, params: Mapping[str, Any] | msgspec.Struct, caller: Caller, done: Done
    ) -> None:
        """The same without a task, for most calls: ``done(answer, error)`` is called once, now or when it is durable.

        ``params`` may be the operation's own struct, read and checked, unless faults are asked for.

        Raises:
            ServiceError: the operation refused at once; ``done`` is not called then.
        """
        typed = isinstance(params, msgspec.Struct)
        if isinstance(params, msgspec.Struct):
            request = params
        elif self.catalog.faults:
            self._in_task(self.execute(service, operation, params, caller), done)
            return
        else:
            request = self.catalog.request(service, operation, params, checked=True)
        row = self.catalog.operation(service, operation)
        if row.reads and self._turns is not None:
            self._read_in_turn(row, request, caller, done)
            return
        if row.reads and self.store.reader is not None:
            done(self._read(row, request, caller, texts=typed), None)
            return
        handle = row.handle

        def settle(outcome: Any, error: ServiceError | None) -> None:
            if error is None and isinstance(outcome, Perform):
                self._in_task(self.perform(outcome), done)
            else:
                done(outcome, error)

        keys = () if row.keys is None else row.keys(request, caller)
        self._settling(Job(lambda work: handle(request, work), _unset, self.seed(), caller, keys), settle)

    def _in_task(self, call: Coroutine[Any, Any, Any], done: Done) -> None:
        async def run() -> None:
            try:
                answer = await call
            except Exception as error:  # noqa: BLE001 the border: whatever it is belongs to who asked
                done(None, error)
            else:
                done(answer, None)

        task = asyncio.get_running_loop().create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry_out(
        self, service: str, operation: str, params: Mapping[str, Any], caller: Caller
    ) -> Mapping[str, Any] | None:
        row = self.catalog.operation(service, operation)
        request = self.catalog.request(service, operation, params, checked=True)
        if row.reads and self._turns is not None:
            coming: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            self._read_in_turn(row, request, caller, partial(_settle_future, coming))
            read: Mapping[str, Any] | None = await coming
            return read
        if row.reads and self.store.reader is not None:
            return self._read(row, request, caller)
        keys = () if row.keys is None else row.keys(request, caller)
        outcome = await self._submit(Job(lambda work: row.handle(request, work), _unset, self.seed(), caller, keys))
        if isinstance(outcome, Perform):
            return await self.perform(outcome)
        answer: Mapping[str, Any] | None = outcome
        return answer

    async def run(
        self, function: Callable[[BatchWork], Any], caller: Caller | None = None, keys: Iterable[Key] = ()
    ) -> Any:
        """Any function of a work, as a job of its own; ``keys`` are rows that it will read."""
        return await self._submit(Job(function, _unset, self.seed(), caller or Caller(), keys))

    def read(self, function: Callable[[BatchWork], Any]) -> Awaitable[Any]:
        """A function that only reads, on what is committed; in memory there is only the one connection."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self._turns is not None:
            self._turns.begin(Reading(function, partial(_settle_future, answer), Caller(), self.clock.now()))
            return answer
        if self.store.reader is None:
            return self.run(function)
        answer.set_result(self._reads.read(function, Caller(), self.clock.now()))
        return answer

    def _submit(self, job: Job) -> Awaitable[Any]:
        """Submit a job; the answer comes after the last commit."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def settle(outcome: Any, error: ServiceError | None) -> None:
            if answer.done():
                return
            if error is not None:
                answer.set_exception(error)
            else:
                answer.set_result(outcome)

        self._settling(job, settle, answer.done)
        return answer

    def _settling(self, job: Job, settle: Settle, gone: Callable[[], bool] | None = None) -> None:
        """Submit a job, and again whenever it was parked and woken, unless who asked is ``gone``."""
        job.done = Asked(self, settle, gone).done
        self.commits.submit(job)

    async def perform(self, perform: Perform) -> Mapping[str, Any] | None:
        """Carry out an effect for a caller who waits; its end is a commit of its own, before the answer.

        Of an answer that streams, the rest follows under "_More".
        """
        if perform.streaming is not None:
            return await self._stream(perform, perform.streaming)
        return perform.answer(await self._carried_out(perform))

    async def _carried_out(self, perform: Perform) -> Any:
        effect = self.catalog.effects[perform.kind]
        if perform.kind not in self.due.performers:
            raise InternalFailure(f"nobody performs {perform.kind}")
        self.activity.begin()
        try:
            result = await self.due.carry_out(perform.kind, self.seed().hex(), perform.body)
            keys = () if effect.keys is None else effect.keys(perform.body)
            await self.run(lambda work: effect.finish(perform.body, result, work), keys=keys)
        finally:
            self.activity.end()
        return result

    async def _stream(self, perform: Perform, streaming: Streaming) -> Mapping[str, Any] | None:
        stream = Stream()
        call = asyncio.create_task(self._streamed(perform, stream))
        head = b""
        while (data := await stream.next()) is not None:
            head += data
            answer = streaming.begin(stream.content_type, head)
            if answer is not None:
                return {**answer, "_More": _rest_of(stream, streaming, call)}
        result = await call
        return perform.answer(msgspec.structs.replace(result, streamed=head) if head else result)

    async def _streamed(self, perform: Perform, stream: Stream) -> Any:
        STREAM.set(stream)
        try:
            return await self._carried_out(perform)
        finally:
            stream.close()

    def _read(
        self, row: Operation[Any], request: msgspec.Struct, caller: Caller, *, texts: bool = False
    ) -> Mapping[str, Any] | None:
        """A call that writes nothing, on what is committed, without waiting for a batch."""
        try:
            outcome = self._reads.read(lambda work: row.handle(request, work), caller, self.clock.now(), texts=texts)
        except ServiceError:
            raise
        except Exception as error:
            raise self._failed_read(error) from error
        assert not isinstance(outcome, Parked | Perform)
        answer: Mapping[str, Any] | None = outcome
        return answer

    def _failed_read(self, error: Exception) -> ServiceError:
        if (away := self.store.unavailable(error)) is not None:
            return ServiceUnavailable(away)
        _log.error("a read failed by a bug", exc_info=error)
        return InternalFailure(type(error).__name__)

    def _read_in_turn(self, row: Operation[Any], request: msgspec.Struct, caller: Caller, done: Done) -> None:
        """The same with a snapshot that other calls share; ``done`` is called when the database has answered."""

        def told(answer: Any, error: Exception | None) -> None:
            if error is not None and not isinstance(error, ServiceError):
                error = self._failed_read(error)
            done(answer, error)

        assert self._turns is not None
        keys = [] if row.keys is None else [key for key in row.keys(request, caller) if isinstance(key, Key)]
        self._turns.begin(Reading(lambda work: row.handle(request, work), told, caller, self.clock.now(), keys))

    def _committed(self, decided: Any) -> None:
        for key, one in decided.wakes:
            self.parking.wake(key, one=one)
        self.tell_others(decided.wakes)
        self.due.committed(decided)


async def _rest_of(stream: Stream, streaming: Streaming, call: asyncio.Task[Any]) -> AsyncIterator[Any]:
    """What follows the beginning of a streamed answer."""
    while (data := await stream.next()) is not None:
        yield streaming.chunk(data)
    for last in streaming.end(await call):
        yield last


def _settle_future(future: asyncio.Future[Any], answer: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(answer)


def _unset(_job: Job) -> None:
    raise AssertionError("a job without a listener")
