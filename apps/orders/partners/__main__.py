"""``python -m partners``: run the three partners until the terminal, or the parent process, ends."""

import argparse
import asyncio
import os
import shlex
import shutil
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

from partners.carriers import Access, Carriers
from partners.faults import Rates
from partners.messages import Gateway
from partners.payment import Provider
from partners.web import serve

PARENT_CHECK_S = 0.5


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="partners", description="Payment provider, carriers and message gateway, simulated."
    )
    parser.add_argument("--payment-port", type=port, default=4601, help="a port, or an address with one")
    parser.add_argument("--carrier-port", type=port, default=4602)
    parser.add_argument("--message-port", type=port, default=4603)
    parser.add_argument("--ledger", type=Path, default=Path(".partners"), help="folder of what the partners did")
    parser.add_argument("--fresh", action="store_true", help="forget what they did before")
    parser.add_argument("--seed", default="1", help="the same seed draws the same faults")
    parser.add_argument("--webhook-secret", default="local-webhook-secret")
    parser.add_argument("--carrier-user", default=Access().user, help="who the carriers know")
    parser.add_argument(
        "--carrier-secret", default=Access().secret, help="API key, password and client secret of that one"
    )
    for partner in ("payment", "carrier", "message"):
        parser.add_argument(
            f"--{partner}-errors", type=float, default=0.0, metavar="RATE", help="share answered with 500"
        )
        parser.add_argument(
            f"--{partner}-timeouts", type=float, default=0.0, metavar="RATE", help="share never answered"
        )
        parser.add_argument(
            f"--{partner}-latency-ms", type=float, default=0.0, metavar="MS", help="mean time of an answer"
        )
    parser.add_argument(
        "--declines", type=float, default=0.0, metavar="RATE", help="share of charges that are declined"
    )
    parser.add_argument("--duplicates", type=float, default=0.02, metavar="RATE", help="share of webhooks told twice")
    parser.add_argument(
        "--settle-ms", type=float, default=20.0, metavar="MS", help="mean time until a charge is decided"
    )
    parser.add_argument("--hang-s", type=float, default=4.0, metavar="S", help="how long an unanswered call is held")
    parser.add_argument("--end-with-parent", action="store_true", help="end when the process that started this ends")
    parser.add_argument("--elsewhere", action="store_true", help="the partners run elsewhere: only wait here")
    # Whoever is started by somebody else (a companion of the platform) gets further options by its environment.
    return parser.parse_args([*sys.argv[1:], *shlex.split(os.environ.get("PARTNERS_OPTIONS", ""))])


def port(text: str) -> int:
    return int(text) if text.isdecimal() else urlsplit(text).port or 80


def rates(chosen: argparse.Namespace, partner: str) -> Rates:
    return Rates(
        errors=getattr(chosen, f"{partner}_errors"),
        timeouts=getattr(chosen, f"{partner}_timeouts"),
        latency_ms=getattr(chosen, f"{partner}_latency_ms"),
        declines=chosen.declines,
        duplicates=chosen.duplicates,
        settle_ms=chosen.settle_ms,
        hang_s=chosen.hang_s,
    )


async def run(chosen: argparse.Namespace) -> None:
    if chosen.elsewhere:
        await until_ended(watch_parent=True)
        return
    folder: Path = chosen.ledger
    if chosen.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    access = Access(chosen.carrier_user, chosen.carrier_secret)
    provider = Provider(folder / "payment.jsonl", rates(chosen, "payment"), chosen.seed, chosen.webhook_secret)
    carriers = Carriers(folder / "carriers.jsonl", rates(chosen, "carrier"), chosen.seed, access)
    gateway = Gateway(folder / "messages.jsonl", rates(chosen, "message"), chosen.seed)
    servers = [
        await serve(chosen.payment_port, provider.handle),
        await serve(chosen.carrier_port, carriers.handle),
        await serve(chosen.message_port, gateway.handle),
    ]
    provider.resume()
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    sys.stdout.write(
        "partners: payment http://127.0.0.1:{}  carriers http://127.0.0.1:{}  messages http://127.0.0.1:{}\n".format(
            *ports
        )
    )
    sys.stdout.flush()
    await until_ended(watch_parent=chosen.end_with_parent)


async def until_ended(*, watch_parent: bool) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    parent = os.getppid()
    while not ended.is_set() and not (watch_parent and os.getppid() != parent):
        try:
            await asyncio.wait_for(ended.wait(), PARENT_CHECK_S)
        except TimeoutError:
            continue


def main() -> None:
    chosen = arguments()
    try:
        asyncio.run(run(chosen))
    except OSError as fault:
        sys.exit(f"partners: cannot start: {fault}")


if __name__ == "__main__":
    main()
