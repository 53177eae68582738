"""The composition root: the only place that picks store, clock, entropy and runtimes."""

import asyncio
import gc
import logging
import os
import secrets
import time
from collections.abc import Callable, Coroutine

from interstate.config import Settings
from interstate.http.app import Application
from interstate.http.dispatch import Credentials, Dispatcher
from interstate.http.guard import Guard
from interstate.http.server import listen, serve
from interstate.runtime.catalog import Catalog
from interstate.runtime.clock import BusinessClock, wall_now
from interstate.runtime.control import Control
from interstate.runtime.instance import Instance
from interstate.runtime.performers import Outside, Performers
from interstate.services.operation import Service
from interstate.services.states.mocking import install, read_mocks
from interstate.services.tables import SERVICES
from interstate.store.ports import Store
from interstate.store.sequences import Sequences
from interstate.store.sqlite.engine import SqliteStore
from interstate.wire.codec import Wire
from interstate.wire.model import load
from interstate.wire.signature import Credential, read_credentials

VERSION = "0.1.0"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")

Ready = Callable[[Instance, Control, int], Coroutine[None, None, None]]
"""Told the instance, its control and its port when the first request may come; runs beside the server."""


class Misconfigured(RuntimeError):
    """The server cannot run as it was asked to; the message says what to do."""


def run(settings: Settings, ready: Ready, *, hold_effects: bool = False) -> None:
    """Serve until SIGINT or SIGTERM. ``hold_effects``: ``ready`` says when effects may start (what they call comes up with it).

    Raises:
        Misconfigured: off loopback without credentials, or a credentials file that cannot be read.
        DataDirectoryInUse: another server holds the data.
        OSError: the address is taken.
    """
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    _loop_policy()
    asyncio.run(_serve(settings, ready, hold_effects=hold_effects))


def _loop_policy() -> None:
    try:
        import uvloop  # noqa: PLC0415 where there is none, asyncio's own loop does
    except ImportError:
        return
    uvloop.install()


async def _serve(settings: Settings, ready: Ready, *, hold_effects: bool) -> None:
    own_secret = secrets.token_hex(20)  # Functions sign with it.
    credentials = _credentials(settings, own_secret)
    mocks = _mock_configuration(settings)
    listener = listen(settings.host, settings.port)  # Before the store: a taken port leaves the data alone.
    port = listener.getsockname()[1]
    store, sequences = _open_store(settings)
    wire = Wire(load())
    clock = BusinessClock(settings.clock, settings.clock_at)
    entropy = os.urandom(16) if settings.seed is None else bytes.fromhex(settings.seed)
    instance = Instance(store, Catalog(_services(settings), wire.check), clock, entropy, sequences)
    instance.commits.overlaps = not settings.enforce_capacity  # A rate is a row that all calls of an account lock.
    outside = Outside(
        f"http://{_own_host(settings.host)}:{port}",
        own_secret,
        settings.data,
        settings.workers,
        settings.smtp,
        settings.sms_gateway,
        settings.push_gateway,
    )
    performers = Performers(instance, outside)
    await performers.start()
    if hold_effects:
        instance.due.hold_effects()
    await instance.start()
    await instance.run(lambda work: install(mocks, work))
    drain, leave = await _join(instance, store, f"{settings.host}:{port}")
    await performers.announce()
    control = Control(instance, VERSION)
    control.after_reset = performers.announce
    guard = Guard(settings.host, settings.allow_hosts)
    dispatcher = Dispatcher(instance, wire, guard, control=control, credentials=credentials, real_now=wall_now)
    beside: list[asyncio.Task[None]] = []
    gc.freeze()  # What is loaded now stays: full collections need not walk through it.
    gc.enable()  # Commands that serve turn it off until here.
    try:
        await serve(
            Application(dispatcher),
            settings.host,
            port,
            lambda bound: beside.append(asyncio.get_running_loop().create_task(ready(instance, control, bound))),
            stopping=instance.parking.clear,
            listener=listener,
        )
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        await drain()
        await performers.stop()
        await leave()
        await instance.stop()


def _open_store(settings: Settings) -> tuple[Store, Sequences]:
    if settings.database is None:
        embedded = SqliteStore(settings.data)
        return embedded, Sequences(_sequence_floor() + embedded.numbers_ahead())
    import psycopg  # noqa: PLC0415 only who uses it waits for it

    from interstate.store.postgres.engine import (  # noqa: PLC0415 as above
        ClockSequences,
        PostgresStore,
    )
    from interstate.store.postgres.fitness import UnfitDatabase  # noqa: PLC0415 as above
    from interstate.store.postgres.registry import NoNumberLeft  # noqa: PLC0415 as above

    try:
        store = PostgresStore(settings.database, role=settings.role)
    except (UnfitDatabase, NoNumberLeft) as error:
        raise Misconfigured(str(error)) from error
    except psycopg.OperationalError as error:
        raise Misconfigured(
            f"The database cannot be used: {str(error).strip()}. Start it, or mend --database."
        ) from error
    return store, ClockSequences(store)


_Leave = Callable[[], Coroutine[None, None, None]]


async def _join(instance: Instance, store: Store, address: str) -> tuple[_Leave, _Leave]:
    """Live among the nodes of a shared database; answers how to stop working, and how to leave."""
    from interstate.runtime.signals import Signals  # noqa: PLC0415 as above

    if isinstance(store, SqliteStore):
        signals = Signals(instance)
        signals.start()
        return _nowhere, signals.stop
    from interstate.runtime.nodes import Nodes  # noqa: PLC0415 as above
    from interstate.store.postgres.engine import PostgresStore  # noqa: PLC0415

    assert isinstance(store, PostgresStore)
    nodes = Nodes(instance, store, address)
    instance.tell_others = nodes.tell
    await nodes.start()
    signals = Signals(instance, lambda: nodes.is_first)
    signals.start()

    async def leave() -> None:
        await signals.stop()
        await nodes.stop()

    return nodes.drain, leave


async def _nowhere() -> None:
    """An embedded store has no neighbours."""


def _sequence_floor() -> int:
    """Numbers of this process are above those of any process before it."""
    return time.time_ns() // 1000


def _own_host(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::", "localhost", *_LOOPBACK) else host  # noqa: S104 compared, not bound


def _services(settings: Settings) -> tuple[Service, ...]:
    if not settings.enforce_capacity:
        return SERVICES
    from interstate.services.dynamodb.throughput import enforcing  # noqa: PLC0415 only who asks for it waits for it
    from interstate.services.events import rates  # noqa: PLC0415 the same
    from interstate.services.states import quotas  # noqa: PLC0415 the same

    return quotas.enforcing(rates.enforcing(enforcing(SERVICES)))


def _mock_configuration(settings: Settings) -> str | None:
    """The text of MockConfigFile.json."""
    if settings.mock_config is None:
        return None
    try:
        text = settings.mock_config.read_text("utf-8")
        read_mocks(text)
    except (OSError, ValueError) as error:
        raise Misconfigured(f"The mock configuration {settings.mock_config} cannot be used: {error}.") from error
    return text


def _credentials(settings: Settings, own_secret: str) -> Credentials | None:
    """The access keys that may call; None on loopback, where any may.

    Functions call with their account's number as key and a secret of this process.
    """
    if settings.credentials is None:
        if settings.host not in _LOOPBACK:
            raise Misconfigured(
                f"Bound to {settings.host}, Interstate needs --credentials FILE (an AWS credentials file: sections with "
                "aws_access_key_id, aws_secret_access_key and, if you like, aws_account_id), or --host 127.0.0.1."
            )
        return None
    try:
        given = read_credentials(settings.credentials.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise Misconfigured(f"The credentials file {settings.credentials} cannot be used: {error}") from error
    accounts = {credential.account for credential in given.values()}
    return {**given, **{account: Credential(account, own_secret, account) for account in accounts}}
