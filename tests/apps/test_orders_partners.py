"""The partners' own promises: idempotent by key, durable, and faults that the seed repeats."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from ordering import partner
from ordering.payment import signed

from partners.carriers import Carriers
from partners.faults import Dice, Rates
from partners.ledger import Ledger
from partners.messages import Gateway
from partners.payment import Provider
from partners.web import Hang, serve

QUICK = Rates(settle_ms=0)
CHARGE = {"key": "O-1-charge-0", "amount": "2.50", "currency": "GBP", "metadata": {"orderId": "O-1", "attempt": 0}}


class Shop:
    """A webhook's receiver that refuses the first ``refusals`` notices."""

    def __init__(self, refusals: int = 0) -> None:
        self.notices: list[dict[str, Any]] = []
        self.refusals = refusals
        self.heard = asyncio.Event()

    async def handle(self, _method: str, _path: str, body: Any, _headers: Any) -> tuple[int, Any]:
        if self.refusals:
            self.refusals -= 1
            return 503, {}
        self.notices.append(body)
        self.heard.set()
        return 200, {}


def with_shop(
    path: Path, rates: Rates, story: Callable[[Provider, Shop, str], Awaitable[None]], refusals: int = 0
) -> None:
    async def run() -> None:
        shop = Shop(refusals)
        server = await serve(0, shop.handle)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        provider = Provider(path, rates, "1", "secret")
        async with asyncio.timeout(60):
            await story(provider, shop, url)
            await asyncio.gather(*provider.tasks)
        provider.ledger.close()
        server.close()

    asyncio.run(run())


def test_a_charge_is_captured_once_however_often_it_is_asked_for(tmp_path: Path) -> None:
    async def story(provider: Provider, shop: Shop, url: str) -> None:
        for _ in range(3):
            assert await provider.handle("POST", "/charges", {**CHARGE, "webhookUrl": url}) == (
                202,
                {"key": CHARGE["key"], "status": "pending"},
            )
        await shop.heard.wait()

    with_shop(tmp_path / "ledger", QUICK, story)
    lines = [json.loads(line)["type"] for line in (tmp_path / "ledger").read_text().splitlines()]
    assert lines == ["charge", "captured", "told"]


def test_a_notice_is_repeated_until_it_is_taken(tmp_path: Path) -> None:
    async def story(provider: Provider, shop: Shop, url: str) -> None:
        await provider.handle("POST", "/charges", {**CHARGE, "webhookUrl": url})
        await shop.heard.wait()
        assert [notice["type"] for notice in shop.notices] == ["charge.captured"]

    with_shop(tmp_path / "ledger", QUICK, story, refusals=1)


def test_what_was_not_told_before_a_crash_is_told_after_it(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    ledger.append(type="charge", key="k", amount="1.00", currency="GBP", webhook_url="", metadata={"orderId": "O"})
    ledger.append(type="captured", key="k")
    ledger.close()
    with (tmp_path / "ledger").open("a") as file:
        file.write('{"type": "refu')  # The line that the crash cut off.

    async def story(provider: Provider, shop: Shop, url: str) -> None:
        provider.book.charges["k"].webhook_url = url
        provider.resume()
        await shop.heard.wait()
        assert provider.report()["charges"][0]["captures"] == 1

    with_shop(tmp_path / "ledger", QUICK, story)


def test_a_refund_is_given_once_and_never_more_than_was_captured(tmp_path: Path) -> None:
    async def story(provider: Provider, shop: Shop, url: str) -> None:
        refund = {"key": "r", "chargeKey": CHARGE["key"], "amount": "2.50"}
        assert (await provider.handle("POST", "/refunds", refund))[0] == 404
        await provider.handle("POST", "/charges", {**CHARGE, "webhookUrl": url})
        await shop.heard.wait()
        assert (await provider.handle("POST", "/refunds", refund))[0] == 201
        assert (await provider.handle("POST", "/refunds", refund))[0] == 200
        assert (await provider.handle("POST", "/refunds", {**refund, "key": "again"}))[0] == 422
        assert len(provider.report()["refunds"]) == 1

    with_shop(tmp_path / "ledger", QUICK, story)


def test_a_key_cannot_be_used_for_another_amount(tmp_path: Path) -> None:
    async def story(provider: Provider, shop: Shop, url: str) -> None:
        await provider.handle("POST", "/charges", {**CHARGE, "webhookUrl": url})
        assert (await provider.handle("POST", "/charges", {**CHARGE, "webhookUrl": url, "amount": "9.99"}))[0] == 409
        await shop.heard.wait()

    with_shop(tmp_path / "ledger", QUICK, story)


def test_a_declined_charge_is_never_captured(tmp_path: Path) -> None:
    async def story(provider: Provider, shop: Shop, url: str) -> None:
        await provider.handle("POST", "/charges", {**CHARGE, "webhookUrl": url})
        await shop.heard.wait()
        assert shop.notices[0]["type"] == "charge.declined"
        assert shop.notices[0]["code"] in {"insufficient_funds", "stolen_card"}
        assert provider.report()["charges"][0]["captures"] == 0

    with_shop(tmp_path / "ledger", Rates(settle_ms=0, declines=1.0), story)


def test_a_notice_is_signed_as_the_webhook_checks_it(tmp_path: Path) -> None:
    heard: list[tuple[str, str]] = []

    async def run() -> None:
        async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
            heard.append(((await reader.readexactly(int(fields["content-length"]))).decode(), fields["x-signature"]))
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(listen, "127.0.0.1", 0)
        provider = Provider(tmp_path / "ledger", QUICK, "1", "secret")
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        provider.charge({**CHARGE, "webhookUrl": url})
        await asyncio.gather(*provider.tasks)
        provider.ledger.close()
        server.close()

    asyncio.run(run())
    assert signed("secret", *heard[0])


def test_a_booking_is_made_once_and_can_be_taken_back(tmp_path: Path) -> None:
    carriers = Carriers(tmp_path / "ledger", QUICK, "1")
    parcel = {"key": "k", "orderId": "O-1", "country": "KR"}
    assert carriers.book("continental", parcel)[0] == 422
    first, again = carriers.book("swift", parcel), carriers.book("swift", parcel)
    assert (first[0], again[0], first[1]) == (201, 200, again[1])
    assert [carriers.void("swift", "k")[0] for _ in range(2)] == [200, 200]
    assert carriers.book("swift", parcel)[0] == 409
    assert carriers.void("harbor", "k")[0] == 404
    carriers.ledger.close()
    later = Carriers(tmp_path / "ledger", QUICK, "1")
    assert later.report()["bookings"][0]["voided"]
    later.ledger.close()


def test_a_message_is_sent_once_for_its_key(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path / "ledger", QUICK, "1")
    message = {"key": "O-1/ShipmentCreated/email", "channel": "email", "customerId": "C", "orderId": "O-1", "text": "t"}
    assert gateway.send([message, message]) == (202, {"accepted": 1, "known": 1})
    gateway.ledger.close()
    later = Gateway(tmp_path / "ledger", QUICK, "1")
    assert later.send([message]) == (202, {"accepted": 0, "known": 1})
    assert later.report()["messages"][0]["sent"] == 1
    later.ledger.close()


def test_faults_follow_from_the_seed_and_fall_before_and_after_the_deed() -> None:
    rates = Rates(errors=0.3, timeouts=0.3)
    one, same, other = ([Dice(seed, rates).draw() for _ in range(1)] for seed in ("a", "a", "b"))
    dice, again = Dice("a", rates), Dice("a", rates)
    draws = [dice.draw() for _ in range(200)]
    assert draws == [again.draw() for _ in range(200)]
    assert one == same
    assert other is not one
    assert {(each.before, each.after) for each in draws} == {
        ("", ""),
        ("error", ""),
        ("", "error"),
        ("timeout", ""),
        ("", "timeout"),
    }
    assert dice.suffer("") is None
    with pytest.raises(Hang):
        dice.suffer("timeout")


ANSWERS = {"/fine": (200, {"a": 1}), "/refused": (422, {"message": "no"}), "/broken": (500, {}), "/odd": (200, [1])}


async def outcome_of(path: str) -> Any:
    async def handle(_method: str, target: str, _body: Any, _headers: Any) -> tuple[int, Any]:
        if target == "/silent":
            raise Hang(60)
        return ANSWERS[target]

    server = await serve(0, handle)
    port = server.sockets[0].getsockname()[1]
    timeout_s = 0.1 if path == "/silent" else 60
    try:
        return await asyncio.to_thread(partner.call, "POST", f"http://127.0.0.1:{port}{path}", {}, timeout_s=timeout_s)
    finally:
        server.close()


def test_a_call_tells_refused_from_unknown() -> None:
    assert asyncio.run(outcome_of("/fine")) == {"a": 1}
    with pytest.raises(partner.PartnerRefused, match="422: no"):
        asyncio.run(outcome_of("/refused"))
    for path in ("/broken", "/odd", "/silent"):
        with pytest.raises(partner.PartnerUnavailable):
            asyncio.run(outcome_of(path))


def test_a_partner_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(partner.PartnerUnavailable, match="Connection refused"):
        partner.call("GET", "http://127.0.0.1:1/x")
