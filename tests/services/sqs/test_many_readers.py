"""Fifty readers that wait and twenty senders: nobody starves, nobody looks in vain without end.

Source: SQS Developer Guide, "Short and long polling".
"""

import random
from collections import Counter, deque
from datetime import timedelta
from typing import Any

import pytest
from tests.services.sqs.conftest import Queues

from interstate.services.operation import Outcome, Parked
from interstate.services.sqs.receive import ReceiveMessage, receive_message

READERS, SENDERS, ROUNDS = 50, 20, 40


class Poll:
    """Readers in order of their waiting, as a server parks them."""

    def __init__(self, queues: Queues, name: str) -> None:
        self.queues = queues
        self.name = name
        self.waiting: deque[tuple[int, Parked]] = deque()
        self.served: Counter[int] = Counter()
        self.bodies: list[str] = []
        self.looks = 0

    def ask(self, reader: int) -> None:
        """Ask for messages, until there are none; then wait."""
        url = f"http://localhost/000000000000/{self.name}"
        request = ReceiveMessage(url, max_number_of_messages=1, wait_time_seconds=20)
        while True:
            self.looks += 1
            outcome = self.queues.world.run(lambda work: receive_message(request, work))
            if self._waits(reader, outcome):
                return

    def _waits(self, reader: int, outcome: Outcome) -> bool:
        if isinstance(outcome, Parked):
            self.waiting.append((reader, outcome))
            return True
        assert isinstance(outcome, dict)
        for message in outcome["Messages"]:
            self.served[reader] += 1
            self.bodies.append(message["Body"])
            self.queues.delete(message, self.name)
        return False

    def pass_on(self) -> None:
        """Wake whom the commits woke, until nobody is."""
        wakes = self.queues.world.wakes
        while wakes:
            wakes.pop(0)
            if self.waiting:
                reader, parked = self.waiting.popleft()
                self.looks += 1
                if not self._waits(reader, self._look_again(parked)):
                    self.ask(reader)

    def _look_again(self, parked: Parked) -> Any:
        return self.queues.world.run(lambda work: parked.again(work, False))


@pytest.mark.parametrize("name", ["q", "q.fifo"])
def test_fifty_readers_and_twenty_senders(queues: Queues, name: str) -> None:
    chance = random.Random(5)
    queues.create(name)
    poll = Poll(queues, name)
    for reader in range(READERS):
        poll.ask(reader)
    sent = 0
    for _ in range(ROUNDS):
        for sender in range(SENDERS):
            ids = {"MessageGroupId": f"g{sender}", "MessageDeduplicationId": str(sent)} if name != "q" else {}
            queues.send(str(sent), name, **ids)
            sent += 1
            if chance.random() < 0.5:
                poll.pass_on()
        poll.pass_on()
        queues.world.advance(timedelta(seconds=1))
    assert sorted(map(int, poll.bodies)) == list(range(sent))
    assert len(poll.served) == READERS  # Everybody got some,
    assert max(poll.served.values()) <= 3 * sent / READERS  # and nobody most of them.
    assert poll.looks <= 6 * sent + READERS  # A look has a cause: a message came, went, or was let go.
