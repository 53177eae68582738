"""Which groups and deduplication ids a send to a FIFO queue will need, guessed before the queue is loaded.

A batch fetches the rows of all its calls in one statement, but those of a FIFO queue are found by the queue's number, which
stands in its row. So the numbers that were seen last are remembered here. A guess that is wrong (a queue that was made again,
another store) fetches and holds rows that nobody asks for; it decides nothing.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

from interstate.store.records.sqs import DEDUPLICATIONS, GROUPS
from interstate.store.tables import Key

QUEUES_MAX = 1024
DIGESTED_MAX = 8192
"""Of longer bodies the digest, which is their deduplication id, is not made a second time."""


class Hints:
    """Numbers of FIFO queues by ARN, and whether their deduplication ids count by group."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, bool]] = {}

    def note(self, arn: str, number: int, *, by_group: bool) -> None:
        """Remember a queue."""
        if self._known.get(arn) != (number, by_group):
            if len(self._known) >= QUEUES_MAX:
                self._known.clear()
            self._known[arn] = (number, by_group)

    def rows(self, arn: str, sent: Iterable[tuple[str | None, str | None, str]]) -> Sequence[Key]:
        """The rows for messages of these groups, ids and bodies."""
        known = self._known.get(arn)
        if known is None:
            return ()
        number, by_group = known
        keys: list[Key] = []
        for group, identity, body in sent:
            if group is None:
                continue
            keys.append(Key(GROUPS, (number, group)))
            if identity is None and len(body) <= DIGESTED_MAX:
                identity = sha256(body.encode()).hexdigest()
            if identity is not None:
                keys.append(Key(DEDUPLICATIONS, (number, identity, group if by_group else "")))
        return keys


hints = Hints()
