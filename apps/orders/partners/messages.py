"""The message gateway: ``POST /messages {"messages": [{key, channel, customerId, orderId, text}]}`` sends mail, SMS and app push.

A message is sent once for its key. ``GET /ledger`` tells each with how often it was sent and how often it was asked for.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from partners.faults import Dice, Rates
from partners.ledger import Ledger
from partners.web import NO_HEADERS, Reply


class Gateway:
    def __init__(self, path: Path, rates: Rates, seed: str) -> None:
        self.ledger = Ledger(path)
        self.messages: dict[str, dict[str, Any]] = {}
        self.sent: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        for line in self.ledger.lines():
            self.apply(line)
        self.dice = Dice(f"{seed}/messages", rates)

    def apply(self, line: dict[str, Any]) -> None:
        for message in line["messages"]:
            self.messages[message["key"]] = message
            self.sent[message["key"]] += 1

    async def handle(self, method: str, path: str, body: Any, _headers: Mapping[str, str] = NO_HEADERS) -> Reply:
        if method == "GET" and path == "/ledger":
            return 200, self.report()
        if method != "POST" or path != "/messages":
            return 404, {"message": f"{method} {path} is not here"}
        await self.dice.wait(self.dice.rates.latency_ms)
        misfortune = self.dice.draw()
        if answer := self.dice.suffer(misfortune.before):
            return answer
        reply = self.send(body["messages"])
        return self.dice.suffer(misfortune.after) or reply

    def send(self, messages: list[dict[str, Any]]) -> Reply:
        new: dict[str, dict[str, Any]] = {}
        for message in messages:
            self.asked[message["key"]] += 1
            if message["key"] not in self.messages:
                new.setdefault(message["key"], message)
        if new:
            line = {"type": "sent", "messages": list(new.values())}
            self.ledger.append(**line)
            self.apply(line)
        return 202, {"accepted": len(new), "known": len(messages) - len(new)}

    def report(self) -> dict[str, Any]:
        messages = [
            {
                "key": key,
                "channel": each["channel"],
                "customerId": each["customerId"],
                "orderId": each["orderId"],
                "sent": self.sent[key],
                "asked": self.asked[key],
            }
            for key, each in self.messages.items()
        ]
        return {"messages": messages}
